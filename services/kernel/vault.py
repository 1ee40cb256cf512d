"""The bytes of attachments, `{namespace}/{sha256}`: a local folder or an S3-like store, by address. Knows no organ.

The client library does not flush to disk, so a local folder is written here: the file is on disk before it gets its
name, the folder after. An S3-like store has the object for good when it answers.
"""

import asyncio
import errno
import hashlib
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from contracts.problems import HubError

CHUNK = 1024 * 1024
INCOMING = ".incoming"
ABANDONED = timedelta(days=1)
_AWAY = (BaseError, OSError)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_WORDS = ("os error 28", "os error 122", "StorageFull", "InsufficientStorage", "507 Insufficient Storage")
_DIGEST = re.compile("[0-9a-f]{64}")

_log = structlog.get_logger(__name__)


class Vault:
    """What `put` and `copy_in` have returned for is durable and has the digest of its name.

    A store without room raises `system.disk_full`, one that is away or lacks the object `attachment.unavailable`.
    """

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    @classmethod
    def open(cls, url: str) -> Self:
        """`file:///folder` (made when absent), or any address the client library knows (`s3://bucket/prefix`)."""
        parts = urlsplit(url)
        if parts.scheme != "file":
            return cls(from_url(url))
        folder = Path(unquote(parts.path))
        return cls(LocalStore(prefix=folder, mkdir=True), folder)

    async def put(self, namespace: str, sha256: str, chunks: AsyncIterable[bytes]) -> int:
        """Stores the bytes and returns how many; raises `attachment.digest_mismatch` and keeps nothing otherwise."""
        with _translated():
            if await self.size(namespace, sha256) is not None:
                await self._flush(namespace)  # whoever put it may have died before the name was on disk
                return await verify(sha256, chunks)
            incoming = f"{namespace}/{INCOMING}/{uuid4()}"
            await self._prepare(namespace)
            try:
                size = await self._write(incoming, sha256, chunks)
                await obstore.rename_async(self._store, incoming, f"{namespace}/{sha256}")
                await self._flush(namespace)
            except BaseException:
                with suppress(*_AWAY):
                    await obstore.delete_async(self._store, incoming)
                raise
            return size

    async def copy_in(self, sha256: str, *, origin: str, namespace: str) -> int:
        """Makes sure the attachment lies in the namespace and returns its size; verifies what it copies.

        Raises `attachment.unavailable` when the origin does not have it (yet) or has other bytes.
        """
        with _translated():
            present = await self.size(namespace, sha256)
            if present is not None:
                await self._flush(namespace)
                return present
            try:
                return await self.put(namespace, sha256, self._stream(origin, sha256))
            except HubError as error:
                if error.code != "attachment.digest_mismatch":
                    raise
                raise HubError("attachment.unavailable", "the origin holds other bytes") from error

    async def size(self, namespace: str, sha256: str) -> int | None:
        """None when it is not there."""
        with _translated():
            try:
                return (await obstore.head_async(self._store, f"{namespace}/{sha256}"))["size"]
            except FileNotFoundError:
                return None

    async def read(self, namespace: str, sha256: str, span: tuple[int, int] | None = None) -> AsyncIterator[bytes]:
        """The bytes, or those from the first place of `span` up to before the second. Opened before this returns: what
        is missing raises here and not within an answer."""
        with _translated():
            path = f"{namespace}/{sha256}"
            found = await obstore.get_async(self._store, path, options={"range": span} if span else {})
        return found.stream(min_chunk_size=CHUNK).__aiter__()

    async def sweep(self, namespace: str) -> int:
        """Deletes what broken uploads left; returns how many."""
        limit = datetime.now(UTC) - ABANDONED
        with _translated():
            listed = await obstore.list(self._store, prefix=f"{namespace}/{INCOMING}").collect_async()
            paths = [item["path"] for item in listed if item["last_modified"] < limit]
            if paths:
                await obstore.delete_async(self._store, paths)
        return len(paths)

    async def aged(self, namespace: str) -> AsyncIterator[list[str]]:
        """The digests of what has lain in the namespace for longer than a day, some at a time."""
        limit = datetime.now(UTC) - ABANDONED
        with _translated():
            async for listed in obstore.list(self._store, prefix=namespace):
                old = [item["path"] for item in listed if item["last_modified"] < limit]
                found = [path.removeprefix(f"{namespace}/") for path in old]
                if digests := [name for name in found if _DIGEST.fullmatch(name)]:
                    yield digests

    async def discard(self, namespace: str, sha256: str) -> bool:
        """Deletes what nobody names, if it is still older than a day."""
        path = f"{namespace}/{sha256}"
        with _translated():
            try:
                head = await obstore.head_async(self._store, path)
            except FileNotFoundError:
                return False
            if head["last_modified"] >= datetime.now(UTC) - ABANDONED:
                return False
            await obstore.delete_async(self._store, path)
        return True

    async def _stream(self, namespace: str, sha256: str) -> AsyncIterator[bytes]:
        found = await obstore.get_async(self._store, f"{namespace}/{sha256}")
        async for chunk in found.stream(min_chunk_size=CHUNK):
            yield bytes(chunk)

    async def _write(self, path: str, sha256: str, chunks: AsyncIterable[bytes]) -> int:
        """Writes and verifies; in a local folder the bytes are on disk afterwards."""
        if self._folder:
            return await _write_file(self._folder / path, sha256, chunks)
        async with obstore.open_writer_async(self._store, path) as writer:

            async def keep(chunk: bytes) -> None:
                await writer.write(chunk)

            return await verify(sha256, chunks, keep)

    async def _prepare(self, namespace: str) -> None:
        """The namespace's own name must survive a power cut too."""
        if self._folder and not (self._folder / namespace / INCOMING).is_dir():
            (self._folder / namespace / INCOMING).mkdir(parents=True, exist_ok=True)
            await asyncio.to_thread(_fsync, self._folder)

    async def _flush(self, path: str) -> None:
        if self._folder:
            await asyncio.to_thread(_fsync, self._folder / path)


async def verify(
    sha256: str, chunks: AsyncIterable[bytes], keep: Callable[[bytes], Awaitable[object]] | None = None
) -> int:
    """Reads to the end and compares the digest; returns the number of bytes."""
    digest, size = hashlib.sha256(), 0
    async for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        if keep:
            await keep(chunk)
    if digest.hexdigest() != sha256:
        raise HubError("attachment.digest_mismatch")
    return size


async def _write_file(path: Path, sha256: str, chunks: AsyncIterable[bytes]) -> int:
    waiting = bytearray()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:

        async def keep(chunk: bytes) -> None:
            waiting.extend(chunk)
            if len(waiting) >= CHUNK:
                await _to_end(_write_all, descriptor, bytes(waiting))
                waiting.clear()

        size = await verify(sha256, chunks, keep)
        await _to_end(_write_all, descriptor, bytes(waiting))
        await _to_end(os.fsync, descriptor)
    finally:
        os.close(descriptor)
    return size


async def _to_end(work: Callable[..., None], *args: Any) -> None:
    """Runs in a thread and, even if cancelled, returns only when the thread is done with its descriptor."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *args))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


@contextmanager
def _translated() -> Iterator[None]:
    """None of this is a mistake of the caller."""
    try:
        yield
    except _AWAY as error:
        if _is_full(error):
            _log.error("vault.filled", error=type(error).__name__)
            raise HubError("system.disk_full", "the attachment store is full") from error
        raise HubError("attachment.unavailable", "the attachment store does not have it or is away") from error


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _FULL
    return any(word in str(error) for word in _FULL_WORDS)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
