"""Requests put together byte by byte and handed to an app in this process, so that nothing on the way corrects them."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson
from starlette.types import ASGIApp, Message

DEADLINE_SECONDS = 30.0
Headers = Sequence[tuple[str | bytes, str | bytes]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `target` is path and query as they stand on the first line."""

    method: str
    target: str
    headers: dict[str, str | bytes] = field(default_factory=dict)
    body: bytes | Sequence[bytes] = b""

    def with_headers(self, **changes: str | bytes | None) -> Asked:
        """Underscores stand for hyphens; None takes a header away."""
        named = {name.replace("_", "-"): value for name, value in changes.items()}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in {n.lower() for n in named}}
        given = {name: value for name, value in named.items() if value is not None}
        return Asked(self.method, self.target, {**kept, **given}, self.body)

    def with_body(self, body: bytes | Sequence[bytes]) -> Asked:
        return Asked(self.method, self.target, self.headers, body)

    def with_target(self, target: str) -> Asked:
        return Asked(self.method, target, self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, decompressed; names of headers are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip()

    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        """Of a problem; empty when it is none."""
        return str(self.json().get("code", "")) if self.media_type == "application/problem+json" else ""


async def ask(app: ASGIApp, asked: Asked, *, more_headers: Headers = (), seconds: float = DEADLINE_SECONDS) -> Answer:
    """The app's answer, as the server would get it; fails when none comes in time."""
    chunks = [asked.body] if isinstance(asked.body, bytes) else list(asked.body)
    path, _, query = asked.target.partition("?")
    pairs: list[tuple[str | bytes, str | bytes]] = [("host", "office"), *asked.headers.items(), *more_headers]
    names = {_bytes(name).lower() for name, _ in pairs}
    if asked.method in ("POST", "PUT", "PATCH") and not names & {b"content-length", b"transfer-encoding"}:
        pairs.append(("content-length", str(sum(map(len, chunks)))))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(_bytes(name).lower(), _bytes(value)) for name, value in pairs],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    exchange = _Exchange(chunks)
    async with asyncio.timeout(seconds):
        await app(scope, exchange.receive, exchange.send)
    return exchange.answer()


class _Exchange:
    """The server's side: hands out the body, then nothing more, and keeps what is sent."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = list(chunks) or [b""]
        self._next = 0
        self._start: Message = {}
        self._body: list[bytes] = []

    async def receive(self) -> Message:
        if self._next >= len(self._chunks):
            await asyncio.Event().wait()
        chunk = self._chunks[self._next]
        self._next += 1
        return {"type": "http.request", "body": chunk, "more_body": self._next < len(self._chunks)}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            assert not self._start, "two answers to one request"
            self._start = message
        else:
            self._body.append(message.get("body", b""))

    def answer(self) -> Answer:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._start["headers"]}
        body = b"".join(self._body)
        if body and headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return Answer(self._start["status"], headers, body)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
