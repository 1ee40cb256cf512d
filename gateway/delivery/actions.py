"""Settles hops by the offices' receipts and tells the senders; answers the offices' requests to send again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.protocol import DeliveryState, transfer_state
from gateway.delivery import store
from gateway.delivery.store import HopKey, Standing
from gateway.transfers import store as transfers
from gateway.transfers.store import Identity
from gateway.work import Work, report, state_told
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection


@dataclass(frozen=True, slots=True)
class HopReceipt:
    """One item of an office's `receipt.handed-over`; `place` is the caller's own mark."""

    key: HopKey
    identity: Identity
    results: tuple[tuple[str, str, datetime, str], ...]
    """(organ, handed_over | refused, at, code)."""
    place: int = 0


def look_up(reads: Reads, work: Work, receipts: Sequence[HopReceipt]) -> Standing:
    """What these are about, whose subjects are held; filled in by the reading, and the ledger of `work` with it."""
    standing = Standing()
    identities = sorted({receipt.identity for receipt in receipts})
    store.read(reads, sorted({receipt.key for receipt in receipts}), identities, standing)
    transfers.read(reads, identities, work.ledger)
    return standing


def settle(writes: Writes, work: Work, receipts: Sequence[HopReceipt], standing: Standing) -> list[int]:
    """Moves deliveries, finishes hops, sets the transfers' states, tells senders. Repeats change nothing.

    `standing` and `work.ledger` were read of these receipts. Returns the places of receipts that name no hop addressed
    to an office of their topic's level.
    """
    known = [receipt for receipt in receipts if _names(standing, receipt)]
    astray = [receipt.place for receipt in receipts if not _names(standing, receipt)]
    valid = [receipt for receipt in known if not standing.hops[receipt.key].done]
    if not valid:
        return astray
    rows = {receipt.identity: standing.deliveries[receipt.identity] for receipt in valid}
    rows, changed = _handed_over(rows, valid)
    store.hand_over(writes, changed)
    finished = _finished(valid, rows)
    store.finish_hops(writes, finished)
    rows = _receipted(rows, set(finished))
    moved = {(r.identity, organ) for r in valid for organ, *_ in r.results}
    _conclude(writes, work, rows, moved | _closed(rows, set(finished)))
    return astray


def _handed_over(
    rows: dict[Identity, list[Any]], receipts: Sequence[HopReceipt]
) -> tuple[dict[Identity, list[Any]], list[Any]]:
    """The deliveries by what the offices say, and those of them that are not as they were. What the office did outranks
    what a person decided meanwhile; the first word about one is the last."""
    told: dict[tuple[HopKey, str], tuple[str, datetime, str]] = {}
    for receipt in receipts:
        for organ, state, at, code in receipt.results:
            told.setdefault((receipt.key, organ), (state, at, code))
    changed: list[Any] = []

    def now(row: Any) -> Any:
        word = told.get((_hop(row), row["organ"]))
        if word is None or row["state"] not in (DeliveryState.OPEN, DeliveryState.CLOSED):
            return row
        changed.append({**row, **dict(zip(("state", "handed_over_at", "code"), word, strict=True))})
        return changed[-1]

    return {identity: [now(row) for row in of] for identity, of in rows.items()}, changed


def _closed(rows: dict[Identity, list[Any]], finished: set[HopKey]) -> set[tuple[Identity, str]]:
    """Closed deliveries of hops that are receipted now: only from here on the sender may know them closed."""
    return {
        (identity, row["organ"])
        for identity, of in rows.items()
        for row in of
        if row["state"] == DeliveryState.CLOSED and _hop(row) in finished
    }


def _names(standing: Standing, receipt: HopReceipt) -> bool:
    hop = standing.hops.get(receipt.key)
    return hop is not None and hop.identity == receipt.identity


def _finished(receipts: Sequence[HopReceipt], rows: dict[Identity, list[Any]]) -> list[HopKey]:
    """A hop is done when none of its organs is open any more: a receipt that left one out does not end it."""
    waiting = {_hop(row) for of in rows.values() for row in of if _open(row)}
    return sorted({receipt.key for receipt in receipts} - waiting)


def _receipted(rows: dict[Identity, list[Any]], finished: set[HopKey]) -> dict[Identity, list[Any]]:
    """The same as they stand when these hops are done."""
    return {
        identity: [{**row, "receipted": True} if _hop(row) in finished else row for row in of]
        for identity, of in rows.items()
    }


def _hop(row: Any) -> HopKey:
    return row["subject"], row["office"], row["hopsequence"]


def _open(row: Any) -> bool:
    return bool(row["state"] == DeliveryState.OPEN.value)


def _conclude(writes: Writes, work: Work, rows: dict[Identity, list[Any]], moved: set[tuple[Identity, str]]) -> None:
    """States of the transfers, and `receipt.handed-over` to each sender for the deliveries that moved."""
    states = {identity: transfer_state([state_told(row) for row in of]).value for identity, of in rows.items()}
    changed = {identity: state for identity, state in states.items() if work.ledger[identity].state != state}
    transfers.set_states(writes, changed)
    for identity, of in rows.items():
        known = work.ledger[identity]
        told = (row for row in of if (identity, row["organ"]) in moved and state_told(row) is not DeliveryState.OPEN)
        reports = [report(row) for row in told]
        if not reports:
            continue
        item = {"source": known.source, "id": known.id, "subject": known.subject, "deliveries": reports}
        stamp = work.stamp_fields(known.subject)
        work.tell(known.origin, "receipt.handed-over", item | ({"stamp": stamp} if stamp else {}))


async def conclude(connection: Connection, work: Work, identity: Identity, organ: str) -> None:
    """For channels that hand over by themselves (axis): the delivery row was moved, the rest follows as by receipt."""
    rows = await store.of_transfers(connection, [identity])
    work.ledger |= await transfers.known(connection, [identity])
    writes = Writes()
    _conclude(writes, work, rows, {(identity, organ)})
    await writes.run(connection)


async def tell(connection: Connection, work: Work) -> None:
    """Writes the receipts a channel's outcome called for."""
    await store.add_receipts(connection, work.receipts)


async def close(connection: Connection, work: Work, delivery_id: str) -> bool:
    """A person gives one delivery up: its hop is narrowed, or voided when nobody is left.

    The sender is told when that hop is receipted, for its record may be on the way and be applied after all; at once
    where there is no hop. False when it is not open. The subject is locked by the caller.
    """
    row = await store.close(connection, delivery_id)
    if row is None:
        return False
    if not row["office"]:
        await conclude(connection, work, (row["source"], row["transfer_id"]), row["organ"])
        await tell(connection, work)
    return True


async def expire(connection: Connection, work: Work, *, before: datetime, limit: int = 500) -> int:
    """Tells senders of deliveries that nobody took in the contract's time; changes no state."""
    expired = await store.expire(connection, before=before, hub_now=work.hub_now, limit=limit)
    identities = sorted({identity for identity, _ in expired})
    rows = await store.of_transfers(connection, identities)
    ledger = await transfers.known(connection, identities)
    for identity in identities:
        known = ledger[identity]
        reports = [report(row) for row in rows[identity] if (identity, row["organ"]) in set(expired)]
        item = {"source": known.source, "id": known.id, "subject": known.subject, "deliveries": reports}
        work.tell(known.origin, "receipt.expired", item)
    await tell(connection, work)
    return len(expired)
