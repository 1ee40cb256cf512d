"""What only a real connection shows: bytes that are no HTTP, lying lengths, bodies and heads that stop half-way."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
import uvicorn
from fastapi import FastAPI

from deploy.local.ports import free_port
from services.kernel import wire
from services.kernel.limits import Limits
from services.kernel.serve import server_of
from services.kernel.settings import Settings
from tests.integration.kernel.scene import is_so, until
from tests.unit.services.kernel.edge import build

LIMITS = Limits(body_pause_seconds=0.3, body_grace_seconds=0.6, body_bytes_per_second=100_000)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> Any:
        assert self.headers["content-type"] == "application/problem+json"
        assert self.headers["x-request-id"] in json.loads(self.body)["instance"]
        return json.loads(self.body)["code"]


class Line:
    """One connection, spoken to in bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, *data: bytes) -> None:
        for each in data:
            self.writer.write(each)
            await self.writer.drain()

    async def hear(self, *, bare: bool = False) -> Reply:
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in head[1:-2])}
            body = b"" if bare else await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Reply(int(head[0].split()[1]), headers, body)

    async def ends(self) -> bool:
        async with asyncio.timeout(10):
            try:
                return await self.reader.read() == b""
            except ConnectionResetError:
                return True

    def close(self) -> None:
        self.writer.close()


class Served:
    def __init__(self, app: FastAPI, server: uvicorn.Server, port: int) -> None:
        self.app, self.server, self.port = app, server, port
        self.lines: list[Line] = []

    async def line(self) -> Line:
        self.lines.append(Line(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.lines[-1]

    async def ask(self, *data: bytes) -> Reply:
        """One request on a connection of its own."""
        line = await self.line()
        await line.say(*data)
        return await line.hear()

    async def metrics(self) -> str:
        return (await self.ask(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")).body.decode()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    app, port, stopping = build(limits=LIMITS), free_port(), asyncio.Event()
    server = server_of(app, Settings(program="commune", port=port, stop_seconds=2), stopping)
    running = asyncio.create_task(server.serve())
    await until(lambda: is_so(server.started))
    found = Served(app, server, port)
    yield found
    for line in found.lines:
        line.close()
    server.should_exit = True
    await running


def head(start: str, *headers: str) -> bytes:
    return "\r\n".join([f"{start} HTTP/1.1", "Host: h", *headers, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    "data",
    [
        head("PUT /v1/raw", "Content-Length: 3", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head("PUT /v1/raw", "Content-Length: 3", "Content-Length: 4") + b"abcd",
        head("PUT /v1/raw", "Content-Length: -3"),
        head("PUT /v1/raw", "Content-Length: 3, 3") + b"abc",
        head("GET /healthz", "X: a\x00b"),
        head("GET /healthz", "X: a\nY: b"),
        head("GET /healthz", "X: a\r Y: b"),
        head("GET /healthz", "X : a"),
        head("GET /healthz", "X: a", " folded"),
        head("GET /health\x00z"),
        head("GET /h\xe9"),
        head("NONSENSE /healthz"),
        head("GET healthz"),
        head("CONNECT h:80"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n\r\n\r\nnot http at all\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_problem_too(served: Served, data: bytes) -> None:
    line = await served.line()
    await line.say(data)
    reply = await line.hear()
    assert (reply.status, reply.problem()) == (400, "request.malformed")
    assert reply.headers["connection"] == "close"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert await line.ends()
    assert 'status="5' not in await served.metrics()


async def test_a_broken_request_is_not_answered_in_anothers_place(served: Served) -> None:
    line = await served.line()
    await line.say(head("PUT /v1/raw", "Content-Length: 3") + b"abc" + b"NONSENSE\r\n\r\n")
    assert await line.ends(), "a 400 would be taken for the answer to the first"


async def test_a_chunk_that_is_none_ends_the_request(served: Served) -> None:
    reply = await served.ask(head("PUT /v1/raw", "Transfer-Encoding: chunked"), b"3\r\nabc\r\nzz\r\n")
    assert (reply.status, reply.problem()) == (400, "request.malformed")
    await until(lambda: abandoned(served, "/v1/raw"))
    assert 'status="5' not in await served.metrics()


@pytest.mark.parametrize("path", ["/v1/raw", "/v1/large", "/v1/things"])
@pytest.mark.parametrize(
    "sent",
    [
        ("Content-Length: 1000", b"only this"),
        ("Transfer-Encoding: chunked", b"5\r\nab"),
        ("Transfer-Encoding: chunked", b"5\r\nabcde\r\n"),
    ],
)
async def test_a_body_that_is_cut_off_is_neither_error_nor_failure(
    served: Served, path: str, sent: tuple[str, bytes]
) -> None:
    with structlog.testing.capture_logs() as logs:
        line = await served.line()
        method = "POST" if path == "/v1/things" else "PUT"
        await line.say(head(f"{method} {path}", "Content-Type: application/json", sent[0]), sent[1])
        line.close()
        await until(lambda: is_so(logs))
    assert [(entry["event"], entry["status"]) for entry in logs] == [("request.abandoned", 499)]
    assert 'status="5' not in await served.metrics()


async def abandoned(served: Served, path: str) -> bool:
    return f'route="{path}",status="499"' in await served.metrics()


async def test_a_length_that_is_too_short_makes_the_rest_another_request(served: Served) -> None:
    line = await served.line()
    await line.say(head("PUT /v1/raw", "Content-Length: 3") + b"abc")
    assert (await line.hear()).body == b'{"size":3}'
    await line.say(b"defghi\r\n\r\n")
    assert (await line.hear()).problem() == "request.malformed"


async def test_slow_bodies_are_given_up_and_their_connections_closed(served: Served) -> None:
    for path in ("/v1/raw", "/v1/large"):
        line = await served.line()
        await line.say(head(f"PUT {path}", "Content-Length: 1000"), b"abc")
        reply = await line.hear()
        assert (reply.status, reply.problem()) == (408, "request.timeout")
        assert await line.ends()
    line = await served.line()
    await line.say(head("PUT /v1/raw", "Content-Length: 1000"))
    answer = asyncio.create_task(line.hear())
    sent = 0
    while not answer.done() and sent < 1000:
        await line.say(b"a")
        sent += 1
        await asyncio.wait({answer}, timeout=0.05)
    assert (await answer).status == 408
    assert sent < 100, "no pause was too long, the whole was too slow"


async def test_heads_that_do_not_end_are_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.2)
    silent, slow = await served.line(), await served.line()
    await slow.say(b"GET /healthz HTTP/1.1\r\nX: ")
    reply = await slow.hear()
    assert (reply.status, reply.problem()) == (408, "request.timeout")
    assert await slow.ends()
    assert await silent.ends()
    later, empty = await served.line(), await served.line()
    for line in (later, empty):
        for _ in range(3):
            await line.say(head("GET /healthz"))
            assert (await line.hear()).status == 200
    await later.say(b"GET /healthz HTTP/1.1\r\nX: ")
    assert (await later.hear()).problem() == "request.timeout", "a later request on the same connection"
    await empty.say(b"\r\n")
    assert await empty.ends()
    unread = await served.line()
    await unread.say(head("PUT /v1/raw", "Content-Length: 99999999999"))
    assert (await unread.hear()).status == 413
    await unread.say(b"the rest")
    assert await unread.ends()


async def test_heads_are_bounded_before_they_are_complete(served: Served) -> None:
    for start in (b"GET /healthz HTTP/1.1\r\nX: ", b"GET /", b"GET /healthz HTTP/1.1\r\nX: b\r\n"):
        line = await served.line()
        await line.say(start)
        answer = asyncio.create_task(line.hear())
        sent = 0
        try:
            while not answer.done() and sent < 100:
                await line.say(b"a" * 65_536)
                sent += 1
                await asyncio.wait({answer}, timeout=0.01)
        except ConnectionError:
            pass
        assert (await answer).status == (414 if start == b"GET /" else 431)
        assert sent < 20


async def test_large_heads_are_told_their_limit(served: Served) -> None:
    reply = await served.ask(head("GET /healthz", *(f"X-{number}: a" for number in range(200))))
    assert (reply.status, reply.problem()) == (431, "request.headers_too_large")
    reply = await served.ask(head("GET /healthz", "X: " + "a" * 40_000))
    assert (reply.status, reply.problem()) == (431, "request.headers_too_large")
    reply = await served.ask(head("GET /v1/things?" + "a=1&" * 20_000))
    assert (reply.status, reply.problem()) == (414, "request.uri_too_long")


async def test_head_options_and_304_leave_the_connection_usable(served: Served) -> None:
    line = await served.line()
    for _ in range(2):
        await line.say(head("HEAD /v1/things"))
        shown = await line.hear(bare=True)
        assert int(shown.headers["content-length"]) > 1000
        await line.say(head("GET /v1/things", f"If-None-Match: {shown.headers['etag']}"))
        assert (await line.hear()).status == 304
        await line.say(head("GET /v1/bytes", 'If-None-Match: "digest"'))
        assert (await line.hear()).status == 304
        await line.say(head("OPTIONS /v1/things"))
        assert (await line.hear()).headers["allow"] == "GET, HEAD, POST, OPTIONS"
        await line.say(head("HEAD /v1/events", "Connection: keep-alive"))
        assert (await line.hear(bare=True)).status == 200
        await line.say(head("GET /v1/things", "Accept-Encoding: gzip"))
        assert b"text" in gzip.decompress((await line.hear()).body)


async def test_a_body_that_is_too_large_is_answered_before_it_is_read(served: Served) -> None:
    reply = await served.ask(head("PUT /v1/raw", "Content-Length: 99999999999"))
    assert (reply.status, reply.problem()) == (413, "size.too_large")
    reply = await served.ask(head("PUT /v1/raw", "Content-Length: 99999999999", "Expect: 100-continue"))
    assert (reply.status, reply.problem()) == (413, "size.too_large")


async def test_another_protocol_is_answered_in_this_one(served: Served) -> None:
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13")
    reply = await served.ask(head("GET /v1/things/a", *upgrade))
    assert (reply.status, reply.body) == (200, b'{"label":"a"}')
