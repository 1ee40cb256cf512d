"""Routes that are asked all the time, answered ahead of FastAPI at a third of its cost.

FastAPI has each of them too: it makes the API document, and answers what does not come in the plain form.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.kernel.json_bodies import parse
from services.kernel.refusals import HANDLERS

PLAIN: Final = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})
"""Content types, in lower case, that need no closer look."""
ABSENT: Final = object()
"""In place of the value of an empty body."""

_MISSING: Final = {"type": "missing", "loc": ("body",), "msg": "Field required"}
_EXPECTED: Final = tuple(kind for kind in HANDLERS if kind is not Exception)

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Hot:
    """`answer` takes JSON, and does what FastAPI's route of that method and path does."""

    method: str
    path: str
    answer: Callable[[Request], Awaitable[Response]]


class Ahead:
    """In front of FastAPI's app, with the same bound of a body and the same refusals."""

    def __init__(self, app: ASGIApp, routes: Sequence[Hot], max_body_bytes: int) -> None:
        self._app = app
        self._routes = {(route.method, route.path): route for route in routes}
        self._bounded = RequestBodyLimitMiddleware(_answer, max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            route = self._routes.get((scope["method"], scope["path"]))
            if route is not None and _is_plain(scope):
                scope["route"] = route
                await self._bounded(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def json_of(request: Request) -> Any:
    """The value of the body, or `ABSENT`. What is not JSON is refused before anybody asks who sends it."""
    body = await request.body()
    return parse(body, max_depth=request.app.state.web.limits.max_json_depth) if body else ABSENT


def form_of(model: type[Model], value: Any) -> Model:
    """The value as FastAPI reads it, or the error that FastAPI raises."""
    if value is ABSENT:
        raise RequestValidationError([_MISSING])
    try:
        return model.model_validate(value, from_attributes=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from None


def _is_plain(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"content-type":
            return value.lower() in PLAIN
    return False


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    try:
        response = await scope["route"].answer(request)
    except _EXPECTED as error:
        handler = next(HANDLERS[kind] for kind in type(error).__mro__ if kind in HANDLERS)
        response = await handler(request, error)
    await response(scope, receive, send)
