"""A request's body as it enters the process: not too slow, decompressed, and counted for the caller's quota."""

import asyncio
from time import monotonic

from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.types import Message, Receive, Scope

from contracts.problems import HubError
from services.kernel.encodings import Inflater, is_gzipped
from services.kernel.limits import Head, Limits
from services.kernel.quotas import Load

_CODING, _LENGTH = b"content-encoding", b"content-length"


class Body:
    """Hands on what `receive` gives. Bounds of size are the routes'; a compressed body meets them decompressed.

    `scope` loses the headers that do not fit a body that is decompressed here.
    """

    def __init__(self, receive: Receive, scope: Scope, head: Head, limits: Limits) -> None:
        self._receive = receive
        self._scope = scope
        self._limits = limits
        self._began = 0.0
        self._came = 0
        self._ended = False
        self._complete = False
        self._inflater: Inflater | None = None
        declared = head.declared_bytes
        if _CODING in head.fields:
            dropped: tuple[bytes, ...] = (_CODING,)
            if is_gzipped(head.fields[_CODING]):
                self._inflater = Inflater()
                dropped = (_CODING, _LENGTH)
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name not in dropped]
        streams = self._inflater is not None or (declared is None and b"transfer-encoding" in head.fields)
        self.load = Load(None if streams else declared or 0)

    async def receive(self) -> Message:
        """Once the body is complete, waiting (for a disconnect) is not bounded."""
        if self._complete:
            return await self._receive()
        if self._inflater is not None:
            return await self._decompressed(self._inflater)
        message = await self._next()
        self.load.add(len(message.get("body", b"")))
        self._complete = self._ended
        return message

    async def _decompressed(self, inflater: Inflater) -> Message:
        while True:
            piece = inflater.piece()
            if piece:
                self.load.add(len(piece))
                return {"type": "http.request", "body": piece, "more_body": True}
            if self._ended:
                if self._came:
                    inflater.finish()
                self._complete = True
                return {"type": "http.request", "body": b"", "more_body": False}
            message = await self._next()
            if message["type"] != "http.request":
                self._complete = True
                return message
            self._bound()
            inflater.feed(message.get("body", b""))

    async def _next(self) -> Message:
        limits = self._limits
        now = monotonic()
        if not self._began:
            self._began = now
        left = self._began + limits.body_grace_seconds + self._came / limits.body_bytes_per_second - now
        try:
            async with asyncio.timeout(min(left, limits.body_pause_seconds)):
                message = await self._receive()
        except TimeoutError:
            pace = f"{limits.body_grace_seconds:g} s and {limits.body_bytes_per_second} bytes per second"
            detail = f"a body may take {pace}, and pause for {limits.body_pause_seconds:g} s"
            raise HubError("request.timeout", detail) from None
        self._came += len(message.get("body", b""))
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    def _bound(self) -> None:
        """Input that makes no output must end too: gzip adds less than a thousandth to what it cannot shrink."""
        limit = self._scope.get(MAX_BODY_SIZE_SCOPE_KEY)
        if limit is not None and self._came > limit + limit // 1000 + 1024:
            raise too_large(limit)


def too_large(limit: int | None) -> HubError:
    return HubError("size.too_large", "" if limit is None else f"a body may have {limit} bytes here")
