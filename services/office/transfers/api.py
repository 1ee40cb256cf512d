"""HTTP door of transfers: where an envelope is on its way."""

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path
from pydantic import BaseModel
from starlette.responses import Response

from contracts.problems import HubError
from contracts.protocol import DeliveryState, TransferState
from services.kernel.app import Reading
from services.kernel.auth import Caller
from services.office.transfers import rules, store
from services.office.transfers.store import Key
from services.office.web import JSON, Desk, XOrgan, any_of, problems

EXAMPLE = "01936f5a-7c3e-7b1a-9d2e-3f4a5b6c7d8e"


class AnswerView(BaseModel):
    """An officer's act at a recipient."""

    code: str
    at: datetime
    description: str | None = None


class DeliveryView(BaseModel):
    """The duty to hand the transfer to one organ."""

    organ: str
    redirected_from: str | None = None
    via: Literal["office", "axis", "vxp"]
    state: DeliveryState
    code: str | None = None
    expired_at: datetime | None = None
    handed_over_at: datetime | None = None
    answers: list[AnswerView]


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
        summary="Where a transfer is",
        response_model=TransferView,
        responses=problems("request.not_found"),
    )
    async def show(
        id_: Annotated[str, Path(alias="id", max_length=100, examples=[EXAMPLE])],
        caller: Annotated[Caller, any_of("dossier:read", "document:read")],
        conn: Reading,
        x_organ: XOrgan = None,
    ) -> Response:
        """State of one envelope's journey: `routed` while any delivery is open, then what became of all.

        Xem một gói tin đã đi tới đâu, từng nơi nhận.
        """
        organ = desk.acting(caller, x_organ).organ
        found = await store.one(conn, Key(id_, organ))
        if found is None or f"{found.type.partition('.')[0]}:read" not in caller.scopes:
            raise HubError("request.not_found")
        return Response(orjson.dumps(rules.shape(found)), media_type=JSON)

    return router
