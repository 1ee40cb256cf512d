"""What operators read, as JSON. Codes, states, times and organs only."""

from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel

from contracts import samples
from contracts.envelope import TYPE_PREFIX
from contracts.protocol import DeliveryState, TransferState
from gateway.audit.operators import Moment, View

ISSUING = ("document.issued", "document.replaced")
"""Facts that bring a document: its recipients' answers are shown with them."""
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
            "delivery": "8f0c6f0e-3c55-5d0c-9f51-2b2c55f7b8a4",
            "via": "office",
            "state": "handed_over",
            "handed_over_at": "2024-06-03T09:00:04.120+07:00",
            "answers": [{"code": "01", "at": "2024-06-03T09:02:11.000+07:00"}],
        }
    ],
}
ROUTES = [
    {
        "from_level": "central",
        "to_level": "commune",
        "open": 0,
        "oldest_seconds": 0.0,
        "rate_per_minute": 0.2,
        "failures": 0,
    },
    {
        "from_level": "commune",
        "to_level": "district",
        "open": 3,
        "oldest_seconds": 1.4,
        "rate_per_minute": 12.6,
        "failures": 1,
    },
]


class Answer(BaseModel):
    """An officer's act at a recipient."""

    code: str
    at: Moment


class Delivery(View):
    """The duty to hand the transfer to one organ."""

    organ: str
    redirected_from: str | None = None
    """The closed organ that was written to."""
    delivery: str
    via: str
    state: DeliveryState
    code: str | None = None
    """Why it was refused."""
    expired_at: Moment | None = None
    """Nobody had taken it until then; it is still tried."""
    handed_over_at: Moment | None = None
    answers: list[Answer] = []


class Transfer(BaseModel):
    """One message's journey. `verdict` stands where it was refused."""

    id: str
    type: str
    subject: str
    sender: str
    state: TransferState
    accepted_at: Moment
    traceparent: str | None = None
    verdict: dict[str, str] | None = None
    deliveries: list[Delivery] = []


class TransferPage(BaseModel):
    """`next_cursor` is there while there is more."""

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


def transfer(row: Any, opened: list[Any], answers: dict[tuple[str, str], list[tuple[str, datetime]]]) -> Transfer:
    """One row of the ledger with its deliveries; `answers` by (subject, organ) stand at the issue of a document."""
    is_issue = row["type"] in ISSUING
    return Transfer(
        id=row["id"],
        type=TYPE_PREFIX + row["type"],
        subject=row["subject"],
        sender=row["sender"],
        state=row["state"],
        accepted_at=row["accepted_at"],
        traceparent=row["traceparent"] or None,
        verdict=orjson.loads(row["verdict"]) if row["verdict"] else None,
        deliveries=[
            _delivery(each, answers.get((row["subject"], each["organ"]), []) if is_issue else []) for each in opened
        ],
    )


def _delivery(row: Any, answers: list[tuple[str, datetime]]) -> Delivery:
    return Delivery(
        organ=row["organ"],
        redirected_from=row["redirected_from"] or None,
        delivery=row["id"],
        via=row["via"],
        state=row["state"],
        code=row["code"] or None,
        expired_at=row["expired_at"],
        handed_over_at=row["handed_over_at"],
        answers=[Answer(code=code, at=at) for code, at in answers],
    )
