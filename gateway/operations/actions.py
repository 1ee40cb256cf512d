"""What operators do: send a delivery again, give one up, close a dead letter. Each act is in the audit with its reason,
in its own transaction; a dry run holds the same lock, tells the same and writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.problems import HubError
from contracts.protocol import DeliveryState
from gateway.audit.actions import Act, Entry, record, told
from gateway.delivery import actions as delivery
from gateway.delivery import redelivery
from gateway.delivery import store as deliveries
from gateway.delivery.store import AXIS_BELL
from gateway.operations import store
from gateway.subjects import store as subjects
from gateway.work import Desk, Work
from services.kernel.connection import Connection
from services.kernel.database import ring_on_commit
from services.kernel.messaging.outbox import BELL

DELIVERY, DEAD_LETTER = "delivery", "dead-letter"
"""Kinds of targets in the audit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redelivery:
    """`queued`: what is sent now, in order, as `transfer` and `hopsequence`."""

    row: Any
    attempts: int
    queued: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """`left`: the organs its record still goes to. `final`: nothing of it can arrive any more, and its sender is told;
    otherwise its office must receipt the record that replaces it."""

    row: Any
    left: tuple[str, ...]
    final: bool
    open_offer: str | None


async def redeliver(conn: Connection, desk: Desk, delivery_id: str, *, by: Act, dry_run: bool = False) -> Redelivery:
    """Sends an open delivery again now, past its schedule and the reader's guard."""
    row, _ = await _open(conn, desk, delivery_id)
    if redelivery.is_undecided(row):
        raise HubError("recipient.undecided", "choose the successor first: it is sent then")
    queued = await redelivery.queue(conn, row, dry_run=dry_run)
    if not dry_run:
        before = {"state": row["state"], "attempts": redelivery.attempts(row), "stuck": row["stuck_reason"]}
        await record(
            conn, by, [Entry("delivery.redelivered", DELIVERY, row["id"], told(**before), told(queued=queued))]
        )
        ring_on_commit(conn, BELL, AXIS_BELL)
    return Redelivery(row=row, attempts=redelivery.attempts(row), queued=queued)


async def close(conn: Connection, desk: Desk, delivery_id: str, *, by: Act, dry_run: bool = False) -> Closing:
    """Gives an open delivery up: its organ does not get the message, unless the record is on its way and is taken
    after all, which then counts."""
    row, work = await _open(conn, desk, delivery_id)
    left = await _left(conn, row)
    closing = Closing(row=row, left=left, final=not row["office"], open_offer=_open_offer(row, work))
    if not dry_run:
        await delivery.close(conn, work, delivery_id)
        before = {"state": row["state"], "organ": row["organ"], "transfer": row["transfer_id"]}
        after = {**before, "state": DeliveryState.CLOSED.value}
        await record(conn, by, [Entry("delivery.closed", DELIVERY, row["id"], told(**before), told(**after))])
        ring_on_commit(conn, BELL)
    return closing


async def close_letter(conn: Connection, id_: str, *, by: Act, dry_run: bool = False) -> Mapping[str, Any]:
    """Somebody has looked into it and it needs nothing more."""
    row = await store.letter(conn, id_, lock=not dry_run)
    if row is None:
        raise HubError("request.not_found", "no such dead letter")
    if row["state"] != "open":
        raise HubError("dead_letter.not_open", f"closed by {row['closed_by']}")
    if dry_run:
        return row
    closed = await store.close_letter(conn, id_, by=by.client_id, at=by.at, reason=by.reason)
    entry = Entry("dead-letter.closed", DEAD_LETTER, id_, told(state="open"), told(state="closed", code=row["code"]))
    await record(conn, by, [entry])
    return closed


async def _open(conn: Connection, desk: Desk, delivery_id: str) -> tuple[Any, Work]:
    """The delivery, open, and its subject locked: of two who act at once the second sees what the first one did."""
    subject = await deliveries.subject_of(conn, delivery_id)
    if subject is None:
        raise HubError("request.not_found", "no such delivery")
    work = desk.begin(await subjects.lock(conn, (), existing=[subject]))
    row = await redelivery.find(conn, delivery_id)
    if row is None:
        raise HubError("request.not_found", "no such delivery")
    if row["state"] != DeliveryState.OPEN:
        raise HubError("delivery.not_open", f"its state is {row['state']}")
    return row, work


async def _left(conn: Connection, row: Any) -> tuple[str, ...]:
    """The organs for whom the delivery's record goes out all the same."""
    if not row["office"]:
        return ()
    identity = (row["source"], row["transfer_id"])
    hop = (row["office"], row["hopsequence"])
    others = (
        each
        for each in (await deliveries.of_transfers(conn, [identity]))[identity]
        if (each["office"], each["hopsequence"]) == hop and each["id"] != row["id"]
    )
    return tuple(sorted({each["organ"] for each in others if each["state"] != DeliveryState.CLOSED}))


def _open_offer(row: Any, work: Work) -> str | None:
    """The offer of custody the delivery carried, if it still waits for an answer from this organ."""
    dossier = work.states[row["subject"]].dossier
    offer = dossier.stamp.offer if dossier and row["type"] == "dossier.transferred" else None
    return offer.id if offer and offer.taker == row["organ"] else None
