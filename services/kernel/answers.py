"""The answer as it leaves the process: headers every answer has, conditional GET, HEAD, compression."""

import asyncio
import re
from hashlib import blake2b

from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.types import Message, Scope, Send

from services.kernel.encodings import accepts_gzip, compress
from services.kernel.limits import Head
from services.kernel.problem_details import Place, problem_response
from services.kernel.streams import too_large

COMPRESSED_FROM_BYTES = 1024
_THREAD_FROM_BYTES = 128 * 1024
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
)
_TAG = re.compile(rb'(?:W/)?("[^"]*")')
_UNSENT = frozenset({b"content-length", b"content-type", b"content-encoding", b"content-disposition"})
"""What describes a body that a 304 does not have."""

Fields = list[tuple[bytes, bytes]]


class Answer:
    """Gets the messages of an app. `bare`: without body, for HEAD. `conditional`: answers of JSON get an ETag."""

    def __init__(self, send: Send, scope: Scope, head: Head, *, bare: bool, conditional: bool) -> None:
        self._send = send
        self._scope = scope
        self._head = head
        self._bare = bare
        self._conditional = conditional
        self._request_id: str = scope["state"]["request_id"]
        self._held: Message | None = None
        self._over = False
        self.place: Place = scope["state"]["place"]
        self.status = 0
        self.begun = False
        """Whether something was sent; before that, another answer may be sent instead."""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] != "http.response.body":
            await self._send(message)
        elif self._held is not None:
            await self._first(self._held, message)
        elif not self._over:
            await self._pass(message)

    async def _start(self, message: Message) -> None:
        self._held = None
        status = message["status"]
        seen = dict(message["headers"])
        kind = seen.get(b"content-type", b"").partition(b";")[0]
        if status == 413 and kind != b"application/problem+json":
            await self._replace()
            return
        self.status = status
        headers: Fields = [pair for pair in message["headers"] if pair[0] != b"x-request-id"]
        headers += [pair for pair in SECURITY_HEADERS if pair[0] not in seen]
        headers.append((b"x-request-id", self._request_id.encode()))
        message["headers"] = headers
        if self._conditional and status == 200 and self._fits(seen.get(b"etag")):
            await self._not_modified(_with_vary(headers) if self._is_text(kind, seen) else headers)
        elif self._is_text(kind, seen) and self._needs_body(status, seen):
            self._held = message
        else:
            await self._begin(message)

    def _is_text(self, kind: bytes, seen: dict[bytes, bytes]) -> bool:
        """JSON or HTML that is shown, not an attachment, and not encoded already."""
        return (
            (kind == b"text/html" or kind.endswith((b"/json", b"+json")))
            and b"content-disposition" not in seen
            and b"content-encoding" not in seen
        )

    def _needs_body(self, status: int, seen: dict[bytes, bytes]) -> bool:
        length = seen.get(b"content-length", b"")
        return (self._conditional and status == 200) or not length.isdigit() or int(length) >= COMPRESSED_FROM_BYTES

    async def _first(self, start: Message, message: Message) -> None:
        """What was held goes out with the first piece of the body; if that is the whole, its digest and coding."""
        self._held = None
        body: bytes = message.get("body", b"")
        headers: Fields = start["headers"]
        if not message.get("more_body", False):
            names = {name for name, _ in headers}
            if len(body) >= COMPRESSED_FROM_BYTES:
                headers = start["headers"] = _with_vary(headers)
            if self._conditional and start["status"] == 200 and b"etag" not in names and _is_json(headers):
                tag = b'W/"%s"' % blake2b(body, digest_size=12).hexdigest().encode()
                headers.append((b"etag", tag))
                if self._fits(tag):
                    await self._not_modified(headers)
                    return
            if len(body) >= COMPRESSED_FROM_BYTES:
                body, start["headers"] = await self._coded(body, headers)
                message = {**message, "body": body}
        await self._begin(start)
        if not self._over:
            await self._pass(message)

    async def _coded(self, body: bytes, headers: Fields) -> tuple[bytes, Fields]:
        if not accepts_gzip(self._head.fields.get(b"accept-encoding")):
            return body, headers
        large = len(body) >= _THREAD_FROM_BYTES
        coded = await asyncio.to_thread(compress, body) if large else compress(body)
        changed = {b"content-encoding": b"gzip", b"content-length": str(len(coded)).encode()}
        kept = [(name, _weak(value) if name == b"etag" else value) for name, value in headers if name not in changed]
        return coded, [*kept, *changed.items()]

    async def _begin(self, start: Message) -> None:
        self.begun = True
        await self._send(start)

    async def _pass(self, message: Message) -> None:
        if self._bare:
            self._over = True
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _not_modified(self, headers: Fields) -> None:
        self.status = 304
        kept = [pair for pair in headers if pair[0] not in _UNSENT]
        await self._begin({"type": "http.response.start", "status": 304, "headers": kept})
        self._over = True
        await self._send({"type": "http.response.body", "body": b""})

    def _fits(self, tag: bytes | None) -> bool:
        asked = self._head.fields.get(b"if-none-match")
        if asked is None or tag is None:
            return False
        return asked.strip() == b"*" or tag.removeprefix(b"W/") in _TAG.findall(asked)

    async def _replace(self) -> None:
        """The body limit answers in plain text."""
        response = problem_response(too_large(self._scope.get(MAX_BODY_SIZE_SCOPE_KEY)), self.place)
        await self.send({"type": "http.response.start", "status": 413, "headers": response.raw_headers})
        await self.send({"type": "http.response.body", "body": response.body})
        self._over = True


def _is_json(headers: Fields) -> bool:
    return any(name == b"content-type" and b"json" in value for name, value in headers)


def _weak(tag: bytes) -> bytes:
    """Bytes differ by coding, which a strong tag denies."""
    return tag if tag.startswith(b"W/") else b"W/" + tag


def _with_vary(headers: Fields) -> Fields:
    given = b", ".join(value for name, value in headers if name == b"vary")
    if given == b"*" or b"accept-encoding" in given.lower():
        return headers
    others = [pair for pair in headers if pair[0] != b"vary"]
    return [*others, (b"vary", b", ".join(filter(None, (given, b"Accept-Encoding"))))]
