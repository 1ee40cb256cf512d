"""What only a socket shows: lengths that lie, bodies that stop or creep, heads without end, two requests in one."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import orjson
import pytest

from deploy.local.kafka import Kafka
from tests.api.asking import Answer
from tests.api.conftest import Make
from tests.api.judging import MARKER, problem_complaint
from tests.api.program import Program, office_program
from tests.integration.office.stage import dossier

PAUSE, GRACE = 1, 2
DEADLINE = 15.0
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: office\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
async def program(
    make_migrated: Make, kafka: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Program]:
    patience = {
        "LIENTHONG_BODY_PAUSE_SECONDS": str(PAUSE),
        "LIENTHONG_BODY_GRACE_SECONDS": str(GRACE),
        "LIENTHONG_BODY_BYTES_PER_SECOND": "1000000",
    }
    url = await make_migrated("commune")
    async with office_program(url, kafka.bootstrap, tmp_path_factory.mktemp("wire"), patience) as program:
        yield program


async def exchange(program: Program, pieces: Sequence[bytes], *, pause: float = 0.0, end: bool = False) -> list[Answer]:
    """All answers on one connection until the server closes it or has said nothing for long. `end`: no more comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
    try:
        async with asyncio.timeout(DEADLINE):
            reading = asyncio.create_task(reader.read(-1))
            with suppress(OSError):  # the server has said what it had to say
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    if pause:
                        await asyncio.wait([reading], timeout=pause)
                    if reading.done():
                        break
                if end:
                    writer.write_eof()
            return parsed(await reading)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def parsed(raw: bytes) -> list[Answer]:
    answers = []
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        assert len(headers) == len(lines), f"a header twice: {lines}"
        status = int(first.split(" ")[1])
        if status == 100:
            continue
        if headers.get("transfer-encoding") == "chunked":
            body, raw = _unchunked(raw)
        else:
            size = int(headers.get("content-length", "0"))
            body, raw = raw[:size], raw[size:]
        answers.append(Answer(status, headers, body))
    return answers


def _unchunked(raw: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        body, raw = body + raw[:length], raw[length + 2 :]
        if length == 0:
            return body, raw


def head(program: Program, *lines: str | bytes, method: str = "POST", path: str = "/v1/dossiers") -> bytes:
    given = [f"{method} {path} HTTP/1.1".encode(), b"Host: office"]
    given += [f"{name}: {value}".encode() for name, value in program.headers().items()]
    given += [b"Content-Type: application/json"]
    return b"\r\n".join([*given, *(line if isinstance(line, bytes) else line.encode() for line in lines), b"", b""])


def body_of() -> bytes:
    return orjson.dumps(dossier())


async def stored(program: Program) -> int:
    """How many dossiers the organ holds."""
    answer = await program.http.get("/v1/dossiers", params={"limit": 500}, headers=program.headers())
    return len(answer.json()["items"])


async def check(program: Program, answers: list[Answer], *statuses: int) -> None:
    """One refusal, with one of the statuses; the process lives and said nothing of it."""
    assert len(answers) <= 1, answers
    for answer in answers:
        assert answer.status in statuses, answer
        assert not problem_complaint(answer), answer
        assert "x-request-id" in answer.headers
    if not answers:
        assert 0 in statuses, "closed without an answer"
    assert program.alive
    (healthy,) = await exchange(program, [ALIVE])
    assert healthy.status == 200
    assert not program.errors()
    assert MARKER.encode() not in program.log.lower()


LENGTHS: dict[str, tuple[Sequence[str | bytes], set[int]]] = {
    "negative": (["Content-Length: -5"], {400}),
    "with a plus": (["Content-Length: +5"], {400}),
    "no number": (["Content-Length: " + MARKER], {400}),
    "hexadecimal": (["Content-Length: 0x10"], {400}),
    "two that differ": (["Content-Length: 10", "Content-Length: 11"], {400}),
    "two in one": (["Content-Length: 10, 11"], {400}),
    "beyond 64 bits": (["Content-Length: 99999999999999999999999"], {400}),
    "with chunked": (["Content-Length: 10", "Transfer-Encoding: chunked"], {400}),
    "another coding of transfer": (["Transfer-Encoding: gzip"], {400, 411, 501}),
    "chunked is not the last": (["Transfer-Encoding: chunked, gzip"], {400, 501}),
    "a blank before the colon": (["Content-Length : 10"], {400}),
    "a line folded": (["X-A: 1\r\n folded: 2", "Content-Length: 2"], {400, 422}),
    "beyond the limit": (["Content-Length: 104857600"], {413}),
}


@pytest.mark.parametrize("case", LENGTHS)
async def test_lengths_that_lie(program: Program, case: str) -> None:
    lines, statuses = LENGTHS[case]
    before = await stored(program)
    answers = await exchange(program, [head(program, *lines, "Connection: close"), body_of()], end=True)
    await check(program, answers[:1], *statuses)
    assert await stored(program) == before


async def test_a_body_shorter_than_told(program: Program) -> None:
    body = body_of()
    before = await stored(program)
    closed = await exchange(program, [head(program, f"Content-Length: {len(body) + 5}"), body], end=True)
    await check(program, closed, 0, 400)
    began = time.monotonic()
    waiting = await exchange(program, [head(program, f"Content-Length: {len(body) + 5}"), body])
    await check(program, waiting, 408)
    assert time.monotonic() - began < PAUSE + GRACE + 5
    assert str(PAUSE) in waiting[0].json()["detail"]
    assert await stored(program) == before


async def test_a_body_longer_than_told_is_not_taken_for_a_request(program: Program) -> None:
    body = body_of()
    answers = await exchange(program, [head(program, f"Content-Length: {len(body) - 5}"), body], end=True)
    # none when the rest came while the first was in work: whose answer it were would not be clear
    assert all(answer.status == 400 for answer in answers), answers
    await check(program, [], 0)


async def test_a_request_smuggled_behind_a_chunked_one_is_not_obeyed(program: Program) -> None:
    inner = head(program, "Content-Length: 2", method="POST", path="/v1/inbox/ack") + b"{}"
    outer = head(program, f"Content-Length: {len(inner)}", "Transfer-Encoding: chunked")
    answers = await exchange(program, [outer + b"0\r\n\r\n" + inner], end=True)
    await check(program, answers, 400)


CHUNKS: dict[str, tuple[bytes, set[int]]] = {
    "cut off": (b"ff\r\n{", {0, 400, 408}),
    "without the last": (b"2\r\n{}\r\n", {0, 400, 408}),
    "no size": (b"xyz\r\n{}\r\n0\r\n\r\n", {400}),
    "a negative size": (b"-2\r\n{}\r\n0\r\n\r\n", {400}),
    "a size beyond 64 bits": (b"f" * 17 + b"\r\n{}\r\n0\r\n\r\n", {400}),
    "a size that is too small": (b"1\r\n{}\r\n0\r\n\r\n", {400}),
    "a long extension": (b"2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n", {400, 422, 413, 431}),
    "trailers": (b"2\r\n{}\r\n0\r\nX-Organ: 000.02.21.H28\r\n\r\n", {422}),
    "10 000 single bytes": (b"1\r\n{\r\n" * 10_000 + b"0\r\n\r\n", {400}),
}


@pytest.mark.parametrize("case", CHUNKS)
@pytest.mark.parametrize("end", [True, False], ids=["closed", "silent"])
async def test_chunks(program: Program, case: str, end: bool) -> None:
    raw, statuses = CHUNKS[case]
    before = await stored(program)
    answers = await exchange(program, [head(program, "Transfer-Encoding: chunked", "Connection: close"), raw], end=end)
    await check(program, answers[:1], *statuses)
    assert await stored(program) == before


async def test_a_body_that_creeps_is_ended(program: Program) -> None:
    """Never a long pause, and yet never done."""
    began = time.monotonic()
    creeping = [head(program, "Content-Length: 1000000"), *([b" "] * 200)]
    answers = await exchange(program, creeping, pause=0.1)
    await check(program, answers, 408)
    assert time.monotonic() - began < PAUSE + GRACE + 5
    assert str(GRACE) in answers[0].json()["detail"]


async def test_an_attachment_that_stops_is_not_stored(program: Program) -> None:
    content = b"x" * 100_000
    digest = hashlib.sha256(content).hexdigest()
    path = f"/v1/attachments/{digest}"
    for end in (True, False):
        start = head(program, f"Content-Length: {len(content)}", method="PUT", path=path)
        answers = await exchange(program, [start, content[:50_000]], end=end)
        await check(program, answers, 0, 400, 408)
        assert (await program.http.get(path, headers=program.headers())).status_code == 404
    put = await program.http.put(path, content=content, headers=program.headers())
    assert put.status_code == 201


async def test_nobody_may_send_a_large_body(program: Program) -> None:
    """A caller without a token is refused before its body is read."""
    path = f"/v1/attachments/{'0' * 64}"
    start = f"PUT {path} HTTP/1.1\r\nHost: office\r\nConnection: close\r\nContent-Length: 1000000000\r\n\r\n".encode()
    began = time.monotonic()
    answers = await exchange(program, [start, b"x" * 1000])
    assert [answer.status for answer in answers] == [401]
    assert time.monotonic() - began < PAUSE + GRACE + 5
    await check(program, answers, 401)


HEADS: dict[str, tuple[bytes, set[int]]] = {
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {0, 400}),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", {0, 200, 400}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {0, 400}),
    "HTTP/9.9": (b"GET /v1/inbox HTTP/9.9\r\n\r\n", {0, 400, 401, 505}),
    "no version": (b"GET / \r\n\r\n", {0, 400}),
    "an empty method": (b" / HTTP/1.1\r\nHost: a\r\n\r\n", {0, 400}),
    "an unknown method": (b"KHONG /v1/inbox HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {400, 405}),
    "a NUL in the path": (b"GET /v1/\x00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {400, 404}),
    "raw UTF-8 in the path": ("GET /v1/dossiers/hồ-sơ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode(),
    {400, 401}),
    "a NUL in a header": (b"GET /v1/inbox HTTP/1.1\r\nHost: a\r\nX-Organ: a\x00b\r\n\r\n", {400}),
    "a bare CR in a header": (b"GET /v1/inbox HTTP/1.1\r\nHost: a\r\nX-Organ: a\rX-B: c\r\n\r\n", {400}),
    "a header without a colon": (b"GET /v1/inbox HTTP/1.1\r\nHost: a\r\nkhong\r\n\r\n", {400}),
    "an empty header name": (b"GET /v1/inbox HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", {400}),
    "an absolute address": (b"GET http://evil.example/v1/inbox HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    {400, 401, 404}),
    "an asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {204, 400, 404, 405}),
    "CONNECT": (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {400, 404, 405}),
    "a long address": (b"GET /?" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", {400, 414, 431}),
    "100 000 parameters": (b"GET /v1/dossiers?" + b"&a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", {400, 414, 431}),
    "5000 headers": (b"GET /v1/inbox HTTP/1.1\r\nHost: a\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n", {431}),
    "one header of 1 MB": (b"GET /v1/inbox HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 1_000_000 + b"\r\n\r\n", {431}),
    "an upgrade": (
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        {0, 200, 400, 404, 426},
    ),
    "h2c": (
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        {200, 400},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HEADS)
async def test_heads(program: Program, case: str) -> None:
    raw, statuses = HEADS[case]
    answers = await exchange(program, [raw], end=True)
    refused = [answer for answer in answers[:1] if answer.status >= 400]
    assert all(answer.status in statuses for answer in answers[:1]), answers
    await check(program, refused, *statuses, 0)


async def test_expect_is_heard_and_a_refusal_needs_no_body(program: Program) -> None:
    body = body_of()
    wanted = head(program, f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close")
    (answer,) = await exchange(program, [wanted, body], pause=0.3)
    assert answer.status == 201


async def test_pipelined_requests_are_answered_in_order(program: Program) -> None:
    one = b"GET /v1/inbox HTTP/1.1\r\nHost: a\r\n\r\n"
    answers = await exchange(program, [one + one + ALIVE])
    assert [answer.status for answer in answers] == [401, 401, 200]


async def test_a_bomb_costs_little(program: Program) -> None:
    """256 MB of blanks, and 300 nested: neither is unpacked to its end."""
    bomb = gzip.compress(b" " * (256 * 1024 * 1024), 9)
    before = program.memory()
    for content in (bomb, gzip.compress(bomb)):
        start = head(program, f"Content-Length: {len(content)}", "Content-Encoding: gzip", "Connection: close")
        answers = await exchange(program, [start, content])
        await check(program, answers, 400, 413)
    assert program.memory() - before < 64 * 1024 * 1024


async def test_connections_that_say_nothing_hold_nothing(program: Program) -> None:
    idle = [await asyncio.open_connection("127.0.0.1", program.port) for _ in range(200)]
    try:
        for _, writer in idle[::2]:
            writer.write(b"GET /v1/inbox HT")
        (answer,) = await exchange(program, [ALIVE])
        assert answer.status == 200
    finally:
        for _, writer in idle:
            writer.close()
    await check(program, [], 0)
