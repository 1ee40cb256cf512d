"""A system under load: every request is repeated until it has an answer, a POST always with its key; all is noted."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
import orjson

from deploy.client.hub import Hub
from deploy.client.problems import ClientError
from tests.chaos.evidence import Replay, Sighting
from tests.chaos.history import line
from tests.chaos.log import Log, StoryEnded

__all__ = ["Client", "Json", "Log", "Posted", "StoryEnded"]

FIRST_POLL_SECONDS, GROWTH = 0.1, 1.5
AGAIN_SHARE = 0.1
"""Share of the POSTs that are sent once more as soon as they are answered."""
FULL = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE)
"""Answers above 499 that are as they should be: the same request later."""
TEXT = 300

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Posted:
    """A POST with the answer it got, after how many tries; `accepted_at` is machine time."""

    client: Client = field(repr=False)
    path: str
    key: str
    content: bytes = field(repr=False)
    status: int
    answer: bytes = field(repr=False)
    accepted_at: float
    tries: int

    @property
    def ok(self) -> bool:
        return self.status < HTTPStatus.BAD_REQUEST

    @property
    def body(self) -> Json:
        parsed: Json = orjson.loads(self.answer)
        return parsed

    @property
    def code(self) -> str:
        """Of a refusal."""
        return "" if self.ok else str(self.body.get("code"))


class Client:
    """One system. Its organ's inbox is left alone, so that it can be counted at the end."""

    def __init__(
        self, agency: Hub, http: httpx.AsyncClient, log: Log, *, seed: str, paced: bool = True, again: bool = True
    ) -> None:
        self._agency, self._http, self.log = agency, http, log
        self._paced, self._again = paced, again
        self._rng = random.Random(f"{seed} {agency.name}")

    @property
    def name(self) -> str:
        return self._agency.name

    @property
    def organ(self) -> str:
        return self._agency.organ

    async def post(self, path: str, body: Json, *, allowed: tuple[str, ...] = (), subject: str = "") -> Posted:
        """The answer, once there is one. A refusal whose code is not in `allowed` is a failure of the run."""
        if self._paced:
            await self.log.pace.turn()
        content, key = orjson.dumps(body), str(UUID(bytes=self._rng.randbytes(16), version=4))
        answer, tries = await self._ask("POST", path, content=content, key=key)
        posted = Posted(self, path, key, content, answer.status_code, answer.content, time.time(), tries)
        if not posted.ok:
            if posted.code in allowed:
                return posted
            why = posted.answer[:TEXT].decode(errors="replace")
            raise self.log.fail(f"{self.name}: POST {path} refused {posted.status} {why}", subject)
        self.log.posts.append(posted)
        if self._again and self._rng.random() < AGAIN_SHARE:
            await self.replay(posted)
        return posted

    async def replay(self, posted: Posted) -> None:
        """The same request once more; its answer is for the checker."""
        answer, _ = await self._ask("POST", posted.path, content=posted.content, key=posted.key)
        first, again = (posted.status, _digest(posted.answer)), (answer.status_code, _digest(answer.content))
        texts = tuple(body[:TEXT].decode(errors="replace") for body in (posted.answer, answer.content))
        same = first == again
        name = f"{self.name}: POST {posted.path} {posted.key}"
        self.log.note(line("replay", Replay(name, first, again, ("", "") if same else (texts[0], texts[1]))))

    async def put(self, content: bytes, name: str) -> Json:
        """An attachment by its digest."""
        sha256 = hashlib.sha256(content).hexdigest()
        answer, _ = await self._ask("PUT", f"/v1/attachments/{sha256}", content=content)
        if answer.status_code not in (HTTPStatus.OK, HTTPStatus.CREATED):
            raise self.log.fail(f"{self.name}: PUT of an attachment refused {answer.status_code} {answer.text[:TEXT]}")
        return {"sha256": sha256, "name": name, "media_type": "application/pdf"}

    async def get(self, path: str, **params: str) -> Json | None:
        """None for what is not there (yet)."""
        answer, _ = await self._ask("GET", path, params=params)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.status_code != HTTPStatus.OK:
            raise self.log.fail(f"{self.name}: GET {path} refused {answer.status_code} {answer.text[:TEXT]}")
        parsed: Json = orjson.loads(answer.content)
        return parsed

    async def dossier(self, code: str) -> Json | None:
        """The dossier as the organ sees it; whoever is seen to hold it is noted."""
        shown = await self.get(f"/v1/dossiers/{code}")
        if shown and shown["custody"] == "held":
            sighting = Sighting(code, shown["epoch"], self.organ)
            if sighting not in self.log.evidence.sightings:
                self.log.note(line("sighting", sighting))
        return shown

    async def until(
        self,
        read: Callable[[], Awaitable[Json | None]],
        holds: Callable[[Json], bool],
        what: str,
        *,
        seconds: float | None = None,
        subject: str = "",
    ) -> Json:
        """Reads until it holds; a failure of the run when it does not in time."""
        patience = self.log.patience
        end, pause = time.monotonic() + (patience.state if seconds is None else seconds), FIRST_POLL_SECONDS
        while True:
            shown = await read()
            if shown is not None and holds(shown):
                return shown
            if time.monotonic() > end:
                told = f"{self.name}: never came to: {what}; last: {orjson.dumps(shown)[:400]!r}"
                raise self.log.fail(told, subject)
            await asyncio.sleep(pause)
            pause = min(pause * GROWTH, patience.poll)

    async def until_dossier(self, code: str, holds: Callable[[Json], bool], what: str) -> Json:
        return await self.until(lambda: self.dossier(code), holds, f"{code} {what}", subject=code)

    async def _ask(
        self, method: str, path: str, *, content: bytes | None = None, params: Any = None, key: str = ""
    ) -> tuple[httpx.Response, int]:
        """One answer and after how many tries. Connection errors, 5xx and conflicts that ask for a repeat are
        repeated; a 5xx other than 503 and 507 is noted as a failure."""
        began, at = time.monotonic(), time.time()
        end = began + self.log.patience.answer
        before: Counter[str] = Counter()
        why = ""
        while time.monotonic() < end:
            try:
                answer = await self._try(method, path, content=content, params=params, key=key)
            except (httpx.TransportError, ClientError) as error:
                why = kind = type(error).__name__
                pause = 0.2
            else:
                if not self._asks_again(answer, f"{method} {path}"):
                    self._told(method, path, key, answer, before=before, at=at, took=time.monotonic() - began)
                    return answer, before.total() + 1
                kind, why = str(answer.status_code), f"{answer.status_code} {answer.text[:200]}"
                pause = min(_retry_after(answer), 0.5)
            before[kind] += 1
            self.log.repeats += 1
            await asyncio.sleep(pause * (1 + self.log.patience.growing * min(before.total(), 10)))
        told = f"{self.name}: {method} {path} had no answer in {self.log.patience.answer:.0f} s; last: {why}"
        raise self.log.fail(told)

    async def _try(self, method: str, path: str, *, content: bytes | None, params: Any, key: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self._agency.token()}"} | ({"Idempotency-Key": key} if key else {})
        if method == "POST":
            headers["Content-Type"] = "application/json"
        url = self._agency.credentials.office_url + path
        return await self._http.request(method, url, content=content, params=params, headers=headers)

    def _told(
        self, method: str, path: str, key: str, answer: httpx.Response, *, before: Counter[str], at: float, took: float
    ) -> None:
        told: Json = {"e": "answer", "at": round(at, 3), "who": self.name, "m": method, "path": path}
        told |= {"status": answer.status_code, "took": round(took, 3), "digest": _digest(answer.content)}
        told |= ({"key": key} if key else {}) | ({"before": dict(before)} if before else {})
        self.log.note(told)

    def _asks_again(self, answer: httpx.Response, request: str) -> bool:
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            if answer.status_code not in FULL:
                self.log.fail(f"{self.name}: {request}: {answer.status_code} {answer.text[:TEXT]}")
            return True
        return answer.status_code == HTTPStatus.CONFLICT and "Retry-After" in answer.headers


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _retry_after(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.2
