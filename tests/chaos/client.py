"""A system under load: every request is repeated until it has an answer, a POST always with its key; all is noted."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
import orjson

from deploy.client.hub import Hub
from tests.chaos.evidence import Evidence, Replay, Sighting

ANSWER_SECONDS = 90.0
STATE_SECONDS = 120.0
FIRST_POLL_SECONDS, LAST_POLL_SECONDS = 0.1, 0.8
AGAIN_SHARE = 0.1
"""Share of the POSTs that are sent once more as soon as they are answered."""

Json = dict[str, Any]


class StoryEnded(Exception):
    """Something is noted as a failure, and the story cannot go on."""


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


@dataclass(slots=True)
class Log:
    """Shared by all clients of a run."""

    evidence: Evidence = field(default_factory=Evidence)
    posts: list[Posted] = field(default_factory=list)
    repeats: int = 0
    """Requests that had to be sent again."""

    def fail(self, what: str) -> StoryEnded:
        self.evidence.failures.append(what)
        return StoryEnded(what)


class Client:
    """One system. Its organ's inbox is left alone, so that it can be counted at the end."""

    def __init__(self, agency: Hub, http: httpx.AsyncClient, log: Log, *, seed: str) -> None:
        self._agency, self._http, self.log = agency, http, log
        self._rng = random.Random(f"{seed} {agency.name}")

    @property
    def name(self) -> str:
        return self._agency.name

    @property
    def organ(self) -> str:
        return self._agency.organ

    async def post(self, path: str, body: Json, *, allowed: tuple[str, ...] = ()) -> Posted:
        """The answer, once there is one. A refusal whose code is not in `allowed` is a failure of the run."""
        content, key = orjson.dumps(body), str(UUID(bytes=self._rng.randbytes(16), version=4))
        answer, tries = await self._ask("POST", path, content=content, key=key)
        posted = Posted(self, path, key, content, answer.status_code, answer.content, time.time(), tries)
        if not posted.ok:
            if posted.code in allowed:
                return posted
            raise self.log.fail(f"{self.name}: POST {path} refused {posted.status} {posted.answer[:300]!r}")
        self.log.posts.append(posted)
        if self._rng.random() < AGAIN_SHARE:
            await self.replay(posted)
        return posted

    async def replay(self, posted: Posted) -> None:
        """The same request once more; its answer is for the checker."""
        again, _ = await self._ask("POST", posted.path, content=posted.content, key=posted.key)
        name = f"{self.name}: POST {posted.path} {posted.key}"
        self.log.evidence.replays.append(
            Replay(name, (posted.status, posted.answer), (again.status_code, again.content))
        )

    async def put(self, content: bytes, name: str) -> Json:
        """An attachment by its digest."""
        sha256 = hashlib.sha256(content).hexdigest()
        answer, _ = await self._ask("PUT", f"/v1/attachments/{sha256}", content=content)
        if answer.status_code not in (HTTPStatus.OK, HTTPStatus.CREATED):
            raise self.log.fail(f"{self.name}: PUT of an attachment refused {answer.status_code} {answer.text[:300]}")
        return {"sha256": sha256, "name": name, "media_type": "application/pdf"}

    async def get(self, path: str, **params: str) -> Json | None:
        """None for what is not there (yet)."""
        answer, _ = await self._ask("GET", path, params=params)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.status_code != HTTPStatus.OK:
            raise self.log.fail(f"{self.name}: GET {path} refused {answer.status_code} {answer.text[:300]}")
        parsed: Json = orjson.loads(answer.content)
        return parsed

    async def dossier(self, code: str) -> Json | None:
        """The dossier as the organ sees it; whoever is seen to hold it is noted."""
        shown = await self.get(f"/v1/dossiers/{code}")
        if shown and shown["custody"] == "held":
            self.log.evidence.sightings.add(Sighting(code, shown["epoch"], self.organ))
        return shown

    async def until(
        self,
        read: Callable[[], Awaitable[Json | None]],
        holds: Callable[[Json], bool],
        what: str,
        *,
        seconds: float = STATE_SECONDS,
    ) -> Json:
        """Reads until it holds; a failure of the run when it does not in time."""
        end, pause = time.monotonic() + seconds, FIRST_POLL_SECONDS
        while True:
            shown = await read()
            if shown is not None and holds(shown):
                return shown
            if time.monotonic() > end:
                raise self.log.fail(f"{self.name}: never came to: {what}; last: {orjson.dumps(shown)[:400]!r}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LAST_POLL_SECONDS)

    async def until_dossier(self, code: str, holds: Callable[[Json], bool], what: str) -> Json:
        return await self.until(lambda: self.dossier(code), holds, f"{code} {what}")

    async def _ask(
        self, method: str, path: str, *, content: bytes | None = None, params: Any = None, key: str = ""
    ) -> tuple[httpx.Response, int]:
        """One answer and after how many tries. Connection errors, 5xx and conflicts that ask for a repeat are
        repeated; a 5xx other than 503 is noted as a failure."""
        end = time.monotonic() + ANSWER_SECONDS
        headers = {"Authorization": f"Bearer {await self._agency.token()}"} | ({"Idempotency-Key": key} if key else {})
        if method == "POST":
            headers["Content-Type"] = "application/json"
        url = self._agency.credentials.office_url + path
        why, tries = "", 0
        while time.monotonic() < end:
            tries += 1
            try:
                answer = await self._http.request(method, url, content=content, params=params, headers=headers)
            except httpx.TransportError as error:
                why, pause = type(error).__name__, 0.2
            else:
                if not self._asks_again(answer, f"{method} {path}"):
                    return answer, tries
                why, pause = f"{answer.status_code} {answer.text[:200]}", min(_retry_after(answer), 0.5)
            self.log.repeats += 1
            await asyncio.sleep(pause)
        raise self.log.fail(f"{self.name}: {method} {path} had no answer in {ANSWER_SECONDS:.0f} s; last: {why}")

    def _asks_again(self, answer: httpx.Response, request: str) -> bool:
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                self.log.evidence.failures.append(f"{self.name}: {request}: {answer.status_code} {answer.text[:300]}")
            return True
        return answer.status_code == HTTPStatus.CONFLICT and "Retry-After" in answer.headers


def _retry_after(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.2
