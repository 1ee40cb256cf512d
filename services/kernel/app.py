"""The web app around the slices: one transaction per request, errors as problem bodies, one log line per request.

The transaction ends before the answer is sent: what was answered 2xx is committed. Routers and checks are handed in;
bodies, answers, limits and exceptions have modules of their own.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.problems import HubError
from services.kernel import api_page, problem_pages
from services.kernel.answers import Answer
from services.kernel.api_texts import Bounds
from services.kernel.connection import Connection
from services.kernel.database import Database
from services.kernel.health import Check, routes
from services.kernel.hot import Ahead, Hot
from services.kernel.json_bodies import adopt
from services.kernel.limits import Head, Limits, refusal
from services.kernel.methods import Methods
from services.kernel.metrics import Metrics
from services.kernel.openapi_document import finished
from services.kernel.openapi_parts import VERSION
from services.kernel.problem_details import PROBLEMS_PATH, RESPONSES, Place, problem_response
from services.kernel.refusals import ABANDONED, HANDLERS, refused
from services.kernel.streams import Body
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
    version: str = VERSION
    description: str = ""
    max_body_bytes: int = 4 * 1024 * 1024
    max_requests: int = 1000
    limits: Limits = field(default_factory=Limits)
    stopping: asyncio.Event | None = None
    """Set while the process drains: what is new is refused."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """Put on `app.state` by name, for dependencies: `authenticator` and whatever the routers need."""
    started: Sequence[Hook] = ()
    stopped: Sequence[Hook] = ()
    openapi: dict[str, Any] = field(default_factory=dict)
    problems_url: str = PROBLEMS_PATH
    """Where the `type` of a problem leads; every program serves the pages, one of them has the stable address."""


async def transaction(request: Request) -> AsyncIterator[Connection]:
    database: Database = request.app.state.web.database
    async with database.transaction() as conn:
        yield conn


async def reading(request: Request) -> AsyncIterator[Connection]:
    database: Database = request.app.state.web.database
    async with database.read(still=True) as conn:
        yield conn


async def recorded(request: Request) -> AsyncIterator[Connection]:
    database: Database = request.app.state.web.database
    async with database.transaction(still=True) as conn:
        yield conn


# Scope "function": left before the answer is sent, so that a commit that fails is answered as a failure.
Transaction = Annotated[Connection, Depends(transaction, scope="function")]
Reading = Annotated[Connection, Depends(reading, scope="function")]
Recorded = Annotated[Connection, Depends(recorded, scope="function")]
"""A read that leaves its record. It sees one moment, as `Reading` does: what several statements find fits together."""


def build_app(
    web: Web, routers: Sequence[APIRouter], *, plain: Sequence[Route] = (), hot: Sequence[Hot] = ()
) -> FastAPI:
    """An app that answers every error as a problem and never sends a stack trace.

    `plain` are Starlette routes: without FastAPI's parsing, with the same errors, limits and log. `hot` are short cuts
    to routes of the routers.
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
        telemetry=_UNTOLD,
        **web.openapi,
    )
    app.state.web = web
    for name, value in web.state.items():
        setattr(app.state, name, value)
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.state.hot = hot
    app.state.plain = [*plain, *_common(web)]
    app.router.routes.extend(app.state.plain)
    for router in routers:
        adopt(router)
        app.include_router(router)
    app.state.methods = Methods(app.routes)
    return app


def _common(web: Web) -> list[Route]:
    """What every program serves: for machines that watch it, and the pages for people."""
    bounds = Bounds(max_body_bytes=web.max_body_bytes, limits=web.limits)
    return [*routes(web.checks, web.metrics), *problem_pages.ROUTES, api_page.route(bounds)]


class _App(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = finished(super().openapi())
        return self.openapi_schema

    def build_middleware_stack(self) -> ASGIApp:
        # Outside of everything, the body limit too: that one answers in plain text.
        templates = {route.endpoint: route.path for route in self.state.plain}
        web: Web = self.state.web
        app = Ahead(super().build_middleware_stack(), self.state.hot, web.max_body_bytes)
        return _Edge(app, web, self.state.methods, templates)


class _Edge:
    """Outermost: what is refused unread, OPTIONS and HEAD, request id, trace, the log line, and the 500 for what nobody
    expected."""

    def __init__(self, app: ASGIApp, web: Web, methods: Methods, templates: Mapping[Any, str]) -> None:
        self._app = app
        self._web = web
        self._methods = methods
        self._templates = templates  # of plain routes, which leave no `route` behind
        self._present = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = scope["method"]
        bare = asked == "HEAD"
        if bare:  # a copy: the server goes by the method in its own
            scope = {**scope, "method": "GET"}
        head = Head(scope["headers"])
        answer = self._answer(scope, send, head, bare=bare)
        began = time.perf_counter()
        self._present += 1
        try:
            await self._serve(scope, receive, answer, head)
        except ClientDisconnect:
            answer.status = ABANDONED
        except Exception as error:
            _log.error("request.failed", exc_info=error)
            if not answer.begun:
                await problem_response(HubError("system.failed"), answer.place)(scope, receive, answer.send)
        finally:
            self._present -= 1
            # cancelled when there is no status: the process ends before the answer
            self._note(scope, asked, answer.status or ABANDONED, time.perf_counter() - began)

    def _answer(self, scope: Scope, send: Send, head: Head, *, bare: bool) -> Answer:
        request_id = secrets.token_hex(8)
        place = Place(f"urn:lienthong:request:{request_id}", self._web.problems_url)
        scope.setdefault("state", {}).update(request_id=request_id, place=place, bare=bare)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            request_id=request_id, traceparent=traceparent_of(head.text(b"traceparent"))
        )
        conditional = scope["method"] == "GET" and scope["path"] not in QUIET_ROUTES
        return Answer(send, scope, head, bare=bare, conditional=conditional)

    async def _serve(self, scope: Scope, receive: Receive, answer: Answer, head: Head) -> None:
        try:
            self._admit(scope, head)
            body = Body(receive, scope, head, self._web.limits)
        except HubError as error:
            await refused(error, answer.place)(scope, receive, answer.send)
            return
        if scope["method"] == "OPTIONS":
            allow = self._methods.allow(scope["path"])
            if allow is not None:
                await Response(status_code=204, headers={"Allow": allow})(scope, receive, answer.send)
                return
        scope["state"]["load"] = body.load
        await self._app(scope, body.receive, answer.send)

    def _admit(self, scope: Scope, head: Head) -> None:
        web = self._web
        if scope["path"] not in QUIET_ROUTES:
            if web.stopping is not None and web.stopping.is_set():
                raise HubError("system.stopping")
            if self._present > web.max_requests:
                raise HubError("system.overloaded")
        error = refusal(scope, head, web.limits)
        if error is not None:
            raise error

    def _note(self, scope: Scope, asked: str, status: int, seconds: float) -> None:
        method = asked if asked in _METHODS else "OTHER"
        route = getattr(scope.get("route"), "path", None) or self._templates.get(scope.get("endpoint"), "-")
        self._web.metrics.request_answered(method=method, route=route, status=status, seconds=seconds)
        level = _log.debug if route in QUIET_ROUTES else _log.info
        event = "request.abandoned" if status == ABANDONED else "request.answered"
        level(event, method=method, route=route, status=status, ms=round(seconds * 1000, 1))


_UNTOLD = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)
"""What FastAPI would tell OpenTelemetry, and asks about at every request: the edge has log, trace and metrics of its
own."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
