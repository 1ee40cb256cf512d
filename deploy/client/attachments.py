"""Attachments: files put under their own digest before a body names them, and fetched with that digest verified."""

import hashlib
import mimetypes
import tempfile
from collections.abc import AsyncIterable
from pathlib import Path
from typing import IO

import httpx

from deploy.client.answers import AttachmentRef
from deploy.client.files import IN_MEMORY, Part, chunks_of, digest_of, spool
from deploy.client.problems import Corrupted, TimedOut, Unreachable, problem_of
from deploy.client.retry import Attempts, is_temporary, retry_after
from deploy.client.transport import Ask, Hand, Source, is_refused_token

PATH = "/v1/attachments"
OCTETS = "application/octet-stream"
IDENTITY = {"Accept-Encoding": "identity"}
"""Offsets count the bytes as they are."""


class Attachments:
    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    async def upload(
        self,
        content: bytes | Path | AsyncIterable[bytes],
        *,
        name: str | None = None,
        media_type: str | None = None,
        component: str | None = None,
    ) -> AttachmentRef:
        """Stores the bytes and returns the reference for a body. Nothing is loaded into memory as a whole.

        A path gives its own name and kind; bytes and streams need a `name`. Uploading again is harmless.
        """
        if isinstance(content, Path):
            sha256 = await self._put_file(content)
        elif isinstance(content, bytes):
            sha256 = hashlib.sha256(content).hexdigest()
            await self._put(sha256, len(content), lambda: content)
        else:
            sha256 = await self._put_stream(content)
        title = name or (content.name if isinstance(content, Path) else "")
        if not title:
            raise ValueError("a name is needed: upload(content, name=…)")
        kind = media_type or mimetypes.guess_type(title)[0] or OCTETS
        reference: AttachmentRef = {"sha256": sha256, "name": title, "media_type": kind}
        if component:
            reference["component"] = component
        return reference

    async def download(self, sha256: str, to: Path) -> Path:
        """Writes the file, whole and verified, or nothing. What broke off goes on where it was, also in a later call.

        Until it is complete the bytes lie in `<name>.part` beside it. Raises `Corrupted` when they are not the right
        ones.
        """
        part = Part(to)
        resumed = await part.size() > 0
        await self._fetch(sha256, part)
        if await part.digest() != sha256 and resumed:  # what lay there was something else
            await part.drop()
            await self._fetch(sha256, part)
        if await part.digest() != sha256:
            await part.drop()
            raise Corrupted(sha256)
        await part.keep()
        return to

    async def read(self, sha256: str) -> bytes:
        """A small file into memory, verified."""
        ask = Ask(method="GET", path=f"{PATH}/{sha256}")
        content = (await self._hand.send(ask)).content
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Corrupted(sha256)
        return content

    async def _put_file(self, path: Path) -> str:
        with path.open("rb") as file:
            return await self._put_open(file)

    async def _put_stream(self, stream: AsyncIterable[bytes]) -> str:
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
            await spool(stream, file)
            return await self._put_open(file)

    async def _put_open(self, file: IO[bytes]) -> str:
        found = await digest_of(file)
        await self._put(found.sha256, found.size, lambda: chunks_of(file))
        return found.sha256

    async def _put(self, sha256: str, size: int, content: Source) -> None:
        headers = {"Content-Type": OCTETS, "Content-Length": str(size)}
        await self._hand.send(Ask(method="PUT", path=f"{PATH}/{sha256}", headers=headers, content=content))

    async def _fetch(self, sha256: str, part: Part) -> None:
        """Until the answer has come to its end; each byte that comes gives it new time."""
        attempts = Attempts(self._hand.retry, self._hand.timing)
        while True:
            had = await part.size()
            try:
                if await self._fetch_from(had, sha256, part, attempts):
                    return
            except httpx.TransportError as error:
                if await part.size() > had:
                    attempts.progressed()
                await attempts.again(self._broken(sha256, error))

    async def _fetch_from(self, offset: int, sha256: str, part: Part, attempts: Attempts) -> bool:
        """One try; False when it was refused for now and waited out."""
        hand = self._hand
        resume = {"Range": f"bytes={offset}-", "If-Range": f'"{sha256}"'} if offset else {}
        ask = Ask(method="GET", path=f"{PATH}/{sha256}", headers={**IDENTITY, **resume}, also=(416,))
        async with hand.transport.stream(ask, attempts, hand.retry, hand.organ) as answer:
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return True  # all of it is there, or what is there is wrong: the digest tells
            if answer.is_success:
                await _write(answer, part, anew=answer.status_code != httpx.codes.PARTIAL_CONTENT)
                return True
        problem = problem_of(answer)
        if is_temporary(answer):
            await attempts.again(problem, at_least=retry_after(answer))
        elif not (is_refused_token(problem) and attempts.renews()):
            raise problem
        return False

    def _broken(self, sha256: str, error: httpx.TransportError) -> Unreachable | TimedOut:
        url = f"{self._hand.transport.credentials.office_url}{PATH}/{sha256}"
        if isinstance(error, httpx.ReadTimeout):
            return TimedOut(f"GET {url}", self._hand.retry.deadline_seconds)
        return Unreachable(url, type(error).__name__)


async def _write(answer: httpx.Response, part: Part, *, anew: bool) -> None:
    file = await part.open(anew=anew)
    try:
        async for chunk in answer.aiter_bytes():
            file.write(chunk)
    finally:
        file.close()
