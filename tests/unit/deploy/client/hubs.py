"""A hub that answers from a script, and time that passes only when the client pauses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from deploy.client.credentials import Credentials
from deploy.client.hub import Hub
from deploy.client.retry import Retry, Timing

GATEWAY, OFFICE = "http://gateway.test", "http://office.test"
CREDENTIALS = Credentials(
    name="mau", client_id="mau", client_secret="khóa bí:mật", office_url=OFFICE, gateway_url=GATEWAY,
    organs=("000.01.22.H28",),
)  # fmt: skip
LIFE = 3600

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


@dataclass
class Time:
    """Machine time of the test: pauses pass at once and are kept."""

    at: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)

    def timing(self, chance: float = 1.0) -> Timing:
        return Timing(lambda: self.at, self.sleep, lambda: chance)


@dataclass
class Script:
    """Answers in turn, the last one for ever; every request is kept with its body."""

    answers: list[Answer]
    requests: list[httpx.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    tokens: int = 0
    token_answers: list[Answer] = field(default_factory=list)
    life: float = LIFE

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            await asyncio.sleep(0)
            self.tokens += 1
            return _given(self.token_answers.pop(0) if self.token_answers else self._token(), request)
        self.bodies.append(await request.aread())
        self.requests.append(request)
        return _given(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0], request)

    def _token(self) -> httpx.Response:
        return httpx.Response(200, json={"access_token": f"token-{self.tokens}", "expires_in": self.life})

    def headers(self, name: str) -> list[str | None]:
        return [request.headers.get(name) for request in self.requests]


def hub_of(script: Script, time: Time | None = None, *, retry: Retry | None = None, organ: str = "") -> Hub:
    http = httpx.AsyncClient(transport=httpx.MockTransport(script.answer))
    return Hub(CREDENTIALS, organ=organ, http=http, timing=(time or Time()).timing(), retry=retry)


def ok(body: Any = None, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={} if body is None else body, headers=headers)


def refusal(status: int, code: str, **members: Any) -> httpx.Response:
    headers = {"Retry-After": str(members.pop("retry_after"))} if "retry_after" in members else {}
    body = {
        "type": f"/problems/{code}",
        "title": "A title",
        "status": status,
        "detail": "A detail",
        "instance": "urn:lienthong:request:1",
        "code": code,
        "remedy": {"vi": "Sửa rồi gửi lại.", "en": "Correct and send again."},
        **members,
    }
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json", **headers})


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


class Chunks(httpx.AsyncByteStream):
    """A body that may break off."""

    def __init__(self, *chunks: bytes, then: Exception | None = None) -> None:
        self._chunks, self._then = chunks, then

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        if self._then:
            raise self._then


def _given(answer: Answer, request: httpx.Request) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    return answer if isinstance(answer, httpx.Response) else answer(request)
