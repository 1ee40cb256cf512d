"""Files read and written beside the event loop: digests without loading a file, bodies that can be sent again."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHUNK = 256 * 1024
IN_MEMORY = 1024 * 1024
"""A stream is spooled in memory up to this size, then on disk."""


@dataclass(frozen=True, slots=True)
class Digest:
    sha256: str
    size: int


async def read_bytes(file: Path) -> bytes:
    return await asyncio.to_thread(file.read_bytes)


async def digest_of(file: IO[bytes]) -> Digest:
    """Of all the file holds, whatever its position."""
    return await asyncio.to_thread(_digest, file)


async def chunks_of(file: IO[bytes]) -> AsyncIterator[bytes]:
    """The file from its beginning."""
    await asyncio.to_thread(file.seek, 0)
    while chunk := await asyncio.to_thread(file.read, CHUNK):
        yield chunk


async def spool(stream: AsyncIterable[bytes], into: tempfile.SpooledTemporaryFile[bytes]) -> None:
    """A stream can be read once only; a repeat needs its bytes again."""
    async for chunk in stream:
        await asyncio.to_thread(into.write, chunk)


class Part:
    """A download on its way: `<name>.part` beside the target, which appears whole or not at all."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.part")

    async def size(self) -> int:
        return await asyncio.to_thread(self._size)

    async def open(self, *, anew: bool) -> IO[bytes]:
        return await asyncio.to_thread(self.path.open, "wb" if anew else "ab")

    async def digest(self) -> str:
        return await asyncio.to_thread(self._digest)

    async def drop(self) -> None:
        await asyncio.to_thread(self.path.unlink, missing_ok=True)

    async def keep(self) -> None:
        await asyncio.to_thread(self.path.replace, self.target)

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def _digest(self) -> str:
        if not self.path.exists():
            return hashlib.sha256().hexdigest()
        with self.path.open("rb") as file:
            return _digest(file).sha256


def _digest(file: IO[bytes]) -> Digest:
    file.seek(0)
    found = hashlib.sha256()
    size = 0
    while chunk := file.read(CHUNK):
        found.update(chunk)
        size += len(chunk)
    return Digest(found.hexdigest(), size)
