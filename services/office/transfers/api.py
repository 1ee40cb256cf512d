"""HTTP door of transfers: where an envelope is on its way."""

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from contracts import samples
from contracts.messages.base import NO_NUL_PATTERN
from contracts.problems import HubError
from contracts.protocol import DeliveryState, TransferState
from services.kernel.app import Reading
from services.kernel.auth import Caller, require
from services.kernel.openapi import answer, link
from services.office.transfers import rules, store
from services.office.transfers.store import Key
from services.office.web import JSON, Desk, XOrgan, problems

EXAMPLE: dict[str, Any] = {
    "id": samples.TRANSFER,
    "type": "vn.lienthong.document.issued",
    "subject": samples.RECEIVED,
    "sender": samples.CENTRAL,
    "state": "handed_over",
    "accepted_at": "2024-06-03T09:00:02.480+07:00",
    "deliveries": [
        {
            "organ": samples.ORGAN,
            "via": "office",
            "state": "handed_over",
            "handed_over_at": "2024-06-03T09:00:04.120+07:00",
            "answers": [{"code": "01", "at": "2024-06-03T09:02:11.000+07:00"}],
        }
    ],
}
LINKS = {
    "dossier": link("showDossier", "When the type begins with vn.lienthong.dossier", code="subject"),
    "document": link("showDocument", "When the type begins with vn.lienthong.document", id="subject"),
}

Id = Annotated[
    str,
    Path(
        alias="id",
        max_length=100,
        pattern=NO_NUL_PATTERN,
        description="From `transfers` of an answer, or `id` of an inbox item · mã gói tin",
        examples=[samples.TRANSFER],
    ),
]


class TransferAnswer(BaseModel):
    """An officer's act at a recipient: 01 arrived, 02 refused, 03 accepted, …"""

    code: str
    at: datetime
    description: str | None = None


class DeliveryView(BaseModel):
    """The duty to hand the transfer to one organ."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    organ: str
    redirected_from: str | None = None
    """The closed organ that was written to."""
    via: Literal["office", "axis", "vxp"]
    state: DeliveryState
    code: str | None = None
    """Why it was refused."""
    expired_at: datetime | None = None
    """Nobody had taken it until then; it is still tried."""
    handed_over_at: datetime | None = None
    answers: list[TransferAnswer]


class TransferView(BaseModel):
    """One envelope's journey; the sender sees every delivery, a recipient its own."""

    id: str
    type: str
    subject: str
    sender: str
    state: TransferState
    accepted_at: datetime
    verdict: dict[str, Any] | None = None
    deliveries: list[DeliveryView]


def build_router(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["transfers"])

    @router.get(
        "/v1/transfers/{id}",
        operation_id="showTransfer",
        summary="Where a transfer is",
        response_model=TransferView,
        responses={
            200: answer("The transfer as the organ may see it", EXAMPLE, links=LINKS),
            **problems("request.not_found"),
        },
    )
    async def show(
        id_: Id,
        caller: Annotated[Caller, require("dossier:read", "document:read")],
        conn: Reading,
        x_organ: XOrgan = None,
    ) -> Response:
        """State of one message's journey. `accepted`: stored durably at the sender's office. `routed`: the hub knows
        the recipients, and some delivery is open. Then what became of all: `handed_over` (each recipient's office holds
        it durably), `refused`, `closed`, or `partly`. `verdict` says why the hub refused it as a whole. The sender sees
        every delivery with the officers' answers, a recipient its own.

        Xem một gói tin đã đi tới đâu: từng nơi nhận đã giao lúc nào, trả lời gì; bị từ chối thì vì sao.
        """
        organ = desk.acting(caller, x_organ).organ
        found = await store.one(conn, Key(id_, organ))
        if found is None or f"{found.type.partition('.')[0]}:read" not in caller.scopes:
            raise HubError("request.not_found")
        return Response(orjson.dumps(rules.shape(found)), media_type=JSON)

    return router
