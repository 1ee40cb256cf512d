"""A small app behind the edge, asked in process: no database, no sockets."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, cast

import httpx
from fastapi import APIRouter, Depends, FastAPI, Form, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from contracts.problems import HubError
from services.kernel.app import Web, build_app
from services.kernel.database import Database
from services.kernel.limits import Limits
from services.kernel.metrics import Metrics
from services.kernel.quotas import Load, Quota, Quotas

MAX_BODY = 100_000
LARGE_BODY = 1_000_000
TEXT = {"text": "cơ quan một cửa " * 100}


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: str
    parts: list[Any] = []


def quotas_of(request: Request) -> Quotas:
    found: Quotas = request.app.state.quotas
    return found


async def charged(request: Request, quotas: Annotated[Quotas, Depends(quotas_of)]) -> None:
    load: Load = request.state.load
    quotas.charge("c", Quota(), load)
    quotas.charge("c", Quota(), load)


def build_router() -> APIRouter:
    inner = APIRouter(prefix="/things")

    @inner.post("", status_code=201)
    async def post(thing: Thing) -> dict[str, Any]:
        return {"label": thing.label}

    @inner.get("")
    async def listed() -> dict[str, Any]:
        return TEXT

    @inner.get("/{label}")
    async def show(label: str) -> dict[str, str]:
        return {"label": label}

    @inner.delete("/{label}", status_code=204)
    async def delete(label: str) -> None:
        return None

    router = APIRouter(prefix="/v1")
    router.include_router(inner)
    _add_bodies(router)
    _add_answers(router)
    return router


def _add_bodies(router: APIRouter) -> None:
    @router.put("/raw")
    async def raw(request: Request) -> dict[str, int]:
        return {"size": len(await request.body())}

    @router.put("/large", max_body_size=LARGE_BODY)
    async def large(request: Request) -> dict[str, Any]:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
        return {"size": size, "coding": request.headers.get("content-encoding")}

    @router.post("/form")
    async def form(label: Annotated[str, Form()]) -> dict[str, str]:
        return {"label": label}

    @router.post("/charged")
    async def charge(request: Request, _charged: Annotated[None, Depends(charged)]) -> dict[str, int]:
        return {"size": len(await request.body())}


def _add_answers(router: APIRouter) -> None:
    @router.get("/versioned")
    async def versioned() -> Response:
        return JSONResponse(TEXT, headers={"ETag": '"7"', "Vary": "X-Organ"})

    @router.get("/page")
    async def page() -> Response:
        return HTMLResponse("<p>một cửa</p>" * 200)

    @router.get("/attachment")
    async def attachment() -> Response:
        return JSONResponse(TEXT, headers={"Content-Disposition": "attachment"})

    @router.get("/bytes")
    async def stream() -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(10):
                yield b"0" * 1000

        headers = {"ETag": '"digest"', "Content-Length": "10000"}
        return StreamingResponse(pieces(), media_type="application/octet-stream", headers=headers)

    @router.get("/events")
    async def events() -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield b"data: {}\n\n"
                await asyncio.sleep(0)

        return StreamingResponse(pieces(), media_type="text/event-stream")

    @router.get("/stopping")
    async def stopping() -> None:
        raise HubError("system.stopping")

    @router.get("/broken")
    async def broken() -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            raise RuntimeError("before the first piece")
            yield b""

        return StreamingResponse(pieces(), media_type="application/json")


async def hot(request: Request) -> Response:
    return Response(await request.body(), media_type="application/octet-stream")


def build(**web: Any) -> FastAPI:
    given = {"max_body_bytes": MAX_BODY, "limits": Limits(), **web}
    return build_app(
        Web(title="edge", database=cast(Database, None), metrics=Metrics(), checks=[], **given),
        [build_router()],
        plain=[Route("/hot", hot, methods=["POST"])],
    )


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers={"Accept-Encoding": "identity"})


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    return body
