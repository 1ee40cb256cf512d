"""One way for all calls: a token, the same bytes and key at every try, repeats while that can help, errors by kind."""

import base64
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote, quote_plus
from uuid import uuid4

import httpx

from deploy.client.credentials import Credentials
from deploy.client.problems import ClientError, Denied, HubProblem, TimedOut, Unavailable, Unreachable, problem_of
from deploy.client.retry import Attempts, Retry, Timing, is_temporary, retry_after
from deploy.client.tokens import Token, Tokens

Params = Mapping[str, object]
Source = Callable[[], bytes | AsyncIterable[bytes]]
JSON = "application/json"
HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""The address or a header cannot even be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call. `content` gives the body afresh for each try; `also` are statuses that are answers too."""

    method: str
    path: str
    params: Params = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Source | None = None
    at: Literal["office", "gateway"] = "office"
    also: tuple[int, ...] = ()
    answer_seconds: float | None = None


class Transport:
    """For one system; shared by all the hands that act for its organs."""

    def __init__(self, credentials: Credentials, http: httpx.AsyncClient, timing: Timing) -> None:
        self.credentials, self.timing = credentials, timing
        self._http = http
        self._tokens = Tokens(timing)

    async def send(self, ask: Ask, retry: Retry, organ: str) -> httpx.Response:
        """The answer, its body read; raises what `problems` says when there is none or it is a refusal."""
        attempts = Attempts(retry, self.timing)
        while True:
            token = await self.token(retry, attempts)
            try:
                answer = await self._http.send(self._request(ask, token, organ, attempts))
            except httpx.TransportError as error:
                await attempts.again(self._silence(ask, error, retry))
                continue
            if answer.is_success or answer.status_code in ask.also:
                return answer
            problem = problem_of(answer)
            if is_refused_token(problem) and attempts.renews():
                self._tokens.forget(token)
            elif is_temporary(answer):
                await attempts.again(problem, at_least=retry_after(answer))
            else:
                raise problem

    @asynccontextmanager
    async def stream(self, ask: Ask, attempts: Attempts, retry: Retry, organ: str) -> AsyncIterator[httpx.Response]:
        """One try, the body not read yet. Connection errors come as they are: the caller knows how far it got."""
        token = await self.token(retry, attempts)
        answer = await self._http.send(self._request(ask, token, organ, attempts), stream=True)
        try:
            if not answer.is_success and answer.status_code not in ask.also:
                await answer.aread()
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    self._tokens.forget(token)
            yield answer
        finally:
            await answer.aclose()

    async def token(self, retry: Retry, attempts: Attempts) -> str:
        """A bearer token. At half of its life it is renewed; while that fails the old one serves to its end."""
        once = replace(retry, deadline_seconds=0)
        return await self._tokens.get(
            lambda: self._grant(retry, attempts), lambda: self._grant(once, Attempts(once, self.timing))
        )

    async def _grant(self, retry: Retry, attempts: Attempts) -> Token:
        """RFC 6749, client credentials."""
        ask = Ask(method="POST", path="/oauth/token", at="gateway")
        pair = f"{quote_plus(self.credentials.client_id)}:{quote_plus(self.credentials.client_secret)}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        while True:
            asked_at = self.timing.now()
            try:
                answer = await self._http.post(
                    self._url(ask),
                    data={"grant_type": "client_credentials"},
                    headers=headers,
                    timeout=attempts.time_out(),
                )
            except httpx.TransportError as error:
                await attempts.again(self._silence(ask, error, retry))
                continue
            if answer.status_code == httpx.codes.OK:
                return _token(answer, asked_at)
            if not is_temporary(answer):
                raise problem_of(answer)
            await attempts.again(problem_of(answer), at_least=retry_after(answer))

    def _request(self, ask: Ask, token: str, organ: str, attempts: Attempts) -> httpx.Request:
        given = {**ask.headers, "Authorization": f"Bearer {token}"} | ({"X-Organ": organ} if organ else {})
        params = {name: _spelled(value) for name, value in ask.params.items() if value is not None}
        return self._http.build_request(
            ask.method,
            self._url(ask),
            params=params,
            headers={name.encode(): value.encode() for name, value in given.items()},
            content=ask.content() if ask.content else None,
            timeout=attempts.time_out(ask.answer_seconds),
        )

    def _url(self, ask: Ask) -> str:
        base = self.credentials.gateway_url if ask.at == "gateway" else self.credentials.office_url
        return base.rstrip("/") + ask.path

    def _silence(self, ask: Ask, error: httpx.TransportError, retry: Retry) -> ClientError:
        """What a missing answer is called; raised at once when no repeat can help."""
        why = type(error).__name__
        if isinstance(error, HOPELESS):
            raise Unreachable(self._url(ask), str(error) or why)
        if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout):
            return TimedOut(f"{ask.method} {self._url(ask)}", max(retry.deadline_seconds, retry.answer_seconds))
        return Unreachable(self._url(ask), why)


class Hand:
    """Acts for one organ with one patience: what the parts of the client are built on."""

    def __init__(self, transport: Transport, retry: Retry, organ: str) -> None:
        self.transport, self.retry, self.organ = transport, retry, organ

    @property
    def timing(self) -> Timing:
        return self.transport.timing

    def within(self, seconds: float) -> "Hand":
        return Hand(self.transport, replace(self.retry, deadline_seconds=seconds), self.organ)

    def acting_for(self, organ: str) -> "Hand":
        return Hand(self.transport, self.retry, organ)

    async def send(self, ask: Ask) -> httpx.Response:
        return await self.transport.send(ask, self.retry, self.organ if ask.at == "office" else "")

    async def get(self, path: str, params: Params | None = None, **options: Any) -> Any:
        answer = await self.send(Ask(method="GET", path=path, params=params or {}, **options))
        return parsed(answer)

    async def post(self, path: str, body: Any, *, key: str | None = None, **options: Any) -> Any:
        """A POST under a key of its own, or the caller's."""
        return await self.tell("POST", path, body, headers=keyed(key) | options.pop("headers", {}), **options)

    async def post_raw(self, path: str, body: Any, *, key: str | None = None, **options: Any) -> httpx.Response:
        """A POST whose answer's status matters."""
        return await self._tell("POST", path, body, headers=keyed(key), **options)

    async def tell(self, method: str, path: str, body: Any, **options: Any) -> Any:
        """A call with a JSON body that may be repeated as it is."""
        return parsed(await self._tell(method, path, body, **options))

    async def _tell(
        self, method: str, path: str, body: Any, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """The bytes are the same at every try."""
        content = written(body)
        given = {"Content-Type": JSON, **(headers or {})}
        return await self.send(Ask(method=method, path=path, headers=given, content=lambda: content, **options))

    async def items(self, path: str, params: Params, **options: Any) -> AsyncIterator[Any]:
        """The items of a list, page after page."""
        cursor: str | None = None
        while True:
            page = await self.get(path, {**params, "cursor": cursor}, **options)
            for item in page["items"]:
                yield item
            cursor = page.get("next_cursor")
            if not cursor:
                return


def is_refused_token(problem: HubProblem) -> bool:
    """The key was changed or the clocks differ: a new token may do."""
    return isinstance(problem, Denied) and problem.code == "auth.invalid"


def keyed(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid4())}


def matching(version: int | str | None) -> dict[str, str]:
    """The `If-Match` header for a version seen, or for an `ETag` as it came."""
    text = "" if version is None else str(version)
    if not text:
        return {}
    return {"If-Match": text if text == "*" or '"' in text else f'"{text}"'}


def segment(text: str) -> str:
    """Text as one step of a path."""
    return quote(text, safe="")


def written(body: Any) -> bytes:
    """JSON; a lone surrogate goes as its escape, for the hub to judge."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def parsed(answer: httpx.Response) -> Any:
    """The JSON of an answer, nothing for an empty one; whatever else comes with a success is not the hub's."""
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        detail = "câu trả lời không phải JSON; địa chỉ có đúng là hub không? · no JSON; is this address a hub's?"
        raise Unavailable(answer.status_code, {"detail": detail}, asked=str(answer.url)) from None


def _token(answer: httpx.Response, asked_at: float) -> Token:
    body = parsed(answer)
    try:
        return Token(str(body["access_token"]), asked_at, float(body["expires_in"]))
    except (KeyError, TypeError, ValueError):
        raise Unavailable(answer.status_code, {"detail": "no token in the answer"}, asked=str(answer.url)) from None


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
