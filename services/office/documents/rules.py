"""How a document stands with each receiver, told by status messages that come in any order (QĐ 28/2018/QĐ-TTg).

handling:  ─► 01 ─► 03 ─► 04 ⇄ 05 ─► 06        (steps may be skipped; a lower code that comes later is history)
           └────┴─► 02                          (the receiver is done with it)
recall:    13 before 06 ─► 15 | 16              (the sender asks, the receiver answers; 15 and 16 also answer an
                                                 update and may come without a 13)
"""

import hashlib
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson

from contracts.envelope import rfc3339
from contracts.problems import HubError
from contracts.statuses import DocumentStatus

ISSUED: Final = "document.issued"
STATUS_CHANGED: Final = "document.status-changed"

_RANK: Final = {
    DocumentStatus.ARRIVED: 1,
    DocumentStatus.REFUSED: 2,
    DocumentStatus.ACCEPTED: 2,
    DocumentStatus.ASSIGNED: 3,
    DocumentStatus.IN_PROGRESS: 3,
    DocumentStatus.COMPLETED: 4,
}


def as_posted(pointer: str) -> str:
    """Of a JSON body, whose fields are those of the payload's document."""
    return pointer.removeprefix("/document")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document to issue: fields of the payload's document, attachments with their sizes.

    `original` is the edXML file it came in; `pointer` turns a pointer into the payload into one into the input.
    """

    fields: Mapping[str, Any]
    original: Mapping[str, Any] | None = None
    pointer: Callable[[str], str] = as_posted


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStatus:
    """A status to post. `targets` are the recipients chosen, as written; `at` when it happened, not later than now."""

    code: str
    description: str | None = None
    staff: str | None = None
    targets: Sequence[str] | None = None
    at: datetime | None = None
    pointer: Callable[[str], str] = as_posted


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


def issued_payload(new: NewDocument, document_id: str, sender: str) -> tuple[bytes, str]:
    """The payload of `document.issued`, and the digest two posts of one DocumentId are compared by.

    A file is compared by its bytes, JSON by what it says: order and white space do not matter.
    """
    fields = {**new.fields, "document_id": document_id, "sender": new.fields.get("sender", sender)}
    payload = {"document": fields} | ({"original": new.original} if new.original else {})
    value = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    return value, new.original["sha256"] if new.original else hashlib.sha256(value).hexdigest()


def status_payload(step: Step, staff: str | None, reference: Mapping[str, Any]) -> bytes:
    """The payload of `document.status-changed`."""
    fields = {
        "document": reference,
        "code": step.code.value,
        "description": step.description,
        "staff": staff,
        "at": rfc3339(step.at),
    }
    return orjson.dumps({name: value for name, value in fields.items() if value is not None})


def digests(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Attachments of a `document.issued`, its original among them, each once."""
    named = [*payload["document"].get("attachments", ()), payload.get("original")]
    return tuple(dict.fromkeys(each["sha256"] for each in named if each))


def code_of(fields: Mapping[str, Any]) -> str:
    """Number and notation as printed, 7816/VPCP-TTĐT, in the one spelling codes are compared in."""
    return plain("/".join(part for part in (fields.get("number"), fields.get("notation")) if part))


def plain(text: str) -> str:
    """Vietnamese text mixes composed and decomposed letters, even inside one file."""
    return unicodedata.normalize("NFC", text.strip())


def day_of(fields: Mapping[str, Any]) -> date | None:
    day = fields.get("promulgated_on")
    return date.fromisoformat(day) if day else None


def _is(step: Step | None, code: DocumentStatus) -> bool:
    return step is not None and step.code is code
