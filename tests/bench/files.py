"""Attachments: MB/s into an office and out of it, four at once, beside a plain copy to the same disk; and what the
office holds in memory meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench import bodies
from tests.bench.bench import SENDING_OFFICE, Bench, Refused, expect, put_file
from tests.bench.figure import Figure, Value
from tests.bench.floors import copy_with_fsync
from tests.bench.ground import SENDER, Caller, Ground
from tests.bench.http import Connection, closed_loop, request

AT_ONCE: Final = 4
SAMPLE_SECONDS: Final = 0.05
MEGABYTE: Final = 1_000_000
SIZES: Final = (("100 KB", 100_000), ("10 MB", 10 * MEGABYTE))


@dataclass(slots=True)
class _Found:
    """Of one size, one number a repeat."""

    put: list[float] = field(default_factory=list)
    get: list[float] = field(default_factory=list)
    copy: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Peak:
    """The most memory of the office that was seen."""

    most: float = 0.0


async def measure(bench: Bench) -> list[Figure]:
    figures: list[Figure] = []
    for words, size in SIZES:
        count = bench.sized(600, 120) if size < MEGABYTE else bench.sized(12, 4)
        found, before = _Found(), bench.ground.memory_mebibytes([SENDING_OFFICE])[SENDING_OFFICE]
        for _ in range(bench.repeats):
            await _once(bench, found, size, count)
        bench.say(
            f"{words}: PUT {found.put[-1]:.0f} MB/s, GET {found.get[-1]:.0f} MB/s, copy {found.copy[-1]:.0f} MB/s"
        )
        figures += _figures(words, found, before)
    return figures


async def _once(bench: Bench, found: _Found, size: int, count: int) -> None:
    sender = bench.ground.callers[SENDER]
    contents = await asyncio.to_thread(_contents, [next(bench.numbers) for _ in range(count)], size)
    async with watched(bench.ground) as peak:
        put = await closed_loop(sender.url, Putting(sender, contents).act, at_once=AT_ONCE, most=count)
        get = await closed_loop(sender.url, Getting(sender, contents).act, at_once=AT_ONCE, most=count)
    with tempfile.TemporaryDirectory(prefix="floor-", dir=bench.ground.hub.home) as folder:
        found.copy.append(await copy_with_fsync(Path(folder), size, count))
    found.put.append(size * count / MEGABYTE / put.seconds)
    found.get.append(size * count / MEGABYTE / get.seconds)
    found.peak.append(peak.most)


def _contents(numbers: Sequence[int], size: int) -> list[tuple[str, bytes]]:
    files = [bodies.file(number, size) for number in numbers]
    return [(hashlib.sha256(file).hexdigest(), file) for file in files]


@dataclass(frozen=True, slots=True)
class Putting:
    sender: Caller
    contents: Sequence[tuple[str, bytes]] = field(repr=False)

    async def act(self, connection: Connection, number: int) -> None:
        await put_file(connection, self.sender, *self.contents[number - 1])


@dataclass(frozen=True, slots=True)
class Getting:
    sender: Caller
    contents: Sequence[tuple[str, bytes]] = field(repr=False)

    async def act(self, connection: Connection, number: int) -> None:
        sha256, content = self.contents[number - 1]
        url = f"{self.sender.url}/v1/attachments/{sha256}"
        answer = await connection.ask(request("GET", url, token=self.sender.token))
        expect(answer, 200)
        if answer.body != content:
            raise Refused(f"other bytes than those of {sha256}")


@asynccontextmanager
async def watched(ground: Ground) -> AsyncIterator[Peak]:
    """Looks at the office's memory again and again."""
    peak = Peak()

    def look() -> float:
        return ground.memory_mebibytes([SENDING_OFFICE])[SENDING_OFFICE]

    async def watch() -> None:
        while True:
            peak.most = max(peak.most, await asyncio.to_thread(look))
            await asyncio.sleep(SAMPLE_SECONDS)

    peak.most = await asyncio.to_thread(look)
    watching = asyncio.create_task(watch())
    try:
        yield peak
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def _figures(words: str, found: _Found, before: float) -> list[Figure]:
    name = words.replace(" ", "").lower()
    copied = Value(found.copy)
    memory = {"memory_before_mib": before, "memory_peak_mib": max(found.peak)}
    return [
        Figure(
            name=f"files.put.{name}",
            title=f"Tải lên tệp {words} · PUT of {words}",
            unit="MB/s",
            ours=Value(found.put),
            floor=copied,
            more=memory,
        ),
        Figure(
            name=f"files.get.{name}",
            title=f"Tải về tệp {words} · GET of {words}",
            unit="MB/s",
            ours=Value(found.get),
            floor=copied,
        ),
    ]
