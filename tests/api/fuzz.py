"""Requests by chance over a whole document: half fitting, half spoilt, by callers of all standings; judged one by one.

Quicker than a general tool since nothing is shrunk: a failure names its seed and number, which make it again.
"""

from __future__ import annotations

import gzip
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

import orjson

from tests.api.asking import Answer, Asked
from tests.api.document import JSON, Document, Operation, Parameter
from tests.api.generating import STRANGE, Generator
from tests.api.houses import Desk
from tests.api.judging import OF_LOAD, complaint, problem_complaint

FAILURES_KEPT = 20
NASTY_TEXTS = (
    *STRANGE,
    "",
    " ",
    "-1",
    "0",
    "1e400",
    "9" * 400,
    "null",
    "[]",
    "{}",
    "true",
    "a" * 300,
    "NaN",
    "%",
    "%G1",
    "..",
    ":",
)
CALLERS = ("everything",) * 40 + ("powerless", "suspended", "neighbour", "both", "elsewhere", "agency", "nobody", "")


@dataclass
class Tally:
    """What came of a run."""

    sent: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    failed: int = 0

    def __str__(self) -> str:
        rate = self.sent / max(self.seconds, 0.001)
        by_class = Counter(f"{status // 100}xx" for status in self.statuses.elements())
        return f"{self.sent} requests in {self.seconds:.0f} s ({rate:.0f}/s): {dict(sorted(by_class.items()))}"


class Fuzzer:
    """`pool` grows with what the program gives out, so that later requests name things that exist."""

    def __init__(self, desk: Desk, document: Document, seed: int, skipped: frozenset[str] = frozenset()) -> None:
        self._desk = desk
        self._document = document
        self._random = Random(seed)
        self._seed = seed
        self._pool: dict[str, list[Any]] = {
            parameter: [thing.there] for (_, parameter), thing in desk.house.things.items()
        }
        self._things: dict[tuple[str, str], list[str]] = {
            key: [thing.there, *desk.house.also.get(key, ())] for key, thing in desk.house.things.items()
        }
        self._generator = Generator(document, self._random, self._pool)
        self._operations = [each for each in document.operations if each.id not in skipped]
        self._tokens = {name: desk.authorization(name) for name in set(CALLERS) - {""}}
        self.tally = Tally()

    async def run(self, count: int) -> Tally:
        began = time.monotonic()
        for number in range(count):
            operation = self._random.choice(self._operations)
            asked = self._request(operation)
            answer = await self._desk.ask(asked)
            self._judge(number, operation, asked, answer)
        self.tally.seconds += time.monotonic() - began
        return self.tally

    def _judge(self, number: int, operation: Operation, asked: Asked, answer: Answer) -> None:
        tally = self.tally
        tally.sent += 1
        tally.statuses[answer.status] += 1
        tally.operations[operation.id] += 1
        tally.succeeded[operation.id] += answer.status < 300
        # a spoilt address may lead to another operation
        found = (
            problem_complaint(answer) if answer.status in (404, 405) else complaint(self._document, operation, answer)
        )
        if answer.status in OF_LOAD:
            found = f"{answer.status} without load"
        if found and operation.path.count("{") and answer.status < 500 and not self._led_here(operation, asked):
            found = ""
        if found:
            tally.failed += 1
            if len(tally.failures) < FAILURES_KEPT:
                what = f"{asked.method} {asked.target[:200]!r} {str(asked.body)[:300]}"
                tally.failures.append(f"seed {self._seed} number {number}: {what}: {found}")
        elif answer.status in (200, 201, 202) and answer.media_type == JSON:
            self._learn(operation, answer)

    @staticmethod
    def _led_here(operation: Operation, asked: Asked) -> bool:
        return asked.target.partition("?")[0].count("/") == operation.path.count("/")

    def _learn(self, operation: Operation, answer: Answer) -> None:
        body = answer.json()
        collection = operation.path.removeprefix("/v1/").partition("/")[0].partition(":")[0]
        for key, parameter in (("code", "code"), ("id", "id"), ("client_id", "client_id")):
            value = body.get(key) if isinstance(body, dict) else None
            if isinstance(value, str) and (collection, parameter) in self._things and value not in CALLERS:
                self._remember(self._things[collection, parameter], value)
        if isinstance(body, dict):
            for transfer in body.get("transfers") or ():
                self._remember(self._things.setdefault(("transfers", "id"), []), transfer)
            for name in ("next_cursor", "cursor"):
                if body.get(name):
                    self._remember(self._pool.setdefault("cursor", []), body[name])
            if body.get("document_id"):
                self._remember(self._pool.setdefault("document_id", []), body["document_id"])

    def _remember(self, held: list[Any], value: Any) -> None:
        if value not in held:
            held.append(value)
        if len(held) > 40:
            held.pop(self._random.randrange(1, len(held)))

    def _request(self, operation: Operation) -> Asked:
        random = self._random
        headers: dict[str, str | bytes] = {}
        caller = random.choice(CALLERS)
        if caller:
            headers["authorization"] = self._tokens[caller]
        body = b""
        if operation.bodies:
            media_type, body = self._body(operation)
            headers["content-type"] = media_type if random.random() < 0.98 else self._nasty().encode()
            if random.random() < 0.03:
                headers["content-encoding"] = "gzip"
                body = gzip.compress(body, 1) if random.random() < 0.7 else body
        for parameter in operation.of("header"):
            if random.random() < 0.12:
                headers[parameter.name.lower()] = self._header(parameter)
        return Asked(operation.method, self._target(operation), headers, body)

    def _header(self, parameter: Parameter) -> bytes:
        random = self._random
        value = self._generator.fitting(parameter.schema, parameter.name) if random.random() < 0.5 else self._nasty()
        if parameter.name == "If-Match" and random.random() < 0.5:
            value = f'"{random.randint(0, 5)}"'
        return str(value).encode().replace(b"\r", b"").replace(b"\n", b"")

    def _target(self, operation: Operation) -> str:
        random = self._random
        path = operation.path
        collection = path.removeprefix("/v1/").partition("/")[0].partition(":")[0]
        for parameter in operation.of("path"):
            held = self._things.get((collection, parameter.name))
            chance = random.random()
            if held and chance < 0.85:
                value = quote(random.choice(held), safe="")
            elif chance < 0.93:
                value = quote(str(self._generator.fitting(parameter.schema)), safe="")
            else:
                value = self._text()
            path = path.replace(f"{{{parameter.name}}}", value)
        pairs = []
        for parameter in operation.of("query"):
            if random.random() < (0.2 if not parameter.required else 1.0):
                value = self._generator.fitting(parameter.schema, parameter.name) if random.random() < 0.85 else None
                for each in value if isinstance(value, list) else [value]:
                    text = (
                        self._text()
                        if each is None
                        else quote(str(each).lower() if isinstance(each, bool) else str(each))
                    )
                    pairs.append(f"{parameter.name}={text}" if parameter.name != "wait" else "wait=0")
        return f"{path}?{'&'.join(pairs)}" if pairs else path

    def _text(self) -> str:
        """Of an address: often encoded well, sometimes not."""
        text = self._nasty()
        return (
            quote(text, safe="")
            if self._random.random() < 0.8
            else text.encode("ascii", "ignore").decode().replace("?", "")
        )

    def _nasty(self) -> str:
        return self._random.choice(NASTY_TEXTS)

    def _body(self, operation: Operation) -> tuple[str, bytes]:
        random = self._random
        media_type = random.choice(list(operation.bodies)) if random.random() < 0.3 else next(iter(operation.bodies))
        schema = operation.bodies[media_type]["schema"]
        if media_type != JSON:
            _, valid = self._desk.body(operation)
            return media_type, _bytes_spoilt(valid, random)
        chance = random.random()
        value = orjson.loads(self._desk.body(operation)[1]) if chance < 0.4 else self._generator.fitting(schema)
        if 0.25 < chance < 0.6:
            value = self._generator.spoilt(value)
        try:
            raw = orjson.dumps(value)
        except TypeError:  # an integer beyond 64 bits
            raw = orjson.dumps(str(value))
        return media_type, _bytes_spoilt(raw, random) if random.random() < 0.1 else raw


def _bytes_spoilt(raw: bytes, random: Random) -> bytes:
    """Some bytes changed, cut away or put in."""
    if not raw:
        return random.randbytes(random.randrange(30))
    at = random.randrange(len(raw))
    acts = (
        raw,
        raw[:at],
        raw[:at] + random.randbytes(random.randrange(1, 5)) + raw[at + 1 :],
        raw[:at] + raw[at : at + 20] * random.randrange(2, 50) + raw[at:],
        raw[:at]
        + random.choice((b"\\ud800", b"\x00", b"\\u0000", b'"', b"{", b"]", b"1e999", b"\xff", b","))
        + raw[at:],
    )
    return random.choice(acts)
