"""edXML files on their way in and out: spooled to disk, through the codec in a thread, the files inside stored.

All of it happens outside transactions; nothing here decides who may send what.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any, Final, TypeVar

from contracts.edxml.attachments import Attachment, iterate_attachments
from contracts.edxml.errors import EdxmlError
from contracts.edxml.limits import MEBIBYTE, Limits
from contracts.edxml.model import Message
from contracts.edxml.reader import read
from contracts.messages.document import Document
from contracts.problems import HubError
from services.office.attachments.actions import Attachments
from services.office.documents import edxml

MESSAGE_BYTES: Final = 128 * MEBIBYTE
FILES_AT_ONCE: Final = 2
"""A message needs up to three times its size while it is read; more wait for their turn on disk, not in memory."""
_WINDOW: Final = MEBIBYTE

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Body:
    """A request body on disk."""

    file: IO[bytes]
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message in memory with the bytes it came in."""

    message: Message
    data: bytes
    sha256: str


class Intake:
    """Reads messages for one office; `message_bytes` bounds a request, the codec's own limits what is inside."""

    def __init__(self, attachments: Attachments, *, message_bytes: int = MESSAGE_BYTES) -> None:
        self._attachments = attachments
        self.message_bytes = message_bytes
        self._limits = Limits(message_bytes=message_bytes)
        self._turns = asyncio.Semaphore(FILES_AT_ONCE)

    @asynccontextmanager
    async def spool(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[Body]:
        """The whole body in a temporary file that is gone afterwards; raises `size.too_large` as soon as it is."""
        digest, size, waiting = hashlib.sha256(), 0, bytearray()
        with TemporaryFile() as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > self.message_bytes:
                    raise HubError("size.too_large", f"a message may have {self.message_bytes} bytes")
                digest.update(chunk)
                waiting += chunk
                if len(waiting) >= _WINDOW:
                    await asyncio.to_thread(file.write, waiting)
                    waiting = bytearray()
            await asyncio.to_thread(file.write, waiting)
            yield Body(file, digest.hexdigest(), size)

    @asynccontextmanager
    async def open(self, body: Body) -> AsyncIterator[Parcel]:
        """The message, read; holds one of the few turns until the block ends. Raises `edxml.invalid`."""
        async with self._turns:
            data = await asyncio.to_thread(_load, body.file)
            message = await _codec(lambda: read(data, limits=self._limits))
            yield Parcel(message, data, body.sha256)

    async def keep(self, parcel: Parcel) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Makes the files inside and the message itself durable, one after the other; returns how facts name them."""
        files = iterate_attachments(parcel.data, limits=self._limits)
        kept = []
        while (found := await _codec(lambda: _next(files))) is not None:
            await self._attachments.upload(found.sha256, _pieces(found.content))
            kept.append(_named(found.name, found.sha256, found.media_type, len(found.content)))
        original = _named(edxml.ORIGINAL_NAME, parcel.sha256, edxml.MEDIA_TYPE, len(parcel.data))
        await self._attachments.upload(parcel.sha256, _pieces(parcel.data))
        return kept, original

    async def write(self, document: Document, contents: Sequence[AsyncIterable[bytes]]) -> bytes:
        """The file of a document that was posted as JSON, with its attachments; raises `size.too_large`."""
        if sum(each.size for each in document.attachments) > self.message_bytes:
            raise HubError("size.too_large", "too large for one file; get the attachments by their digests")
        async with self._turns:
            files = [
                Attachment(each.name, b"".join([bytes(piece) async for piece in content]))
                for each, content in zip(document.attachments, contents, strict=True)
            ]
            return await _codec(lambda: edxml.write(document, files))


async def _codec(action: Callable[[], Result]) -> Result:
    """Runs the codec in a thread and turns its refusals into ours."""
    try:
        return await asyncio.to_thread(action)
    except EdxmlError as error:
        raise edxml.refusal(error) from error


def _next(files: Iterator[Attachment]) -> Attachment | None:
    """The next file with its digest computed, None behind the last."""
    found = next(files, None)
    return found if found is None or found.sha256 else None


def _load(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _WINDOW):
        yield content[start : start + _WINDOW]


def _named(name: str, sha256: str, media_type: str, size: int) -> dict[str, Any]:
    return {"sha256": sha256, "name": name, "media_type": media_type, "size": size}
