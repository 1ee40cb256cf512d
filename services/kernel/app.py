"""The web app around the slices: one transaction per request, errors as problem bodies, one log line per request.

The transaction ends before the answer is sent: what was answered 2xx is committed. Routers and checks are handed in.
"""

import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.problems import HubError
from services.kernel.database import Database, is_refused_value, is_transient
from services.kernel.health import Check, routes
from services.kernel.metrics import Metrics
from services.kernel.problem_details import RESPONSES, of_status, of_validation, problem_response
from services.kernel.streams import Answer, bounded_in_time
from services.kernel.tracing import traceparent_of

_log = structlog.get_logger(__name__)

Hook = Callable[[], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class Web:
    """What every app stands on. `started` runs before the first request, `stopped` after the last, both in order."""

    title: str
    database: Database
    metrics: Metrics
    checks: Sequence[Check]
    version: str = "1"
    description: str = ""
    max_body_bytes: int = 4 * 1024 * 1024
    max_requests: int = 1000
    state: Mapping[str, Any] = field(default_factory=dict)
    """Put on `app.state` by name, for dependencies: `authenticator` and whatever the routers need."""
    started: Sequence[Hook] = ()
    stopped: Sequence[Hook] = ()
    openapi: dict[str, Any] = field(default_factory=dict)


async def transaction(request: Request) -> AsyncIterator[AsyncConnection]:
    database: Database = request.app.state.web.database
    async with database.transaction() as conn:
        yield conn


async def reading(request: Request) -> AsyncIterator[AsyncConnection]:
    database: Database = request.app.state.web.database
    async with database.read() as conn:
        yield conn


# Scope "function": left before the answer is sent, so that a commit that fails is answered as a failure.
Transaction = Annotated[AsyncConnection, Depends(transaction, scope="function")]
Reading = Annotated[AsyncConnection, Depends(reading, scope="function")]


def build_app(web: Web, routers: Sequence[APIRouter], *, plain: Sequence[Route] = ()) -> FastAPI:
    """An app that answers every error as a problem and never sends a stack trace.

    `plain` are Starlette routes of the hot path: without FastAPI's parsing, with the same errors, limits and log.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        for hook in web.started:
            await hook()
        try:
            yield
        finally:
            for hook in web.stopped:
                await hook()

    app = _App(
        title=web.title,
        version=web.version,
        description=web.description,
        lifespan=lifespan,
        max_body_size=web.max_body_bytes,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        responses=RESPONSES,
        **web.openapi,
    )
    app.state.web = web
    for name, value in web.state.items():
        setattr(app.state, name, value)
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.state.plain = [*plain, *routes(web.checks, web.metrics)]
    app.router.routes.extend(app.state.plain)
    for router in routers:
        app.include_router(router)
    return app


class _App(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        # Outside of everything, the body limit too: that one answers in plain text.
        templates = {route.endpoint: route.path for route in self.state.plain}
        return _Edge(super().build_middleware_stack(), self.state.web, templates)


class _Edge:
    """Outermost: request id, trace, headers, the log line, too many at once, and the 500 for what nobody expected."""

    def __init__(self, app: ASGIApp, web: Web, templates: Mapping[Any, str]) -> None:
        self._app = app
        self._web = web
        self._templates = templates  # of plain routes, which leave no `route` behind
        self._present = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            request_id=request_id, traceparent=traceparent_of(Headers(scope=scope).get("traceparent"))
        )
        answer = Answer(send, request_id)
        began = time.perf_counter()
        self._present += 1
        try:
            if self._present > self._web.max_requests and scope["path"] not in QUIET_ROUTES:
                await problem_response(HubError("system.overloaded"), answer.instance)(scope, receive, answer.send)
            else:
                await self._app(scope, bounded_in_time(receive), answer.send)
        except Exception as error:
            _log.error("request.failed", exc_info=error)
            if not answer.status:
                await problem_response(HubError("system.failed"), answer.instance)(scope, receive, answer.send)
        finally:
            self._present -= 1
            self._note(scope, answer.status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = getattr(scope.get("route"), "path", None) or self._templates.get(scope.get("endpoint"), "-")
        self._web.metrics.request_answered(method=method, route=route, status=status, seconds=seconds)
        level = _log.debug if route in QUIET_ROUTES else _log.info
        level("request.answered", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})


def _instance(request: Request) -> str:
    return f"urn:lienthong:request:{request.state.request_id}"


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    structlog.contextvars.bind_contextvars(code=error.code)
    return problem_response(error, _instance(request))


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return problem_response(HubError("request.malformed", "the body is not JSON"), _instance(request))
    if isinstance(error.body, bytes) and any(tuple(item["loc"]) == ("body",) for item in found):
        return problem_response(HubError("request.unsupported_media_type"), _instance(request))
    structlog.contextvars.bind_contextvars(code="request.invalid")
    return problem_response(HubError("request.invalid"), _instance(request), of_validation(found))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    return problem_response(of_status(error.status_code, error.detail, error.headers), _instance(request))


async def _database(request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)
    if is_transient(error):
        return problem_response(HubError("system.overloaded", "the database was busy"), _instance(request))
    if is_refused_value(error):  # NUL characters, numbers beyond 64 bits
        _log.warning("value.refused_by_database", exc_info=error)
        return problem_response(HubError("request.invalid", "a value cannot be stored"), _instance(request))
    raise error


async def _unexpected(request: Request, _error: Exception) -> Response:
    """Starlette raises the error again after this answer, and `_Edge` logs it."""
    return problem_response(HubError("system.failed"), _instance(request))


_HANDLERS = {
    HubError: _refused,
    RequestValidationError: _not_valid,
    HTTPException: _http,
    DBAPIError: _database,
    Exception: _unexpected,
}
