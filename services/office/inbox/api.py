"""HTTP door of the inbox: collect by long poll, acknowledge per system."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Query, Request
from starlette.responses import Response

from contracts import samples
from contracts.directory import shown
from contracts.messages.base import NO_NUL_PATTERN
from contracts.problems import HubError
from services.kernel.app import Transaction
from services.kernel.auth import Caller, require
from services.kernel.idempotency import Answer, json_answer
from services.kernel.openapi import answer, link
from services.office.inbox import actions, forms, store
from services.office.inbox.actions import DOCUMENT, DOSSIER, KINDS, RECEIPT, STATUS
from services.office.inbox.polling import LONGEST_WAIT_SECONDS, Poll
from services.office.web import JSON, Desk, IdempotencyKey, XOrgan, key_of, problems

SCOPES_OF = {
    DOSSIER: ("dossier:read",),
    DOCUMENT: ("document:read",),
    STATUS: ("document:read",),
    RECEIPT: ("dossier:read", "document:read"),
}
LINKS = {
    "dossier": link("showDossier", "A dossier's item: the dossier", code="items/0/subject"),
    "document": link("showDocument", "A document's or status's item: the document", id="items/0/subject"),
    "transfer": link("showTransfer", "The journey of what came", id="items/0/id"),
    "acknowledge": {
        "operationId": "acknowledgeItems",
        "requestBody": {"ids": ["$response.body#/items/0/id"]},
        "description": "Once the item is stored at your side",
    },
    "next": link("readInbox", "What comes behind, without acknowledging", cursor="cursor"),
}

Kind = Annotated[
    str | None,
    Query(
        max_length=100,
        pattern=NO_NUL_PATTERN,
        description="`dossier`, `document`, `status`, `receipt`; several with commas; all that the scopes allow when "
        "absent · loại, cách nhau bằng dấu phẩy",
        examples=["dossier,document"],
    ),
]
Wait = Annotated[
    float,
    Query(
        ge=0,
        allow_inf_nan=False,
        description=f"Seconds to wait for an item, at most {LONGEST_WAIT_SECONDS:.0f} (more counts as that) · số giây "
        "chờ khi hộp đến trống",
        examples=[0],
    ),
]
Limit = Annotated[int, Query(ge=1, le=500, description="Items at most · số mục tối đa")]
Cursor = Annotated[
    str | None,
    Query(max_length=32, description="`cursor` of a page, to read on behind it · đọc tiếp sau trang trước"),
]


def build_router(desk: Desk, poll: Poll) -> APIRouter:
    router = APIRouter(prefix="/v1/inbox", tags=["inbox"])
    _add_read(router, desk, poll)
    _add_acknowledge(router, desk)
    return router


def _add_read(router: APIRouter, desk: Desk, poll: Poll) -> None:
    @router.get(
        "",
        operation_id="readInbox",
        summary="Collect what is addressed to the organ",
        response_model=forms.Page,
        responses={
            200: answer("Items, oldest first; none when nothing came in time", forms.EXAMPLE, links=LINKS),
            **problems(),
        },
    )
    async def read(
        caller: Annotated[Caller, require("inbox:read")],
        x_organ: XOrgan = None,
        kind: Kind = None,
        wait: Wait = 0,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Items this system has not acknowledged, oldest first. With `wait` the answer comes as soon as there is one;
        the first call answers at once when something is there. Which kinds are shown follows the scopes of the token:
        `dossier:read` dossiers and receipts about them, `document:read` documents, statuses and receipts about them.
        When too many systems wait at once: 503 `system.overloaded`; come again after `Retry-After`, or without `wait`.

        Nhận những gì gửi đến cơ quan mà hệ thống này chưa xác nhận, cũ trước mới sau. Có `wait` thì trả lời ngay khi
        có mục mới; loại được thấy tuỳ theo quyền của token.
        """
        organ = desk.acting(caller, x_organ).organ
        kinds = visible(caller, kind)
        items = await poll.read(
            (caller.client_id, organ),
            store.Sight(kinds, "dossier:read" in caller.scopes, "document:read" in caller.scopes),
            after=_position(cursor),
            limit=limit,
            wait=wait if kinds else 0,
        )
        last = str(items[-1]["position"]) if items else cursor
        return Response(orjson.dumps({"items": [_shape(item) for item in items], "cursor": last}), media_type=JSON)


def _add_acknowledge(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/ack",
        operation_id="acknowledgeItems",
        summary="Acknowledge items",
        response_model=forms.Acknowledged,
        responses={
            200: answer(
                "What was taken, and what is not in this inbox",
                forms.ACKNOWLEDGED,
                links={"read": link("readInbox", "What is still there, or comes next")},
            ),
            **problems(writes=True),
        },
    )
    async def acknowledge(
        form: Annotated[forms.AckForm, Body(openapi_examples={"acknowledge": {"value": {"ids": [samples.TRANSFER]}}})],
        request: Request,
        caller: Annotated[Caller, require("inbox:read")],
        conn: Transaction,
        x_organ: XOrgan = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Items are shown again until this system acknowledges them; other systems of the organ still see them.
        Acknowledge what is stored at your side. Acknowledging again is harmless.

        Xác nhận đã nhận; mục đã xác nhận không hiện lại với hệ thống này, hệ thống khác của cùng cơ quan vẫn thấy.
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
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > 18:
        raise HubError("request.malformed", "cursor: take it from an answer", pointer="/cursor")
    return int(cursor)


def _shape(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": item["id"],
        "kind": item["kind"],
        "type": item["type"],
        "subject": item["subject"],
        "from": item["sender"],
        "to": item["organ"],
        "received_at": shown(item["received_at"]),
        "href": item["href"],
        "data": orjson.Fragment(item["data"]),
    }
