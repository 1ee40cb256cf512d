"""One request, put together byte by byte, to two apps: all that comes back and all that is told of it, to compare."""

import asyncio
import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog
from starlette.types import ASGIApp, Message

from services.kernel.hot import Hot

DEADLINE_SECONDS = 30.0
_OWN = re.compile(
    rb"urn:lienthong:request:[0-9a-f]{16}"
    rb"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    rb"|(?<=-)2[0-9]{7}-[0-9]{7}(?![0-9])"
)
"""What is of one request alone: its id, the ids of transfers, the codes issued."""
_PASSING = frozenset({"request_id", "traceparent", "ms", "exc_info"})

Pairs = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; without `length` its body comes in two pieces. `end` tells what the caller does instead of sending the
    last one."""

    body: bytes = b"{}"
    path: str = "/v1/things"
    method: str = "POST"
    headers: Pairs = ((b"content-type", b"application/json"),)
    length: bool = True
    end: Literal["", "hangs up", "stalls"] = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """`is_hot` is no part of what a caller sees."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    told: list[dict[str, Any]]
    is_hot: bool = field(compare=False)


async def see(app: ASGIApp, asked: Asked) -> Seen:
    """What the app answers, without what is of one request alone."""
    sent: list[Message] = []
    scope = _scope(asked)
    messages = _messages(asked)

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await app(scope, receive, send)
    told = [{name: value for name, value in each.items() if name not in _PASSING} for each in logs]
    status, headers, body = _answer(sent)
    return Seen(status, headers, body, told, isinstance(scope.get("route"), Hot))


def _scope(asked: Asked) -> dict[str, Any]:
    framing = (b"content-length", b"%d" % len(asked.body)) if asked.length else (b"transfer-encoding", b"chunked")
    path, _, query = asked.path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"office"), framing, *asked.headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


def _messages(asked: Asked) -> list[Message]:
    half = len(asked.body) // 2
    whole = [asked.body] if asked.length else [asked.body[:half], asked.body[half:]]
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in whole]
    if asked.end:
        return messages[:-1] + ([{"type": "http.disconnect"}] if asked.end == "hangs up" else [])
    messages[-1]["more_body"] = False
    return messages


def _answer(sent: Sequence[Message]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    starts = [message for message in sent if message["type"] == "http.response.start"]
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    assert len(starts) == 1
    headers = [(name, _masked(value)) for name, value in starts[0]["headers"] if name != b"x-request-id"]
    assert len(headers) + 1 == len(starts[0]["headers"])
    if (b"content-encoding", b"gzip") in headers:  # its length is that of the ids in it, too
        headers = [pair for pair in headers if pair[0] != b"content-length"]
        body = gzip.decompress(body)
    return starts[0]["status"], headers, _masked(body)


def _masked(value: bytes) -> bytes:
    return _OWN.sub(b"*", value)
