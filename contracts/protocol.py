"""The rules of the delivery protocol that both ends share: numbers, hops, rungs, stamps, schedules. Pure.

What a fact means for a dossier is in `custody.py`. Decision record 0001 tells why each rule is as it is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

GATEWAY = "gateway"
MAX_DIGITS = 18


class Number(StrEnum):
    """How a number stands to the last one taken."""

    NEXT = "next"
    GAP = "gap"
    BEHIND = "behind"


def judge_number(last: int, number: int) -> Number:
    """For a fact's `sequence` at the gateway and a `hopsequence` at an office alike.

    NEXT: take it. GAP: ask for everything from last + 1 again and drop this one (go-back-N: nothing is parked,
    so nothing can wait for ever). BEHIND: already taken; at an office the same receipt is given again, at the
    gateway a known identity is answered again and an unknown one is a conflict for a person.
    """
    if number == last + 1:
        return Number.NEXT
    return Number.GAP if number > last else Number.BEHIND


class Arrival(StrEnum):
    """What the gateway does with a fact, by identity and number alone."""

    TAKE = "take"
    ASK = "ask"
    ANSWER = "answer"
    CONFLICT = "conflict"
    REUSED = "reused"


def judge_arrival(known: bytes | None, digest: bytes, *, last: int, sequence: int) -> Arrival:
    """`known` is the stored digest of this (source, id), None for an identity never seen.

    Identity goes before number. TAKE: judge it; accepted or refused, its number is used up. ASK: drop it and ask for
    everything from last + 1. ANSWER: the effect is skipped, never the answer. CONFLICT and REUSED: dead letter.
    """
    if known is not None:
        return Arrival.ANSWER if known == digest else Arrival.REUSED
    number = judge_number(last, sequence)
    if number is Number.NEXT:
        return Arrival.TAKE
    return Arrival.ASK if number is Number.GAP else Arrival.CONFLICT


class Rung(IntEnum):
    """How far the sender's own fact has come. A later rung implies the earlier ones; receipts come in any order."""

    UNSENT = 0
    SENT = 1
    ROUTED = 2
    SETTLED = 3


def climb(present: Rung, reported: Rung) -> Rung:
    """A receipt never takes a fact down again; only log loss does, and that is not a receipt."""
    return max(present, reported)


def unjudged(rungs: Sequence[Rung]) -> int:
    """How many facts at the end of an emitter's line the gateway may still have to judge; `rungs` in order of number.

    Numbers are taken without gaps, so whoever is routed or refused (SETTLED) proves that all before it were judged,
    and the stamp that came with it holds their effects: projecting one of those again would be wrong.
    """
    count = 0
    while count < len(rungs) and rungs[-1 - count] < Rung.ROUTED:
        count += 1
    return count


class DeliveryState(StrEnum):
    """State of the duty to hand a transfer to one organ. OPEN is the only one that waits."""

    OPEN = "open"
    HANDED_OVER = "handed_over"
    REFUSED = "refused"
    CLOSED = "closed"


_FINALITY = (DeliveryState.OPEN, DeliveryState.CLOSED, DeliveryState.REFUSED, DeliveryState.HANDED_OVER)


def settle(present: DeliveryState, reported: DeliveryState) -> DeliveryState:
    """Merges two reports of one delivery; receipts may come in any order and any number of times.

    What the recipient's office says it did outranks what a person decided meanwhile: the record may have been on
    its way when the delivery was closed, and a `delivery.voided` is then receipted with what really happened.
    """
    return max(present, reported, key=_FINALITY.index)


def reported(state: DeliveryState, *, receipted: bool) -> DeliveryState:
    """What the sender is told of a delivery whose hop is receipted or not (one without a hop counts as receipted).

    A closed one stays open to the sender until then: its record may be on the way and be applied after all, and
    a sender that was told the end of everything asks no more.
    """
    return DeliveryState.OPEN if state is DeliveryState.CLOSED and not receipted else state


def addressees(deliveries: Mapping[str, DeliveryState]) -> tuple[str, ...]:
    """The organs a hop's record still names. Empty: `delivery.voided` goes out under the hop's number instead."""
    return tuple(organ for organ, state in deliveries.items() if state is not DeliveryState.CLOSED)


class TransferState(StrEnum):
    ACCEPTED = "accepted"
    ROUTED = "routed"
    HANDED_OVER = "handed_over"
    PARTLY = "partly"
    REFUSED = "refused"
    CLOSED = "closed"


def transfer_state(deliveries: list[DeliveryState]) -> TransferState:
    """State of a routed transfer: `routed` while any delivery is open; no deliveries count as handed over."""
    if DeliveryState.OPEN in deliveries:
        return TransferState.ROUTED
    kinds = set(deliveries)
    if len(kinds) > 1:
        return TransferState.PARTLY
    return TransferState(next(iter(kinds)).value) if kinds else TransferState.HANDED_OVER


def rung_of(deliveries: Collection[DeliveryState] | None) -> Rung:
    """Rung of an accepted fact by its deliveries; None while `receipt.routed`, which lists them all, has not come."""
    return Rung.ROUTED if deliveries is None or DeliveryState.OPEN in deliveries else Rung.SETTLED


FACT_RESEND_SECONDS: tuple[int, ...] = (10, 30, 120, 600, 3600)
"""Office: the whole unrouted tail of a subject is sent again after these, then hourly."""
ASK_AGAIN_SECONDS: tuple[int, ...] = (120, 600, 3600, 86400)
"""Office: a routed but unsettled fact is sent again (= asked for) after these, then daily."""
DELIVERY_RESEND_SECONDS: tuple[int, ...] = (30, 120, 600, 3600, 21600)
"""Gateway: a hop without receipt is sent again after these, then every 6 h."""


EXPIRY_SECONDS = 72 * 3600
"""Gateway: after this the sender is told that nobody answered (`receipt.expired`); a later hand-over still counts."""


def wait_seconds(schedule: tuple[float, ...], attempts: int) -> float:
    """Seconds to wait after `attempts` sendings (≥ 1); the last step repeats."""
    return schedule[min(max(attempts, 1), len(schedule)) - 1]


ASK_PAUSE_SECONDS = 1
"""Shortest time between two `control.resend-requested` for one subject."""


def unread(*, passed: int | None, start: int, end: int) -> range:
    """Offsets that lie in the log ahead of the group that must read them: sending those again would only double them.

    `passed` is the group's committed offset, `start` and `end` are the bounds of what the partition holds. This wait
    has no timer of its own, so it must end by itself: what was cut off at either side is lost, and a group without a
    commit may be a live reader that stands at the end of a topic that was made anew beneath it and has nothing to
    commit; neither is waited for.
    """
    return range(0) if passed is None else range(max(passed, start), end)


def is_unread(sent: int | None, *, passed: int | None, end: int, start: int = 0) -> bool:
    """True while a row's record is `unread`; `sent` is the offset of its last sending, None: never, or forgotten."""
    return sent is not None and sent in unread(passed=passed, start=start, end=end)


def is_log_loss(acknowledged: int | None, offset: int | None) -> bool:
    """An ack not above the last one stored for its partition. An ack without offset is no ack, and no loss."""
    return acknowledged is not None and offset is not None and offset <= acknowledged


@dataclass(frozen=True, slots=True)
class Sending:
    """One row of an office's outbox as far as sending goes: `due` when its wait is over, `unread` as `is_unread`."""

    rung: Rung
    due: bool = False
    unread: bool = False


def to_send(rows: Sequence[Sending]) -> list[int]:
    """Positions of the rows to send now. `rows` are the facts of one emitter on one subject, in order of number.

    Unsent ones go at once. As soon as one sent row is due the whole unrouted tail goes again, in order: the gateway
    drops what stands behind a gap, so one row alone would be wasted. It waits only while the tail's *first* row is
    unread; waiting for the last would starve a subject that is posted to faster than the log is read.
    A routed, unsettled row is asked for by itself.
    """
    sent = [row for row in rows if row.rung is Rung.SENT]
    tail_due = any(row.due for row in sent) and not sent[0].unread
    return [
        place
        for place, row in enumerate(rows)
        if row.rung is Rung.UNSENT
        or (row.rung is Rung.SENT and tail_due)
        or (row.rung is Rung.ROUTED and row.due and not row.unread)
    ]


def hops_to_send(rows: Sequence[Sending]) -> list[int]:
    """The same for the hops of one subject to one office, in order of number: SENT ones wait for their receipt.

    Unsent ones go at once. From the first sent one on that is due and read every open one goes again, for the office
    drops what stands behind a gap. Those before it keep their own time: the office may be stuck at one of them for
    long, and what is added behind must not have the whole line sent again.
    """
    first = next((i for i, row in enumerate(rows) if row.rung is Rung.SENT and row.due and not row.unread), len(rows))
    return [
        place for place, row in enumerate(rows) if row.rung is Rung.UNSENT or (row.rung is Rung.SENT and place >= first)
    ]


class StampError(ValueError):
    """Text or fields that are not a stamp."""


@dataclass(frozen=True, slots=True)
class Offer:
    id: str
    giver: str
    taker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The gateway's state of a dossier, taken after a fact's effect. `version` grows by one per accepted fact."""

    status: int
    custodian: str
    epoch: int
    version: int
    offer: Offer | None = None

    def to_text(self) -> str:
        """ASCII, for a header: `4;000.03.21.H28;2;7;offer-id,giver,taker`."""
        offer = f"{self.offer.id},{self.offer.giver},{self.offer.taker}" if self.offer else ""
        return f"{self.status};{self.custodian};{self.epoch};{self.version};{offer}"

    @classmethod
    def from_text(cls, text: str) -> "Stamp":
        parts = text.split(";")
        if len(parts) != 5 or not all(_is_number(parts[i]) for i in (0, 2, 3)):
            raise StampError("not a stamp")
        offer = parts[4].split(",") if parts[4] else []
        if offer and (len(offer) != 3 or not all(offer)):
            raise StampError("not a stamp")
        return cls(
            status=int(parts[0]),
            custodian=parts[1],
            epoch=int(parts[2]),
            version=int(parts[3]),
            offer=Offer(*offer) if offer else None,
        )

    def to_dict(self) -> dict[str, Any]:
        offer = {"id": self.offer.id, "from": self.offer.giver, "to": self.offer.taker} if self.offer else None
        return {
            "status": self.status,
            "custodian": self.custodian or None,
            "epoch": self.epoch,
            "version": self.version,
            "offer": offer,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Stamp":
        try:
            offer = fields.get("offer")
            return cls(
                status=int(fields["status"]),
                custodian=fields.get("custodian") or "",
                epoch=int(fields["epoch"]),
                version=int(fields["version"]),
                offer=Offer(offer["id"], offer["from"], offer["to"]) if offer else None,
            )
        except (KeyError, TypeError, ValueError):
            raise StampError("not a stamp") from None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def newest(present: Stamp | None, arrived: Stamp | None) -> Stamp | None:
    """The stamp of the highest version wins, whatever order stamps arrive in."""
    if present is None or arrived is None:
        return present or arrived
    return arrived if arrived.version > present.version else present


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why something was refused: the step that said no, a code of `problems.py`, and where in the input."""

    step: str
    code: str
    pointer: str = ""
    contract: str = ""
    detail: str = ""
