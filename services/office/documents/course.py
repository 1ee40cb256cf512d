"""What recalls, updates and replacements make of a document, told by facts that come in any order. Pure.

at one receiver:  recall ─► 15 recalled | 16 as before          update ─► 15 the new fields | 16 the old ones
                  an update that adds the receiver again begins anew: nothing is open, the new fields hold
at the sender:    recalled once every receiver it reached agreed; the newest update is the document
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from contracts.protocol import DeliveryState
from contracts.statuses import DocumentStatus
from services.office.documents.rules import Step

LOST: Final = (DeliveryState.REFUSED, DeliveryState.CLOSED)
ANSWERS: Final = (DocumentStatus.CHANGE_AGREED, DocumentStatus.CHANGE_REFUSED)


class Kind(StrEnum):
    RECALL = "recall"
    UPDATE = "update"


class State(StrEnum):
    """Of a document at its holder; `refused`: the gateway did not take it, it went nowhere."""

    CURRENT = "current"
    RECALLED = "recalled"
    REPLACED = "replaced"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A recall or update as the holder knows it; `organs` answer it, `added` take the update as a new document."""

    transfer: str
    kind: Kind
    at: datetime
    organs: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    value: bytes = field(default=b"", repr=False)

    @property
    def payload(self) -> dict[str, Any]:
        parsed: dict[str, Any] = orjson.loads(self.value)
        return parsed


@dataclass(frozen=True, slots=True)
class Course:
    """How the changes stand at one receiver: those not answered yet, the answers by change, and what came of them."""

    open: tuple[str, ...] = ()
    answers: Mapping[str, Step] = field(default_factory=dict)
    recalled: bool = False
    version: Change | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """One delivery of an own fact, as far as the gateway has told."""

    organ: str
    state: str


def course(changes: Sequence[Change], steps: Sequence[Step], organ: str) -> Course:
    """Changes in order of arrival, and what was told at this receiver; a 13 counts as a recall, unless the receiver was
    done before."""
    answers: dict[str, Step] = {}
    for step in steps:
        if step.organ == organ and step.code in ANSWERS:
            for transfer in step.answers:
                answers.setdefault(transfer, step)
    asked = [each for each in changes if organ in each.organs or organ in each.added]
    unanswered: list[str] = []
    recalled, version = False, None
    for change in sorted([*asked, *_taken_back(steps, organ)], key=lambda each: each.at):
        answer = answers.get(change.transfer)
        if organ in change.added:
            unanswered, recalled, version = [], False, change
        elif answer is None:
            unanswered.append(change.transfer)
        elif answer.code is DocumentStatus.CHANGE_AGREED:
            recalled = recalled or change.kind is Kind.RECALL
            version = change if change.kind is Kind.UPDATE else version
    return Course(tuple(unanswered), answers, recalled, version)


def _taken_back(steps: Iterable[Step], organ: str) -> list[Change]:
    done = min(
        (each.at for each in steps if each.organ == organ and each.code is DocumentStatus.COMPLETED), default=None
    )
    return [
        Change(transfer=each.transfer, kind=Kind.RECALL, at=each.at, organs=(organ,))
        for each in steps
        if each.code is DocumentStatus.TAKE_BACK and organ in each.targets and (done is None or each.at <= done)
    ]


def newest_update(changes: Sequence[Change]) -> Change | None:
    """The document as its sender means it."""
    return next((each for each in reversed(changes) if each.kind is Kind.UPDATE), None)


def receivers(
    issued: Sequence[str], changes: Sequence[Change], told: Mapping[str, Sequence[Reached]]
) -> tuple[str, ...]:
    """Whom the document is with, updates counted in; `told` are the deliveries of updates the gateway reported on."""
    found = dict.fromkeys(issued)
    for change in changes:
        if change.kind is not Kind.UPDATE:
            continue
        for organ in change.removed:
            found.pop(organ, None)
        found |= dict.fromkeys(_added(change, told.get(change.transfer, ())))
    return tuple(found)


def _added(change: Change, told: Sequence[Reached]) -> tuple[str, ...]:
    if not change.added or not told:
        return change.added
    return tuple(each.organ for each in told if each.organ not in change.organs and each.state not in LOST)


def may_be_recalled(changes: Sequence[Change], steps: Sequence[Step]) -> bool:
    """Cheap to know: whether anything was asked back and agreed to at all."""
    asked = any(each.kind is Kind.RECALL for each in changes) or any(
        each.code is DocumentStatus.TAKE_BACK for each in steps
    )
    return asked and any(each.code is DocumentStatus.CHANGE_AGREED for each in steps)
