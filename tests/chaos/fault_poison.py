"""Records no program of the hub writes, put straight into its topics, about subjects of their own: each must end as a
dead letter or as a refusal, and what stands behind them flows."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import uuid4

import orjson
from sqlalchemy import TextClause, text

from contracts.envelope import Envelope, Headers, to_headers
from deploy.client.credentials import read_credentials
from services.kernel.database import Database
from tests.chaos.fault_ground import LOOK_SECONDS, RECOVERY_SECONDS, SYSTEMS, Ground
from tests.chaos.plan import Fault
from tests.e2e.topics import Topics, code_of, fact, source_of, submitted

End = Literal["dead", "refused", "either", "nothing"]
MARK = "x-poison"
DEEP = 3_000

_BURIED = text("SELECT headers FROM dead_letter WHERE topic = :topic AND headers LIKE :marked AND sent")
_REFUSED = text("SELECT id FROM transfer WHERE id = ANY(CAST(:ids AS text[])) AND state = 'refused'")


@dataclass(frozen=True, slots=True)
class Office:
    """Whom the records feign to come from."""

    level: str
    organ: str

    @property
    def system(self) -> str:
        return SYSTEMS[self.level]

    @property
    def code(self) -> str:
        """A new one."""
        return code_of(self.organ)

    def valid(self) -> Envelope:
        """What its change makes bad."""
        return replace(submitted(self.organ, code=self.code, system=self.system), source=source_of(self.level))

    def line(self, *, organ: str = "", subject: str = "", hop: int = 1, **more: Any) -> dict[str, Any]:
        """Of a receipt about nothing."""
        told = {"organ": organ or self.organ, "state": "handed_over", "handed_over_at": "2024-06-03T01:00:05Z"}
        return {
            "source": source_of("province"),
            "id": str(uuid4()),
            "subject": subject or self.code,
            "hopsequence": hop,
            "deliveries": [told],
            **more,
        }


@dataclass(frozen=True, slots=True)
class Bad:
    """One record and how it must end; `nothing`: it is about nothing known and changes nothing."""

    name: str
    end: End
    headers: Headers = field(repr=False)
    value: bytes | None = field(repr=False, default=b"{}")
    id: str = ""

    def marked(self, run: str) -> Headers:
        return ((MARK, f"{run} {self.name}".encode()), *self.headers)


async def poison(ground: Ground, fault: Fault, begun: asyncio.Event) -> float:
    """All at once; returns when each has come to its end."""
    leg, _, level = fault.target.partition(".")
    office = Office(level, read_credentials(ground.hub.home)[SYSTEMS[level]].organ)
    bad = list(for_gateway(office) if leg == "ingest" else for_office(office))
    run, since = uuid4().hex, time.monotonic()
    topics = Topics(ground.hub.bootstrap)
    try:
        for each in bad:
            await topics.put_raw(each.marked(run), each.value, topic=fault.target)
    finally:
        await topics.aclose()
    begun.set()
    await _until_ended(ground, fault, bad, run)
    return since


def for_gateway(office: Office) -> Iterator[Bad]:
    """For `ingest.<level>`."""
    yield from _unreadable(office)
    yield from _refused(office)
    yield from _receipts_of(office)


def for_office(office: Office) -> Iterator[Bad]:
    """For `deliver.<level>`."""
    yield from _unreadable(office)
    own, level = office.valid(), office.level
    yield _bad("a fact without a hop", "dead", own)
    yield _bad("a long subject", "dead", replace(own, subject=_noise()))
    yield _bad("a hop far ahead", "nothing", replace(own, subject=office.code, hopsequence=10**17))
    told = [office.line(deliveries=[]) | {"stamp": None}]
    for kind in ("receipt.routed", "receipt.refused", "receipt.handed-over", "receipt.conflict", "receipt.expired"):
        yield _bad(f"{kind} of nothing in it", "dead", _report(level, kind, {"items": [{}]}))
        yield _bad(f"{kind} with too little", "dead", _report(level, kind, {"items": told}))
    asked = {"items": [{"subject": office.code, "emitter": f"{source_of(level)}|{office.organ}", "first": 1}]}
    yield _bad("asked for what was never sent", "nothing", _report("gateway", "control.resend-requested", asked))


def _unreadable(office: Office) -> Iterator[Bad]:
    """No CloudEvent, or none of ours."""
    own = to_headers(office.valid())
    yield Bad("bare garbage", "dead", (), b"\x00\xff\xfe garbage")
    yield Bad("no headers", "dead", (), office.valid().value)
    yield Bad("tombstone", "dead", (), None)
    yield Bad("tombstone of a CloudEvent", "dead", _without(own, "ce_sequence"), None)
    yield Bad("many headers", "dead", tuple((f"x-{number}", b"y" * 100) for number in range(2_000)))
    yield Bad("a huge header", "dead", (("x-long", b"y" * 500_000),))
    changes: dict[str, tuple[str, bytes]] = {
        "no identity": ("ce_id", b""),
        "identity of no UUID": ("ce_id", b"' OR 1=1 --"),
        "a NUL": ("ce_subject", b"000\x00"),
        "bytes that are no text": ("ce_sender", b"\xff\xfe"),
        "another house": ("ce_type", b"com.example.event"),
        "a version in words": ("ce_dataschema", b"https://lienthong.vn/contracts/dossier.submitted/vone"),
        "a time of never": ("ce_time", b"9999-12-31T23:59:59.999-23:59"),
        "a number too large": ("ce_hopsequence", b"9" * 40),
    }
    for name, (header, raw) in changes.items():
        yield Bad(name, "dead", (*_without(own, header), (header, raw)))


def _refused(office: Office) -> Iterator[Bad]:
    """Facts by their headers, sequence 1 of subjects of their own: the gateway tells each sender no."""
    other = "district" if office.level == "commune" else "commune"
    deep = b'{"note":' + b"[" * DEEP + b"]" * DEEP + b"}"
    for name, value in {
        "no JSON": b"\xff{",
        "JSON of another kind": b'"text"',
        "an endless nest": deep,
        "a lone surrogate": b'{"code":"\\ud800"}',
        "a NUL in the text": b'{"code":"\\u0000"}',
        "no number": b'{"channel":NaN}',
        "nothing in it": b"",
        "far too large": b'{"note":"' + b"x" * 400_000 + b'"}',
    }.items():
        yield _bad(name, "refused", replace(office.valid(), value=value))
    yield _bad("unknown contract", "refused", replace(office.valid(), type="dossier.unheard"))
    yield _bad("unknown version", "refused", replace(office.valid(), version=9999))
    yield _bad("wrong level", "refused", replace(office.valid(), source=source_of(other)))
    yield _bad("forged sender", "refused", replace(office.valid(), sender="000.99.99.H28"))
    yield _bad("forged system", "refused", replace(office.valid(), system="nobody"))
    yield _bad("someone else's name", "refused", replace(office.valid(), system=SYSTEMS[other]))
    yield _bad("a long subject", "either", replace(office.valid(), subject=_noise()))
    yield _bad("a long sender", "either", replace(office.valid(), sender=_noise()))
    yield _bad("a long system", "either", replace(office.valid(), system=_noise()))
    yield _bad("a long source", "either", replace(office.valid(), source=_noise()))
    yield _bad("a long trace", "either", replace(office.valid(), value=b"{}", traceparent=_noise()))
    yield _bad("another content type", "refused", replace(office.valid(), value=b"<xml/>"),
               content_type=b"application/xml")  # fmt: skip
    yield _bad("no number of its own", "dead", replace(office.valid(), sequence=None))
    yield _bad("a number far ahead", "nothing", replace(office.valid(), sequence=10**17))


def _receipts_of(office: Office) -> Iterator[Bad]:
    """About nothing: no hop of that number, no subject, not its own level."""
    kind, level = "receipt.handed-over", office.level
    yield _bad("a receipt for no hop", "dead", _report(level, kind, {"items": [office.line()]}))
    yield _bad("a receipt of a strange organ", "dead",
               _report(level, kind, {"items": [office.line(organ="000.99.99.H28")]}))  # fmt: skip
    yield _bad("a receipt of another level", "dead", _report("gateway", kind, {"items": [office.line()]}))
    yield _bad("a receipt with a NUL", "dead", _report(level, kind, {"items": [office.line(subject="a\x00b")]}))
    huge = _report(level, kind, {"items": [office.line(hop=7_777)]})
    huge = replace(huge, value=huge.value.replace(b":7777,", b":" + b"7" * 30 + b","))
    yield _bad("a receipt of a huge number", "dead", huge)
    asked = {"items": [{"subject": office.code, "first": 1}]}
    yield _bad("asked for an unknown subject", "nothing", _report(level, "control.resend-requested", asked))
    asked = {"items": [{"subject": "a\x00b", "first": 1}]}
    stuck = {"subject": office.code, "hopsequence": 1, "reason": "system.failed", "attempts": 1}
    stuck["since"] = "2024-06-03T01:00:05Z"
    yield _bad("stuck with what was never sent", "nothing", _report(level, "control.hop-stuck", {"items": [stuck]}))
    yield _bad("asked for a NUL", "dead", _report(level, "control.resend-requested", asked))


def _report(level: str, kind: str, payload: Any) -> Envelope:
    return fact(kind, payload, subject=level, sender="", system="", level=level, sequence=None)


def _bad(name: str, end: End, envelope: Envelope, *, content_type: bytes = b"") -> Bad:
    headers = to_headers(envelope)
    if content_type:
        headers = tuple((key, content_type if "content" in key else raw) for key, raw in headers)
    return Bad(name, end, headers, envelope.value, envelope.id)


def _noise() -> str:
    """Within the size of headers, too long for an index, and it cannot be pressed."""
    return secrets.token_urlsafe(5_000)


def _without(headers: Headers, name: str) -> Headers:
    return tuple((key, raw) for key, raw in headers if key != name)


async def _until_ended(ground: Ground, fault: Fault, bad: Sequence[Bad], run: str) -> None:
    leg, _, level = fault.target.partition(".")
    program = "gateway" if leg == "ingest" else level
    waiting = {each.name: each for each in bad if each.end != "nothing"}
    database = Database(ground.hub.database_url(program), application_name="chaos", pool_size=1)
    end = time.monotonic() + RECOVERY_SECONDS
    try:
        while True:
            rows = await _rows(database, _BURIED, topic=fault.target, marked=f"%{run}%")
            buried = {_mark(row.headers).removeprefix(f"{run} ") for row in rows}
            refused = set()
            if leg == "ingest":
                found = await _rows(database, _REFUSED, ids=[each.id for each in waiting.values() if each.id])
                refused = {row.id for row in found}
            waiting = {
                name: each for name, each in waiting.items() if not _ended(each, name in buried, each.id in refused)
            }
            if not waiting:
                return
            assert time.monotonic() < end, f"{fault.alone}: {[f'{e.name}: not {e.end}' for e in waiting.values()]}"
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await database.aclose()


def _ended(bad: Bad, buried: bool, refused: bool) -> bool:
    return (buried and bad.end != "refused") or (refused and bad.end != "dead")


async def _rows(database: Database, query: TextClause, **values: Any) -> Sequence[Any]:
    async with database.read() as conn:
        return (await conn.execute(query, values)).all()


def _mark(headers: str) -> str:
    return next((value for name, value in orjson.loads(headers) if name == MARK), "")
