"""The operators' reads: transfers, one transfer, routes between levels. Codes, states, times and organs only."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, PlainSerializer

from contracts.directory import VIETNAM
from contracts.envelope import TYPE_PREFIX
from contracts.problems import HubError
from gateway.delivery import store as deliveries
from gateway.monitoring import store
from services.kernel.app import Reading
from services.kernel.auth import Caller, require

router = APIRouter(prefix="/v1", tags=["operations"])
Moment = Annotated[datetime, PlainSerializer(lambda at: at.astimezone(VIETNAM).isoformat(timespec="milliseconds"))]
Operator = Annotated[Caller, require("ops")]


class Answer(BaseModel):
    code: str
    at: Moment


class Delivery(BaseModel):
    organ: str
    redirected_from: str | None = None
    delivery: str
    via: str
    state: str
    code: str | None = None
    expired_at: Moment | None = None
    handed_over_at: Moment | None = None
    answers: list[Answer] = []


class Transfer(BaseModel):
    """One envelope's journey. `verdict` stands where it was refused."""

    id: str
    type: str
    subject: str
    sender: str
    state: str
    accepted_at: Moment
    traceparent: str | None = None
    verdict: dict[str, str] | None = None
    deliveries: list[Delivery] = []


class TransferPage(BaseModel):
    items: list[Transfer]
    next_cursor: str | None = None


class Route(BaseModel):
    """From one level to another: what is open and since when, deliveries per minute, refusals of the last hour."""

    from_level: str
    to_level: str
    open: int
    oldest_seconds: float
    rate_per_minute: float
    failures: int
    last_canary_at: Moment | None = None


@router.get("/transfers", summary="Transfers, newest first", response_model_exclude_none=True)
async def list_transfers(
    _operator: Operator,
    connection: Reading,
    subject: Annotated[str | None, Query(max_length=200, description="dossier code or document id")] = None,
    organ: Annotated[str | None, Query(max_length=35, description="sender or recipient")] = None,
    state: Annotated[str | None, Query(pattern="^(accepted|routed|handed_over|partly|refused|closed)$")] = None,
    since: AwareDatetime | None = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> TransferPage:
    """Tìm gói tin theo đối tượng, cơ quan, trạng thái. Filters combine; `next_cursor` pages back in time."""
    before, before_id = _read_cursor(cursor)
    rows = await store.find_transfers(
        connection, subject=subject, organ=organ, state=state, since=since, before=before, before_id=before_id,
        limit=limit + 1,
    )  # fmt: skip
    items = await _transfers(connection, rows[:limit])
    last = rows[limit - 1] if len(rows) > limit else None
    return TransferPage(items=items, next_cursor=_cursor(last) if last else None)


@router.get("/transfers/{id}", summary="One transfer with its deliveries and answers", response_model_exclude_none=True)
async def show_transfer(id: str, _operator: Operator, connection: Reading) -> Transfer:
    """Một gói tin đã đi tới đâu: từng nơi nhận, từng trả lời."""
    row = await store.find_transfer(connection, id)
    if row is None:
        raise HubError("request.not_found")
    return (await _transfers(connection, [row]))[0]


@router.get("/routes", summary="Routing health between levels", response_model_exclude_none=True)
async def list_routes(_operator: Operator, connection: Reading) -> list[Route]:
    """Sức khỏe định tuyến giữa các cấp."""
    return [Route(**row) for row in await store.routes(connection)]


async def _transfers(connection: Reading, rows: list[Any]) -> list[Transfer]:
    opened = await deliveries.of_transfers(connection, [(row["source"], row["id"]) for row in rows])
    answers = await store.answers(connection, [row["subject"] for row in rows if row["type"] == "document.issued"])
    return [_transfer(row, opened[row["source"], row["id"]], answers) for row in rows]


def _transfer(row: Any, opened: list[Any], answers: dict[tuple[str, str], list[tuple[str, datetime]]]) -> Transfer:
    verdict = orjson.loads(row["verdict"]) if row["verdict"] else None
    is_issue = row["type"] == "document.issued"
    return Transfer(
        id=row["id"],
        type=TYPE_PREFIX + row["type"],
        subject=row["subject"],
        sender=row["sender"],
        state=row["state"],
        accepted_at=row["accepted_at"],
        traceparent=row["traceparent"] or None,
        verdict=verdict,
        deliveries=[
            Delivery(
                organ=delivery["organ"],
                redirected_from=delivery["redirected_from"] or None,
                delivery=delivery["id"],
                via=delivery["via"],
                state=delivery["state"],
                code=delivery["code"] or None,
                expired_at=delivery["expired_at"],
                handed_over_at=delivery["handed_over_at"],
                answers=[
                    Answer(code=code, at=at)
                    for code, at in (answers.get((row["subject"], delivery["organ"]), []) if is_issue else [])
                ],
            )
            for delivery in opened
        ],
    )


def _cursor(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row['accepted_at'].isoformat()}|{row['id']}".encode()).decode()


def _read_cursor(cursor: str | None) -> tuple[datetime | None, str | None]:
    if cursor is None:
        return None, None
    try:
        at, id_ = base64.urlsafe_b64decode(cursor.encode()).decode().split("|")
        return datetime.fromisoformat(at).astimezone(UTC), id_
    except (ValueError, OverflowError, binascii.Error):
        raise HubError("request.invalid", "the cursor is not one of ours", pointer="/cursor") from None
