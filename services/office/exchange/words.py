"""Word from the gateway about own facts: receipts and controls, in any order and any number of times."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from contracts.protocol import GATEWAY, Stamp, TransferState, Verdict
from services.kernel.connection import Connection
from services.kernel.messaging.records import Identity
from services.office.doors import Door, Told, Visit
from services.office.exchange.rules import Word, identity
from services.office.inbox import actions as inbox
from services.office.inbox.actions import NewItem
from services.office.transfers import rules as journeys
from services.office.transfers.actions import Transfers
from services.office.transfers.journal import Journal
from services.office.transfers.rules import Report, Transfer

ROUTED, HANDED_OVER, REFUSED = "receipt.routed", "receipt.handed-over", "receipt.refused"
CONFLICT, EXPIRED, RESEND = "receipt.conflict", "receipt.expired", "control.resend-requested"
_TYPE_OF = {
    TransferState.HANDED_OVER: HANDED_OVER,
    TransferState.PARTLY: HANDED_OVER,
    TransferState.REFUSED: REFUSED,
    TransferState.CLOSED: "delivery.voided",
}
Item = Mapping[str, Any]


def about(words: Sequence[Word]) -> list[tuple[Word, Item]]:
    """What was told of own facts."""
    return [(word, item) for word in words if word.type != RESEND for item in word.items]


async def resend(conn: Connection, transfers: Transfers, words: Sequence[Word]) -> None:
    """What the gateway asks for."""
    for word in words:
        if word.type == RESEND:
            for item in word.items:
                await transfers.resend(conn, item["subject"], item["emitter"], item["first"])


async def take(
    conn: Connection, journal: Journal, visits: Sequence[tuple[Door, Visit]], told: Sequence[tuple[Word, Item]]
) -> list[NewItem]:
    """Moves own facts on; returns the inbox items that tell their senders what became final."""
    news = _settle(journal, told)
    known = [one for word, item in told if (one := _told(word.type, item, journal.sent))]
    for door, visit in visits:
        mine = [one for one in known if one.type in door.types]
        if mine:
            await visit.take_word(conn, mine)
    return news


def _settle(journal: Journal, told: Sequence[tuple[Word, Item]]) -> list[NewItem]:
    routed: dict[Identity, bool] = {}
    refused: dict[Identity, Verdict] = {}
    conflicts: dict[Identity, Verdict] = {}
    reports: list[Report] = []
    expired: list[Report] = []
    for word, item in told:
        name = identity(item)
        if word.type in (ROUTED, HANDED_OVER):
            routed[name] = routed.get(name, False) or word.type == ROUTED
            reports += [_report(item, each) for each in item["deliveries"]]
        elif word.type == EXPIRED:
            expired += [_report(item, each, expired_at=word.at) for each in item["deliveries"]]
        elif verdict := _verdict(word.type, item):
            (refused if word.type == REFUSED else conflicts)[name] = verdict
    settled = journal.settle(routed, reports)
    ended = journal.refuse(refused)
    closed = journal.refuse(conflicts, conflict=True)
    late = journal.expire(expired)
    return [
        *(_news(each, _TYPE_OF[each.shown_state]) for each in settled if each.deliveries),
        *(_news(each, REFUSED) for each in ended),
        *(_news(each, CONFLICT) for each in closed),
        *(_news(each, EXPIRED) for each in late),
    ]


def _told(message_type: str, item: Item, sent: Mapping[str, Transfer]) -> Told | None:
    """The same for the slice the fact belongs to; None when it is no fact of this office."""
    transfer = sent.get(item["id"])
    if transfer is None:
        return None
    return Told(
        transfer=transfer.id,
        subject=transfer.subject,
        holder=transfer.holder,
        type=transfer.type,
        routed=message_type in (ROUTED, HANDED_OVER),
        verdict=_verdict(message_type, item),
        stamp=Stamp.from_dict(item["stamp"]) if item.get("stamp") else None,
    )


def _verdict(message_type: str, item: Item) -> Verdict | None:
    if message_type == CONFLICT:
        return Verdict(step="sequence", code="sequence.conflict")
    if message_type != REFUSED:
        return None
    return Verdict(
        step=item["step"], code=item["code"], pointer=item.get("pointer", ""), contract=item.get("contract", "")
    )


def _report(item: Item, told: Item, expired_at: datetime | None = None) -> Report:
    at = told.get("handed_over_at")
    return Report(
        transfer=item["id"],
        organ=told["organ"],
        state=told["state"],
        delivery=told.get("delivery"),
        redirected_from=told.get("redirected_from"),
        via=told.get("via", "office"),
        code=told.get("code"),
        handed_over_at=datetime.fromisoformat(at) if at else None,
        expired_at=expired_at,
    )


def _news(transfer: Transfer, message_type: str) -> NewItem:
    return NewItem(
        organ=transfer.holder,
        transfer=transfer.id,
        kind=inbox.RECEIPT,
        type=message_type,
        subject=transfer.subject,
        sender=GATEWAY,
        href=f"/v1/transfers/{transfer.id}",
        data=orjson.dumps(journeys.shape(transfer)),
    )
