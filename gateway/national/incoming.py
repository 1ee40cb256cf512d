"""Documents from the axis as facts: new ones, recalls, updates and replacements of central organs. Pure: attachments,
and what the gateway knows of earlier documents, are given to it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid5

import orjson
from pydantic import ValidationError

from contracts.directory import Directory, local_date
from contracts.edxml import changes
from contracts.edxml.mapping import payload_fields
from contracts.edxml.model import DOCUMENT_NEW, DOCUMENT_RECALL, DOCUMENT_REPLACE, DOCUMENT_UPDATE, Document
from contracts.envelope import Envelope
from contracts.identifiers import HUB_NAMESPACE, document_key
from contracts.messages import document as messages
from contracts.messages.base import Attachment, Payload
from contracts.registry import MESSAGES
from gateway.national.rules import Unfit, fact_id, organ_of
from gateway.subjects.rules import DocumentState

NOBODY = "khong co don vi nhan cua tinh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A message with all that is needed to judge it. `known` are earlier documents it may mean, by subject."""

    message: Document
    data: bytes
    source: str
    directory: Directory
    at: datetime
    attachments: Sequence[Attachment]
    original: Attachment
    known: Mapping[str, DocumentState]

    @property
    def sender(self) -> str:
        return organ_of(self.directory, self.message.sender.organ_id, self.at)

    def ours(self, codes: Sequence[str]) -> list[str]:
        """The organs of this hub among them, by the codes messages reach them under."""
        found = (self.directory.resolve(code, local_date(self.at)).organ for code in codes)
        return list(dict.fromkeys(organ.code for organ in found if organ and organ.home != "axis"))

    @property
    def recipients(self) -> list[str]:
        return self.ours([each.organ_id for each in self.message.to])

    @property
    def written(self) -> tuple[str, ...]:
        """Our recipients as the message has them: routing notes who took over from whom."""
        return tuple(each.organ_id for each in self.message.to if self.ours([each.organ_id]))


def mentioned(message: Document, sender: str) -> set[str]:
    """Subjects of the earlier documents a message may mean."""
    if message.doc_type == DOCUMENT_NEW:
        return set()
    names = {*changes.earlier_ids(message), *changes.replaced_ids(message)}
    return {document_key(sender, name) for name in names}


def facts(arrived: Arrived) -> list[Envelope]:
    """Facts from a central organ to our organs among its recipients. Numbered later, under the lock.

    An update or replacement of what never came here is a new document; a recall of it is refused.
    """
    kind = arrived.message.doc_type
    if kind == DOCUMENT_RECALL:
        return [_recall(arrived, arrived.recipients, _earlier(arrived))]
    if kind == DOCUMENT_UPDATE and _earlier(arrived):
        return _update(arrived)
    if kind == DOCUMENT_REPLACE:
        return [_replaced(arrived)]
    if kind not in (DOCUMENT_NEW, DOCUMENT_UPDATE):
        raise Unfit("BussinessDocType khong hop le")
    return [_issued(arrived)]


def _earlier(arrived: Arrived) -> str | None:
    """The subject meant, of those known the likelier."""
    keys = (document_key(arrived.sender, name) for name in changes.earlier_ids(arrived.message))
    return next((key for key in keys if key in arrived.known), None)


def _issued(arrived: Arrived) -> Envelope:
    document = _document(arrived)
    payload = messages.Issued(document=document, original=arrived.original)
    return _envelope(arrived, "document.issued", document_key(arrived.sender, document.document_id), payload)


def _replaced(arrived: Arrived) -> Envelope:
    named = {name: document_key(arrived.sender, name) for name in changes.replaced_ids(arrived.message)}
    replaces = [{"document_id": name, "id": key} for name, key in named.items() if key in arrived.known]
    if not replaces:
        return _issued(arrived)
    document = _document(arrived)
    reason = _reason(arrived)
    payload = _made(messages.Replaced, document=document, replaces=replaces, reason=reason, original=arrived.original)
    return _envelope(arrived, "document.replaced", document_key(arrived.sender, document.document_id), payload)


def _update(arrived: Arrived) -> list[Envelope]:
    """Whoever stands in To and is not removed has the document afterwards; those removed are told a recall."""
    subject = _earlier(arrived) or ""
    earlier, listed = arrived.known[subject], changes.receivers(arrived.message)
    removed = arrived.ours(listed.removed)
    named = arrived.ours(listed.added)
    kept = [organ for organ in (*arrived.recipients, *named) if organ not in removed]
    found = []
    if kept:
        added = [organ for organ in dict.fromkeys(kept) if organ in named or organ not in earlier.recipients]
        payload = _made(
            messages.Updated,
            document=_document(arrived, document_id=earlier.document_id),
            reason=_reason(arrived),
            added=added,
            removed=removed,
            at=arrived.at,
            original=arrived.original,
        )
        found.append(_envelope(arrived, "document.updated", subject, payload, tuple(dict.fromkeys(kept))))
    if any(organ in earlier.recipients for organ in removed):
        found.append(_recall(arrived, removed, subject))
    if not found:
        raise Unfit(NOBODY)
    return found


def _recall(arrived: Arrived, organs: Sequence[str], subject: str | None) -> Envelope:
    if subject is None:
        raise Unfit("document.unknown")
    earlier = arrived.known[subject]
    asked = tuple(organ for organ in organs if organ in earlier.recipients)
    if not asked:
        raise Unfit(NOBODY)
    reference = {"id": subject, "document_id": earlier.document_id, "sender": arrived.sender, "code": earlier.code}
    payload = _made(
        messages.Recalled,
        document=reference | ({"promulgated_on": earlier.promulgated_on} if earlier.promulgated_on else {}),
        reason=_reason(arrived),
        staff=changes.staff(arrived.message),
        at=arrived.at,
        original=arrived.original if arrived.message.doc_type == DOCUMENT_RECALL else None,
    )
    return _envelope(arrived, "document.recalled", subject, payload, asked)


def _reason(arrived: Arrived) -> str | None:
    return changes.reason(arrived.message)


def _document(arrived: Arrived, **changed: Any) -> messages.Document:
    fields = payload_fields(arrived.message) | {"sender": arrived.sender} | changed
    document: messages.Document = _made(messages.Document, **fields, attachments=list(arrived.attachments))
    return document


def _made(model: type[Payload], **fields: Any) -> Any:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise Unfit(f"truong khong hop le: {error.errors()[0]['loc']}") from None


def _envelope(
    arrived: Arrived, kind: str, subject: str, payload: Payload, recipients: tuple[str, ...] | None = None
) -> Envelope:
    ours = arrived.written if recipients is None else recipients
    if not ours:
        raise Unfit(NOBODY)
    changing = kind in ("document.recalled", "document.updated")
    return Envelope(
        id=_change_id(arrived, kind, subject, payload) if changing else fact_id(arrived.data),
        type=kind,
        version=MESSAGES[kind].version,
        subject=subject,
        sender=arrived.sender,
        recipients=ours,
        source=arrived.source,
        time=arrived.at,
        occurredat=arrived.at,
        value=payload.model_dump_json(exclude_none=True).encode(),
    )


def _change_id(arrived: Arrived, kind: str, subject: str, payload: Payload) -> str:
    """The axis may hand on a copy for each organ, with a TraceHeader more in each: what the message says, and where and
    when it set out, make the fact. A recall that is asked for again sets out anew."""
    said = payload.model_dump(mode="json", exclude={"original", "at"})
    first = arrived.message.trace_headers[:1]
    outset = [[hop.organ_id, hop.timestamp] for hop in first] or hashlib.sha256(arrived.data).hexdigest()
    content = orjson.dumps([kind, subject, outset, said], option=orjson.OPT_SORT_KEYS)
    return str(uuid5(HUB_NAMESPACE, f"axis\n{hashlib.sha256(content).hexdigest()}"))
