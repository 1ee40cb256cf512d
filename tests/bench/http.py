"""The load: HTTP/1.1 over kept connections, as lean as asyncio allows, so that the server is what is measured.

httpx would need more of the machine than the hub does. Nothing here follows redirects or understands chunked answers
but as the hub sends them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

READ_SECONDS: Final = 120.0
_BLANK: Final = b"\r\n\r\n"


class Broken(ConnectionError):
    """The server hung up, or answered what this client does not understand."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = field(repr=False)


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None
        self._head: tuple[int, int] | None = None
        """Status and length of the body that is coming."""

    @classmethod
    async def open(cls, url: str) -> Connection:
        place = urlsplit(url)
        host, port = place.hostname or "127.0.0.1", place.port or 80
        _, made = await asyncio.get_running_loop().create_connection(cls, host, port)
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(Broken("the server hung up"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._head is None:
            end = self._buffer.find(_BLANK)
            if end < 0:
                return
            self._head = _parsed(bytes(self._buffer[:end]))
            del self._buffer[: end + len(_BLANK)]
        status, length = self._head
        if len(self._buffer) >= length and self._waiting is not None and not self._waiting.done():
            body = bytes(self._buffer[:length])
            del self._buffer[:length]
            self._head = None
            self._waiting.set_result(Answer(status, body))

    async def ask(self, request: bytes, *pieces: bytes) -> Answer:
        """The answer to a whole request, whose body may come in pieces."""
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        for piece in pieces:
            self._transport.write(piece)
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def request(
    method: str, url: str, body: bytes = b"", *, token: str = "", media_type: str = "application/json", **headers: str
) -> bytes:
    """The bytes of a request; further headers with `_` for `-`."""
    place = urlsplit(url)
    target = place.path + (f"?{place.query}" if place.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {place.netloc}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"Content-Type: {media_type}", f"Content-Length: {len(body)}"] if body or method != "GET" else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + _BLANK + body


@asynccontextmanager
async def connections(url: str, count: int) -> AsyncIterator[list[Connection]]:
    opened = [await Connection.open(url) for _ in range(count)]
    try:
        yield opened
    finally:
        for each in opened:
            each.close()


@dataclass(slots=True)
class Run:
    """What a load saw: seconds it took and the latency of each answer, in order of ending."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        """In seconds; nearest rank."""
        return quantile(self.latencies, share)


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


Act = Callable[[Connection, int], Awaitable[None]]
"""Does the request of this number and raises when it was not answered as it should be."""


async def closed_loop(url: str, act: Act, *, at_once: int, seconds: float = 0.0, most: int = 0) -> Run:
    """Each of `at_once` connections asks again as soon as it is answered, for so long or so often altogether."""
    run, number = Run(), 0
    async with connections(url, at_once) as opened:
        began = time.perf_counter()
        end = began + seconds if seconds else float("inf")

        async def work(connection: Connection) -> None:
            nonlocal number
            while (now := time.perf_counter()) < end and (not most or number < most):
                number += 1
                await act(connection, number)
                run.latencies.append(time.perf_counter() - now)

        await asyncio.gather(*(work(each) for each in opened))
        run.seconds = time.perf_counter() - began
    return run


async def open_loop(url: str, act: Act, *, rate: float, seconds: float, at_once: int = 256) -> Run:
    """So many a second, whether the server keeps up or not; a latency counts from the moment it was due."""
    run = Run()
    async with connections(url, at_once) as opened:
        free: asyncio.Queue[Connection] = asyncio.Queue()
        for each in opened:
            free.put_nowait(each)
        began = time.perf_counter()

        async def one(number: int, due: float) -> None:
            connection = await free.get()
            await act(connection, number)
            run.latencies.append(time.perf_counter() - due)
            free.put_nowait(connection)

        async with asyncio.TaskGroup() as group:
            for number in range(1, int(rate * seconds) + 1):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(one(number, due))
        run.seconds = time.perf_counter() - began
    return run


def _parsed(head: bytes) -> tuple[int, int]:
    lines = head.split(b"\r\n")
    length = next((line[15:] for line in lines if line[:15].lower() == b"content-length:"), None)
    if length is None:
        raise Broken(f"no length: {lines[0].decode('latin-1')}")
    return int(lines[0].split(b" ", 2)[1]), int(length)
