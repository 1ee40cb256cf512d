"""Attachments over a real connection: what the two ends make of lengths, parts and HEAD."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from deploy.local.ports import free_port
from services.kernel.serve import Wire
from tests.integration.office.stage import Stage, until

CONTENT = os.urandom(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
async def port(stage: Stage) -> AsyncIterator[int]:
    """The office of the stage behind a socket."""
    number = free_port()
    transport = stage.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    config = uvicorn.Config(
        transport.app, host="127.0.0.1", port=number, http=Wire, lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        await asyncio.sleep(0.01)
        return server.started

    await until(started)
    yield number
    server.should_exit = True
    await serving


async def exchange(port: int, head: str, body: bytes, *, end: bool = False) -> bytes:
    """Everything the office answers to these bytes until it closes or falls silent with an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
    await writer.drain()
    if end:
        writer.write_eof()
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


def head(stage: Stage, method: str, sha256: str, *fields: str) -> str:
    lines = [
        f"{method} /v1/attachments/{sha256} HTTP/1.1",
        "Host: office",
        "Connection: close",
        f"Authorization: Bearer {stage.token('a')}",
        *fields,
    ]
    return "\n".join(lines) + "\n"


def stored(stage: Stage, sha256: str) -> bool:
    return (stage.settings.home / "attachments" / "commune" / sha256).exists()


async def nothing_left(stage: Stage) -> None:
    folder = stage.settings.home / "attachments" / "commune" / ".incoming"

    async def gone() -> bool:
        await asyncio.sleep(0.01)
        return not os.listdir(folder)

    await until(gone, what="the temporary file to go")


async def test_body_that_ends_early_leaves_nothing(stage: Stage, port: int) -> None:
    content = os.urandom(50_000)
    sha256 = hashlib.sha256(content).hexdigest()

    answer = await exchange(port, head(stage, "PUT", sha256, "Content-Length: 60000"), content, end=True)

    assert not answer or answer.startswith(b"HTTP/1.1 4")
    await nothing_left(stage)
    assert not stored(stage, sha256)


async def test_chunks_that_end_early_leave_nothing(stage: Stage, port: int) -> None:
    content = os.urandom(50_000)
    sha256 = hashlib.sha256(content).hexdigest()
    body = b"%x\r\n" % len(content) + content + b"\r\n"

    answer = await exchange(port, head(stage, "PUT", sha256, "Transfer-Encoding: chunked"), body, end=True)

    assert not answer or answer.startswith(b"HTTP/1.1 4")
    await nothing_left(stage)
    assert not stored(stage, sha256)


async def test_more_than_declared_is_not_taken_for_the_file(stage: Stage, port: int) -> None:
    content = os.urandom(5000)
    sha256 = hashlib.sha256(content).hexdigest()

    answer = await exchange(port, head(stage, "PUT", sha256, "Content-Length: 4000"), content)

    assert answer.startswith(b"HTTP/1.1 4")
    assert not stored(stage, sha256)


async def test_put_part_and_head(stage: Stage, port: int) -> None:
    put = await exchange(port, head(stage, "PUT", SHA256, f"Content-Length: {len(CONTENT)}"), CONTENT)
    part = await exchange(port, head(stage, "GET", SHA256, "Range: bytes=1000-1999"), b"")
    bare = await exchange(port, head(stage, "HEAD", SHA256), b"")
    known = await exchange(port, head(stage, "GET", SHA256, f'If-None-Match: "{SHA256}"'), b"")
    outside = await exchange(port, head(stage, "GET", SHA256, "Range: bytes=300000-"), b"")

    assert put.startswith(b"HTTP/1.1 201")
    assert part.startswith(b"HTTP/1.1 206")
    assert part.partition(b"\r\n\r\n")[2] == CONTENT[1000:2000]
    assert bare.startswith(b"HTTP/1.1 200")
    assert f"content-length: {len(CONTENT)}".encode() in bare.lower()
    assert bare.endswith(b"\r\n\r\n")
    assert known.startswith(b"HTTP/1.1 304")
    assert known.endswith(b"\r\n\r\n")
    assert outside.startswith(b"HTTP/1.1 416")
    assert b"content-range: bytes */300000" in outside.lower()
