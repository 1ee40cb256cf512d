"""A caller that knows several addresses of each program: it takes them in turn, and the next one when nobody is there
or the process says that it is stopping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from itertools import count

import httpx


class Doors(httpx.AsyncBaseTransport):
    """`doors`: the ports that stand for a port. `errors` are the answers from 500 up, whatever they say."""

    def __init__(self, doors: Mapping[int, Sequence[int]]) -> None:
        self._doors = doors
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=50))
        self._turns = count()
        self.served: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self.errors: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        ports = self._doors.get(request.url.port or 0) or [request.url.port or 0]
        turn = next(self._turns)
        for place in range(len(ports)):
            port = ports[(turn + place) % len(ports)]
            try:
                answer = await self._inner.handle_async_request(_at(request, port))
            except httpx.ConnectError:
                self.refused[port] += 1
                continue
            if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and "system.stopping" in await _text(answer):
                self.refused[port] += 1
                continue
            self.served[port] += 1
            if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                told = await _text(answer)
                self.errors.append(f"{port} {request.method} {request.url.path}: {answer.status_code} {told}")
            return answer
        raise httpx.ConnectError("nobody is at any of the doors")

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _text(answer: httpx.Response) -> str:
    """The body, kept in the answer for whoever reads it next."""
    await answer.aread()
    return answer.text


def _at(request: httpx.Request, port: int) -> httpx.Request:
    headers = httpx.Headers(request.headers)
    headers["Host"] = f"{request.url.host}:{port}"
    return httpx.Request(
        request.method,
        request.url.copy_with(port=port),
        headers=headers,
        stream=request.stream,
        extensions=request.extensions,
    )
