"""HTTP door of the inbox: collect by long poll, acknowledge per system."""

import asyncio
import time
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from contracts.directory import VIETNAM
from contracts.problems import HubError
from services.kernel.app import Transaction
from services.kernel.auth import Caller, require
from services.kernel.bell import Bell
from services.kernel.database import Database
from services.kernel.idempotency import Answer
from services.office.inbox import actions, store
from services.office.inbox.actions import DOCUMENT, DOSSIER, KINDS, RECEIPT, STATUS
from services.office.web import JSON, Desk, IdempotencyKey, XOrgan, json_answer, key_of, problems

LONGEST_WAIT_SECONDS = 30.0
POLL_SECONDS = 5.0
SCOPES_OF = {
    DOSSIER: ("dossier:read",),
    DOCUMENT: ("document:read",),
    STATUS: ("document:read",),
    RECEIPT: ("dossier:read", "document:read"),
}


_KIND = "dossier, document, status, receipt; several with commas · loại, cách nhau bằng dấu phẩy"


class Item(BaseModel):
    """One thing addressed to the organ. `data` is the fact's value, for a receipt the transfer as of then."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    kind: Literal["dossier", "document", "status", "receipt"]
    type: str = Field(examples=["vn.lienthong.dossier.submitted"])
    subject: str
    sender: str = Field(alias="from")
    organ: str = Field(alias="to")
    received_at: datetime
    href: str
    data: dict[str, Any]


class Page(BaseModel):
    """Items oldest first; `cursor` pages on behind the last one without acknowledging."""

    items: list[Item]
    cursor: str | None


class AckForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ids: list[Annotated[str, Field(max_length=100)]] = Field(
        min_length=1, max_length=1000, examples=[["5b0e5f0e-2f0a-5d57-9d0c-6b0b6d3f5c11"]]
    )


class Acknowledged(BaseModel):
    """Ids taken (again), and ids that are not in this inbox."""

    acknowledged: list[str]
    unknown: list[str]


class Poll:
    """Long polls over one database; `stopping` ends them when the process does."""

    def __init__(self, database: Database, bell: Bell, stopping: asyncio.Event) -> None:
        self._database = database
        self._bell = bell
        self._stopping = stopping

    async def read(
        self, reader: tuple[str, str], sight: store.Sight, *, after: int, limit: int, wait: float
    ) -> list[dict[str, Any]]:
        """Items as soon as there are any, or none after `wait` seconds; holds no connection while it waits."""
        deadline = time.monotonic() + wait
        while True:
            ticket = self._bell.ticket(actions.bell(reader[1]))
            async with self._database.read() as conn:
                items = await store.read(conn, reader, sight=sight, after=after, limit=limit)
            left = deadline - time.monotonic()
            if items or left <= 0 or self._stopping.is_set():
                return items
            ringing = asyncio.ensure_future(self._bell.wait_since(ticket, min(left, POLL_SECONDS)))
            stopping = asyncio.ensure_future(self._stopping.wait())
            await asyncio.wait({ringing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            ringing.cancel()
            stopping.cancel()


def build_router(desk: Desk, poll: Poll) -> APIRouter:
    router = APIRouter(prefix="/v1/inbox", tags=["inbox"])
    _add_read(router, desk, poll)
    _add_acknowledge(router, desk)
    return router


def _add_read(router: APIRouter, desk: Desk, poll: Poll) -> None:
    @router.get(
        "",
        summary="Collect what is addressed to the organ",
        response_model=Page,
        responses=problems(),
    )
    async def read(
        caller: Annotated[Caller, require("inbox:read")],
        x_organ: XOrgan = None,
        kind: Annotated[str | None, Query(description=_KIND)] = None,
        wait: Annotated[float, Query(ge=0, description="Seconds to wait for an item, at most 30")] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        cursor: Annotated[str | None, Query(max_length=32)] = None,
    ) -> Response:
        """Items this system has not acknowledged, oldest first. With `wait` the answer comes as soon as there is one.

        Nhận những gì gửi đến cơ quan mà hệ thống này chưa xác nhận.
        """
        organ = desk.acting(caller, x_organ).organ
        kinds = visible(caller, kind)
        items = await poll.read(
            (caller.client_id, organ),
            store.Sight(kinds, "dossier:read" in caller.scopes, "document:read" in caller.scopes),
            after=_position(cursor),
            limit=limit,
            wait=min(wait, LONGEST_WAIT_SECONDS) if kinds else 0,
        )
        last = str(items[-1]["position"]) if items else cursor
        return Response(orjson.dumps({"items": [_shape(item) for item in items], "cursor": last}), media_type=JSON)


def _add_acknowledge(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/ack",
        summary="Acknowledge items",
        response_model=Acknowledged,
        responses=problems(writes=True),
    )
    async def acknowledge(
        form: AckForm,
        request: Request,
        caller: Annotated[Caller, require("inbox:read")],
        conn: Transaction,
        x_organ: XOrgan = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Items are shown again until this system acknowledges them; other systems of the organ still see them.
        Acknowledging again is harmless.

        Xác nhận đã nhận; hệ thống khác của cùng cơ quan vẫn thấy.
        """
        actor = desk.acting(caller, x_organ)

        async def work() -> Answer:
            reader = actor.system, actor.organ
            taken, unknown = await actions.acknowledge(conn, reader, form.ids, visible(caller, None))
            return json_answer(200, {"acknowledged": taken, "unknown": unknown})

        return await desk.once(conn, await key_of(request, actor, idempotency_key), work)


def visible(caller: Caller, wanted: str | None) -> list[str]:
    """The kinds asked for, or all the caller may see; raises for what there is not or is not its to see."""
    if wanted is None:
        return [kind for kind in KINDS if _may_see(caller, kind)]
    kinds = list(dict.fromkeys(part.strip() for part in wanted.split(",")))
    if any(kind not in KINDS for kind in kinds):
        raise HubError("request.invalid", f"kind: {', '.join(KINDS)}", pointer="/kind")
    for kind in kinds:
        if not _may_see(caller, kind):
            raise HubError("auth.scope", f"scope {SCOPES_OF[kind][0]} is needed")
    return kinds


def _may_see(caller: Caller, kind: str) -> bool:
    return any(scope in caller.scopes for scope in SCOPES_OF[kind])


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdigit() or len(cursor) > 18:
        raise HubError("request.malformed", "cursor: take it from an answer")
    return int(cursor)


def _shape(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": item["id"],
        "kind": item["kind"],
        "type": item["type"],
        "subject": item["subject"],
        "from": item["sender"],
        "to": item["organ"],
        "received_at": item["received_at"].astimezone(VIETNAM).isoformat(timespec="milliseconds"),
        "href": item["href"],
        "data": orjson.Fragment(item["data"]),
    }
