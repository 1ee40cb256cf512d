"""How a document stands with each receiver, told by status messages that come in any order (QĐ 28/2018/QĐ-TTg).

handling:  ─► 01 ─► 03 ─► 04 ⇄ 05 ─► 06        (steps may be skipped; a lower code that comes later is history)
           └────┴─► 02                          (the receiver is done with it)
recall:    13 before 06 ─► 15 | 16              (the sender asks, the receiver answers; 15 and 16 also answer an
                                                 update and may come without a 13)
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.problems import HubError
from contracts.statuses import DocumentStatus

_RANK: Final = {
    DocumentStatus.ARRIVED: 1,
    DocumentStatus.REFUSED: 2,
    DocumentStatus.ACCEPTED: 2,
    DocumentStatus.ASSIGNED: 3,
    DocumentStatus.IN_PROGRESS: 3,
    DocumentStatus.COMPLETED: 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A status as it was told; `targets` are the receivers a 13 asks."""

    transfer: str
    organ: str
    code: DocumentStatus
    at: datetime
    description: str | None = None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts at one receiver: the newest step of handling, and of a recall or its answer."""

    handling: Step | None = None
    recall: Step | None = None


@dataclass(frozen=True, slots=True)
class Parties:
    """Who stands where, as one holder sees it; one organ may be both."""

    holder: str
    sender: str
    received: bool
    recipients: tuple[str, ...]


def status_code(text: str, pointer: str) -> DocumentStatus:
    try:
        return DocumentStatus(text)
    except ValueError:
        raise HubError("document.status_unknown", pointer=pointer) from None


def standing(steps: Iterable[Step], receiver: str) -> Standing:
    """Steps in order of arrival; what counts is the order of their times, and of arrival where those are equal."""
    handling: Step | None = None
    recall: Step | None = None
    for step in sorted(steps, key=lambda each: each.at):
        if step.code is DocumentStatus.TAKE_BACK:
            if receiver in step.targets and not _is(handling, DocumentStatus.COMPLETED):
                recall = step
        elif step.organ != receiver:
            continue
        elif step.code not in _RANK:
            recall = step
        elif handling is None or (
            handling.code is not DocumentStatus.REFUSED and _RANK[step.code] >= _RANK[handling.code]
        ):
            handling = step
    return Standing(handling, recall)


def current(steps: Sequence[Step]) -> set[str]:
    """The transfers whose steps count at any receiver; the others are history."""
    receivers = {step.organ for step in steps} | {target for step in steps for target in step.targets}
    stands = [standing(steps, receiver) for receiver in receivers]
    return {step.transfer for each in stands for step in (each.handling, each.recall) if step is not None}


def addressees(
    parties: Parties, steps: Sequence[Step], code: DocumentStatus, targets: Collection[str] | None
) -> tuple[str, ...]:
    """Whom a new status of the holder goes to; none when it repeats what already stands.

    `document.unknown` when the holder is not on the side of the document this code comes from.
    """
    if code is DocumentStatus.TAKE_BACK:
        if parties.holder != parties.sender:
            raise HubError("document.unknown", "only the sender takes a document back", pointer="/code")
        asked = parties.recipients if targets is None else tuple(dict.fromkeys(targets))
        return tuple(each for each in asked if not _is(standing(steps, each).recall, code))
    if not parties.received:
        raise HubError("document.unknown", "only a recipient answers with this code", pointer="/code")
    stands = standing(steps, parties.holder)
    present = stands.handling if code in _RANK else stands.recall
    return () if _is(present, code) else (parties.sender,)


def _is(step: Step | None, code: DocumentStatus) -> bool:
    return step is not None and step.code is code
