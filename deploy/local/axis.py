"""LOCAL STAND-IN of the national axis, for one machine and for tests: no part of what is delivered.

Speaks the VXP SDK's protocol from the server's side and plays the central organ G22. It refuses to work outside local
mode, listens on the loopback address and gives its control endpoints to that address only.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.edxml.attachments import Attachment
from contracts.edxml.model import DOCUMENT_RECALL, DOCUMENT_REPLACE, DOCUMENT_UPDATE, Business, ReplacementInfo
from deploy.local.axis_faults import FaultKind, Faults, LostAnswer
from deploy.local.axis_service import Axis, AxisSystem
from deploy.local.axis_store import AxisStore
from deploy.local.axis_wire import INVALID_FILE, Refusal, bad, verify
from deploy.local.errors import LocalError

LOOPBACK: Final = ("127.0.0.1", "::1")
BODY_BYTES: Final = 200 * 1024 * 1024

Verb = Literal["sendEdoc", "getReceivedEdocList", "getEdoc", "downloadEdoc", "updateStatus", "getAgenciesListQD20"]
FOR_TWICE: Final = ("sendEdoc", "getReceivedEdocList")


class AxisSettings(BaseSettings):
    """`axis_systems` (a JSON object by system id) adds clients to the one of `axis_systemid` and `axis_secret`."""

    model_config = SettingsConfigDict(env_prefix="LIENTHONG_", frozen=True, extra="ignore")

    home: Path = Path(".lienthong")
    local: bool = False
    port_axis: int = 8040
    axis_systemid: str = "000.00.00.H28"
    axis_secret: SecretStr = Field(min_length=1)
    axis_provinces: tuple[str, ...] = ()
    axis_systems: dict[str, AxisSystem] = Field(default_factory=dict)
    axis_pace_seconds: float = Field(default=0.0, ge=0)

    def systems(self) -> dict[str, AxisSystem]:
        own = AxisSystem(secrets=(self.axis_secret,), provinces=self.axis_provinces)
        return {self.axis_systemid: own, **self.axis_systems}


class NewAttachment(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    content: Base64Bytes


class NewBusiness(BaseModel):
    """What a document does to earlier ones, named by their DocumentIds."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["recall", "update", "replace"]
    document_ids: list[str] = Field(min_length=1)
    reason: str | None = None

    def part(self) -> Business:
        if self.kind == "replace":
            replaced = tuple(ReplacementInfo(each) for each in self.document_ids)
            return Business(doc_type=DOCUMENT_REPLACE, doc_reason=self.reason, replacements=replaced)
        kind = DOCUMENT_RECALL if self.kind == "recall" else DOCUMENT_UPDATE
        return Business(doc_type=kind, document_id=self.document_ids[0], doc_reason=self.reason)


class NewDocument(BaseModel):
    """A document for the central organ to send down; `content` of attachments is base64."""

    model_config = ConfigDict(extra="forbid")

    to: list[str] | str
    number: str = Field(min_length=1)
    notation: str = Field(min_length=1)
    subject: str = Field(min_length=1)
    at: AwareDatetime | None = None
    attachments: list[NewAttachment] = Field(default_factory=list)
    business: NewBusiness | None = None


class NewFault(BaseModel):
    """`twice`: sendEdoc carries the message to each receiver under two DocIds, the list names each item two times."""

    model_config = ConfigDict(extra="forbid")

    verb: Verb
    kind: FaultKind
    count: int = Field(default=1, ge=0, le=1000)


class NotLoopback(Exception):
    """A control call from elsewhere."""


def build(settings: AxisSettings, *, clock: Callable[[], datetime] | None = None) -> FastAPI:
    """The stand-in over the folder `home/axis`. Raises LocalError outside local mode."""
    if not settings.local:
        raise LocalError(
            "Trục quốc gia giả lập chỉ chạy ở chế độ thử trên một máy (LIENTHONG_LOCAL=1).",
            "The stand-in of the national axis works in local mode only (LIENTHONG_LOCAL=1).",
        )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = await asyncio.to_thread(AxisStore, settings.home / "axis" / "axis.sqlite3")
        app.state.axis = Axis(store, settings.systems(), clock or _now)
        app.state.store = store
        app.state.answering = asyncio.create_task(app.state.axis.answer_forever(settings.axis_pace_seconds))
        try:
            yield
        finally:
            app.state.answering.cancel()
            with suppress(asyncio.CancelledError):
                await app.state.answering
            await asyncio.to_thread(store.close)

    app = FastAPI(title="National axis: LOCAL STAND-IN", lifespan=lifespan, docs_url=None, redoc_url=None)
    faults = Faults()
    app.include_router(_public(app, faults, settings))
    app.include_router(_control(app, faults))

    @app.exception_handler(NotLoopback)
    async def not_loopback(_: Request, __: NotLoopback) -> JSONResponse:
        return _problem(403, "control calls come from the same machine")

    return app


def _public(app: FastAPI, faults: Faults, settings: AxisSettings) -> APIRouter:
    """What a client of the axis may call."""
    router = APIRouter()
    secrets = {
        name: [secret.get_secret_value() for secret in system.secrets] for name, system in settings.systems().items()
    }

    @router.get("/healthz")
    async def healthz() -> JSONResponse:
        ok = not app.state.answering.done()
        return JSONResponse({"ok": ok, "standin": "national axis"}, 200 if ok else 503)

    @router.api_route("/vxp/{verb}", methods=["GET", "POST"])
    async def call(verb: str, request: Request) -> Response:
        fault = faults.take(verb)
        if fault == "500":
            return PlainTextResponse("ordered fault", 500)
        if fault == "hang":
            await faults.hang(verb, request)
            return Response(status_code=503)
        try:
            answer = await _answer(app.state.axis, secrets, verb, request, times=2 if fault == "twice" else 1)
        except Refusal as refusal:
            answer = JSONResponse(bad(verb, refusal))
        return LostAnswer() if fault == "lose_answer" else answer

    return router


def _control(app: FastAPI, faults: Faults) -> APIRouter:
    """For tests and demonstrations: what G22 sends, what the axis holds, what goes wrong."""
    router = APIRouter(prefix="/_standin", dependencies=[Depends(_require_loopback)])

    @router.post("/documents", status_code=201)
    async def send_down(new: NewDocument) -> Response:
        to = [new.to] if isinstance(new.to, str) else new.to
        attachments = [Attachment(each.name, each.content) for each in new.attachments]
        axis: Axis = app.state.axis
        try:
            business = new.business.part() if new.business else None
            sent = await axis.send_down(
                to, new.number, new.notation, new.subject, attachments, at=new.at, business=business
            )
        except ValueError as error:
            return _problem(422, str(error))
        return JSONResponse(sent, 201)

    @router.get("/received")
    async def received() -> dict[str, Any]:
        store: AxisStore = app.state.store
        return {"items": await asyncio.to_thread(store.from_clients)}

    @router.post("/faults")
    async def order_fault(new: NewFault) -> Response:
        if new.kind == "twice" and new.verb not in FOR_TWICE:
            return _problem(422, f"twice is for {' and '.join(FOR_TWICE)}")
        faults.order(new.verb, new.kind, new.count)
        return JSONResponse({"pending": faults.pending()})

    return router


async def _answer(axis: Axis, secrets: dict[str, list[str]], verb: str, request: Request, *, times: int) -> Response:
    """Raises Refusal. The body is read first: a client that is still sending does not hear an answer."""
    body = await _body(request)
    call = verify(request.headers.raw, secrets)
    if verb == "downloadEdoc":
        return Response(await axis.fetch(call), media_type="application/octet-stream")
    match verb:
        case "sendEdoc":
            answer = await axis.send(call, body, copies=times)
        case "getReceivedEdocList":
            answer = await axis.received(call, repeat=times)
        case "getEdoc":
            answer = await axis.get_edoc(call)
        case "updateStatus":
            answer = await axis.update_status(call)
        case "getAgenciesListQD20":
            answer = await axis.agencies(call)
        case _:
            raise Refusal(INVALID_FILE, "no such verb")
    return JSONResponse(answer)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        if len(body) <= BODY_BYTES:
            body += piece
    if len(body) > BODY_BYTES:
        raise Refusal(INVALID_FILE, f"more than {BODY_BYTES} bytes")
    return bytes(body)


def _require_loopback(request: Request) -> None:
    if request.client is None or request.client.host not in LOOPBACK:
        raise NotLoopback


def _problem(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"status": status, "detail": detail}, status, media_type="application/problem+json")


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    """`python -m deploy.local.axis`: the stand-in on its port of the loopback address, until it is stopped."""
    settings = AxisSettings()
    try:
        app = build(settings)
    except LocalError as error:
        sys.exit(str(error))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=settings.port_axis,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
