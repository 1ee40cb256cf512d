"""The HTTP/1.1 protocol of the server where it answers without the app: as problems too, and never waiting for ever."""

import asyncio
import secrets
from typing import Any, cast

import structlog
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from contracts.problems import HubError
from services.kernel.answers import SECURITY_HEADERS
from services.kernel.app import Web
from services.kernel.limits import uri_too_long
from services.kernel.problem_details import Place, problem_response

HEAD_SECONDS = 30.0
"""From the connection, or the first byte of a later request, to the end of its headers."""
SLACK_BYTES = 64 * 1024
LINGER_SECONDS = 2.0
"""How long a connection that is closed in the midst of a request still takes, and drops, what comes."""

_log = structlog.get_logger(__name__)


class Wire(HttpToolsProtocol):
    """Beside what cannot be parsed, refuses heads that do not end. Trailers are dropped: they are no headers.

    Serves apps of `build_app`."""

    url = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", _Lingering(transport, self)))
        self._in_head = False
        self._refused = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def in_request(self) -> bool:
        """Whether more of a request is to come."""
        return self._in_head or self._refused or (self.cycle is not None and self.cycle.more_body)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        began_before = self._in_head
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._in_head and self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._head_timer is None:  # also for what follows an answer: the rest of a body, empty lines
            self._wait_for_head()
        if self._in_head and began_before:
            self._head_bytes += len(data)
            self._bound_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_head = False

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._too_long() or HubError("request.malformed", "this is not HTTP/1.1 as RFC 9112 has it"))

    def _unsupported_upgrade_warning(self) -> None:
        """Whoever asks for another protocol is answered in this one; nothing to tell."""

    def _bound_head(self) -> None:
        """What is too much but kept below this is refused by the app, by its own limits."""
        limits = self._web().limits
        if self._head_bytes > limits.max_url_bytes + limits.max_header_bytes + SLACK_BYTES:
            detail = f"the headers may have {limits.max_header_bytes} bytes"
            self._refuse(self._too_long() or HubError("request.headers_too_large", detail))

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_late(self) -> None:
        self._head_timer = None
        if self._in_head:
            self._refuse(HubError("request.timeout", f"the headers may take {HEAD_SECONDS:g} s"))
        else:
            self.transport.close()

    def _refuse(self, error: HubError) -> None:
        """Answers and closes; only closes where the answer would be taken for that of another request."""
        if self.transport.is_closing():
            return
        under_way = self.cycle is not None and not self.cycle.response_complete
        if not (under_way and (self._in_head or self.cycle.response_started)):
            _log.info("request.refused_unread", code=error.code)
            self.transport.write(self._answer(error))
        if under_way and not self._in_head:  # nothing more of this body can be read: the app need not wait for it
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._refused = True
        self.transport.close()

    def _too_long(self) -> HubError | None:
        limits = self._web().limits
        return uri_too_long(limits) if self._in_head and len(self.url) > limits.max_url_bytes else None

    def _web(self) -> Web:
        web: Web = cast(FastAPI, self.config.app).state.web
        return web

    def _answer(self, error: HubError) -> bytes:
        request_id = secrets.token_hex(8)
        place = Place(f"urn:lienthong:request:{request_id}", self._web().problems_url)
        response = problem_response(error, place)
        headers = [
            *response.raw_headers,
            *SECURITY_HEADERS,
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        lines = [name + b": " + value + b"\r\n" for name, value in headers]
        return b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n", bytes(response.body)])


class _Lingering:
    """A transport that is closed in two steps: a system that closes while bytes come in resets the connection, and the
    sender never sees the answer."""

    def __init__(self, transport: asyncio.Transport, wire: Wire) -> None:
        self._transport = transport
        self._wire = wire
        self._lingers = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Nothing more once it is closed, as with any transport."""
        if not self._lingers:
            self._transport.write(data)

    def is_closing(self) -> bool:
        return self._lingers or self._transport.is_closing()

    def close(self) -> None:
        if self.is_closing() or not (self._wire.in_request and self._transport.can_write_eof()):
            self._transport.close()
            return
        self._lingers = True
        self._wire.flow.resume_reading()
        self._transport.write_eof()
        self._wire.loop.call_later(LINGER_SECONDS, self._transport.close)
