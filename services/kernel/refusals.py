"""What becomes of an exception: a problem for each kind, and never a stack trace."""

from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from contracts.problems import HubError
from services.kernel.connection import DatabaseError
from services.kernel.database import is_refused_value, is_transient
from services.kernel.methods import Methods
from services.kernel.problem_details import Place, of_status, of_validation, problem_response
from services.kernel.streams import too_large

ABANDONED = 499
"""Nobody is there to be answered; the status is for log and metrics."""
_CLOSING = frozenset({"request.timeout", "system.stopping"})
"""After these the connection is of no use: the rest of a body may still trickle in, or the process ends."""

_log = structlog.get_logger(__name__)


def refused(error: HubError, place: Place) -> Response:
    structlog.contextvars.bind_contextvars(code=error.code)
    response = problem_response(error, place)
    if error.code in _CLOSING:
        response.headers["Connection"] = "close"
    return response


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    return refused(error, request.state.place)


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return refused(HubError("request.malformed", "the body is not JSON"), request.state.place)
    structlog.contextvars.bind_contextvars(code="request.invalid")
    return problem_response(HubError("request.invalid"), request.state.place, of_validation(found))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    if error.status_code == 413:
        return refused(too_large(request.scope.get(MAX_BODY_SIZE_SCOPE_KEY)), request.state.place)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        methods: Methods = request.app.state.methods
        headers["Allow"] = methods.allow(request.scope["path"]) or ""
    return refused(of_status(error.status_code, error.detail, headers), request.state.place)


async def _database(request: Request, error: Exception) -> Response:
    assert isinstance(error, DatabaseError)
    if is_transient(error):
        return refused(HubError("system.overloaded", "the database was busy"), request.state.place)
    if is_refused_value(error):  # NUL characters, numbers beyond 64 bits
        _log.warning("value.refused_by_database", exc_info=error)
        return refused(HubError("request.invalid", "a value cannot be stored"), request.state.place)
    raise error


async def _abandoned(_request: Request, _error: Exception) -> Response:
    return Response(status_code=ABANDONED)


async def _unexpected(request: Request, _error: Exception) -> Response:
    """Starlette raises the error again after this answer, and the edge logs it."""
    return problem_response(HubError("system.failed"), request.state.place)


HANDLERS: dict[Any, Any] = {
    HubError: _refused,
    RequestValidationError: _not_valid,
    HTTPException: _http,
    DatabaseError: _database,
    ClientDisconnect: _abandoned,
    Exception: _unexpected,
}
