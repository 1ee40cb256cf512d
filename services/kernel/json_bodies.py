"""JSON bodies of FastAPI routes: strict UTF-8 and RFC 8259, bounded nesting; of duplicate names the last wins."""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from contracts.problems import HubError

MAX_DEPTH = 64
_JSON = "application/json"
_UTF_8 = frozenset({"utf-8", "utf8"})

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def parse(body: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value, or `request.malformed`: no surrogates, NaN, numbers beyond floats or byte order mark."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if error.lineno else "the encoding"
        raise HubError("request.malformed", f"the body is not JSON: {place}") from None
    # few openings cannot nest deep, and are counted faster than a value is walked
    if body.count(b"[") + body.count(b"{") > max_depth and _is_deeper(value, max_depth):
        raise HubError("request.malformed", f"JSON may be nested {max_depth} deep")
    return value


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value] if type(value) in (dict, list) else []
    for _ in range(depth):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
    return bool(level)


def require_json(content_type: str | None) -> None:
    """Refuses a body that does not say it is JSON, or not in UTF-8."""
    if content_type == _JSON:
        return
    media_type, _, parameters = (content_type or "").lower().partition(";")
    media_type = media_type.strip()
    if media_type != _JSON and not (media_type.startswith("application/") and media_type.endswith("+json")):
        raise HubError("request.unsupported_media_type", f"send Content-Type: {_JSON}")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in _UTF_8:
            raise HubError("request.unsupported_media_type", "JSON is UTF-8")


class JsonRoute(APIRoute):
    """Reads the body before FastAPI does, which would hide refusals of the stream behind one of its own."""

    def get_route_handler(self) -> Handler:
        handler: Handler = super().get_route_handler()
        field = self.body_field
        if field is None:
            return handler
        if isinstance(field.field_info, Form):

            async def read(request: Request) -> Response:
                await request.body()
                return await handler(request)

            return read

        async def parsed(request: Request) -> Response:
            body = await request.body()
            if body:
                require_json(request.headers.get("content-type"))
                request._json = parse(body, max_depth=request.app.state.web.limits.max_json_depth)
            return await handler(request)

        return parsed


def adopt(router: APIRouter) -> None:
    """Makes the routes of a router built elsewhere, and of those it includes, `JsonRoute`s. They differ in nothing but
    the handler, which FastAPI builds when the router is first asked."""
    for route in router.routes:
        if type(route) is APIRoute:
            route.__class__ = JsonRoute
        included = getattr(route, "original_router", None)
        if included is not None:
            adopt(included)
