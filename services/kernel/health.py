"""What a process says of itself: alive, ready part by part, its metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.problems import HubError
from services.kernel.database import PING_SECONDS, Database
from services.kernel.metrics import CONTENT_TYPE, Metrics
from services.kernel.supervisor import Part

Check = Callable[[], Awaitable[Sequence[Part]]]


def database_check(database: Database) -> Check:
    """A database that does not answer makes the process not ready."""

    async def check() -> Sequence[Part]:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await database.ping()
        except (HubError, TimeoutError):
            return [Part("database", False, "does not answer")]
        return [Part("database", True, "answers")]

    return check


def routes(checks: Sequence[Check], metrics: Metrics) -> list[Route]:
    async def healthz(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def readyz(_request: Request) -> Response:
        parts = [part for check in checks for part in await check()]
        ready = all(part.ok for part in parts if part.critical)
        shown = [{"name": part.name, "ok": part.ok, "detail": part.detail} for part in parts]
        headers = {} if ready else {"Retry-After": "2"}
        return JSONResponse({"ready": ready, "parts": shown}, status_code=200 if ready else 503, headers=headers)

    async def render(_request: Request) -> Response:
        return Response(metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", render)]
