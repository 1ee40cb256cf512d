"""How a document stands with each receiver, told by status messages that come in any order (QĐ 28/2018/QĐ-TTg).

handling:  ─► 01 ─► 03 ─► 04 ⇄ 05 ─► 06        (steps may be skipped; a lower code that comes later is history)
           └────┴─► 02                          (the receiver is done with it)
recall:    13 before 06 ─► 15 | 16              (the sender asks, the receiver answers; 15 and 16 answer the recalls
                                                 and updates of `course.py` as well, and nothing else)
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
RECALLED: Final = "document.recalled"
UPDATED: Final = "document.updated"
REPLACED: Final = "document.replaced"
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

    `original` is the edXML file it came in; `replaces` names the documents it takes the place of; `pointer` turns a
    pointer into the payload into one into the input.
    """

    fields: Mapping[str, Any]
    original: Mapping[str, Any] | None = None
    replaces: Sequence[Mapping[str, str]] = ()
    reason: str | None = None
    pointer: Callable[[str], str] = as_posted

    @property
    def type(self) -> str:
        return REPLACED if self.replaces else ISSUED


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecall:
    """A recall to ask for; `targets` are the recipients chosen, as written, None for all. A file names everyone it goes
    to: with `loose` those who never got the document are passed over."""

    reason: str | None = None
    staff: str | None = None
    targets: Sequence[str] | None = None
    loose: bool = False
    original: Mapping[str, Any] | None = None
    pointer: Callable[[str], str] = as_posted


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpdate:
    """An update: the fields of the payload's document that change, recipients to add and to remove, as written. A file
    names everyone in `to` besides: whoever was not named before is added; with `loose` those to remove who never got
    the document are passed over."""

    fields: Mapping[str, Any]
    add: Sequence[str] = ()
    remove: Sequence[str] = ()
    to: Sequence[str] = ()
    loose: bool = False
    reason: str | None = None
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
    """A status as it was told; `targets` are the receivers a 13 asks, `answers` the changes a 15 or 16 answers."""

    transfer: str
    organ: str
    code: DocumentStatus
    at: datetime
    description: str | None = None
    targets: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()


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


def by_receiver(steps: Iterable[Step]) -> dict[str, list[Step]]:
    """What was told at each receiver, in the order given: its own steps, and the 13s that ask it."""
    found: dict[str, list[Step]] = {}
    for step in steps:
        for receiver in step.targets if step.code is DocumentStatus.TAKE_BACK else (step.organ,):
            found.setdefault(receiver, []).append(step)
    return found


def current(steps: Sequence[Step]) -> set[str]:
    """The transfers whose steps count at any receiver; the others are history."""
    stands = [standing(told, receiver) for receiver, told in by_receiver(steps).items()]
    return {step.transfer for each in stands for step in (each.handling, each.recall) if step is not None}


def addressees(
    parties: Parties,
    steps: Sequence[Step],
    code: DocumentStatus,
    targets: Collection[str] | None,
    *,
    asked: Collection[str] = (),
) -> tuple[str, ...]:
    """Whom a new status of the holder goes to; none when it repeats what already stands. `asked` are the recalls and
    updates that wait for its answer.

    `document.unknown` when the holder is not on the side of the document this code comes from, `request.conflict` for
    an answer nobody asked for.
    """
    if code is DocumentStatus.TAKE_BACK:
        if parties.holder != parties.sender:
            raise HubError(
                "document.unknown", "the document is known, but 13 is told by its sender only", pointer="/code"
            )
        wanted = parties.recipients if targets is None else tuple(dict.fromkeys(targets))
        return tuple(each for each in wanted if not _is(standing(steps, each).recall, code))
    if not parties.received:
        raise HubError(
            "document.unknown",
            "the document is known, but its sender tells 13 only: this code is a recipient's",
            pointer="/code",
        )
    stands = standing(steps, parties.holder)
    if code in _RANK:
        return () if _is(stands.handling, code) else (parties.sender,)
    if not asked and not _is(stands.recall, code):
        raise HubError("request.conflict", "no recall or update waits for an answer", pointer="/code")
    return (parties.sender,) if asked else ()


def issued_payload(new: NewDocument, document_id: str, sender: str) -> tuple[bytes, str]:
    """The payload of `document.issued` or `document.replaced`, and the digest two posts of one DocumentId are compared
    by.

    A file is compared by its bytes, JSON by what it says: order, white space and composition of letters do not matter.
    """
    fields = {**new.fields, "document_id": document_id, "sender": new.fields.get("sender", sender)}
    more = {"original": new.original, "replaces": [dict(each) for each in new.replaces], "reason": new.reason}
    value = _dump({"document": fields, **more})
    return value, new.original["sha256"] if new.original else _digest(value)


def updated_payload(
    new: NewUpdate, fields: Mapping[str, Any], *, added: Sequence[str], removed: Sequence[str], at: datetime
) -> bytes:
    """The payload of `document.updated` with these whole fields."""
    more = {"reason": new.reason, "added": list(added), "removed": list(removed), "original": new.original}
    return _dump({"document": dict(fields), "at": rfc3339(at), **more})


def recalled_payload(new: NewRecall, reference: Mapping[str, Any], at: datetime) -> bytes:
    """The payload of `document.recalled`."""
    more = {"reason": new.reason, "staff": new.staff, "original": new.original}
    return _dump({"document": reference, "at": rfc3339(at), **more})


def same_fields(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two documents say the same, however their letters are composed."""
    return _digest(_dump({"document": one})) == _digest(_dump({"document": other}))


def _dump(payload: Mapping[str, Any]) -> bytes:
    """What is empty is left out, but for the document's own fields."""
    return orjson.dumps({name: value for name, value in payload.items() if value}, option=orjson.OPT_SORT_KEYS)


def _digest(value: bytes) -> str:
    return hashlib.sha256(unicodedata.normalize("NFC", value.decode()).encode()).hexdigest()


def status_payload(step: Step, staff: str | None, reference: Mapping[str, Any]) -> bytes:
    """The payload of `document.status-changed`."""
    fields = {
        "document": reference,
        "code": step.code.value,
        "description": step.description,
        "staff": staff,
        "at": rfc3339(step.at),
        "answers": list(step.answers) or None,
    }
    return orjson.dumps({name: value for name, value in fields.items() if value is not None})


def digests(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Attachments of a document's fact, its original among them, each once."""
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
