"""What goes out to the axis, and the statuses that come in from it, as files and facts. Pure: attachments are given to
it. Documents that come in are in `incoming.py`."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid5

import orjson
from pydantic import ValidationError

from contracts.directory import Directory, local_date
from contracts.edxml import changes
from contracts.edxml.attachments import Attachment as File
from contracts.edxml.mapping import edxml_document, edxml_status, status_fields
from contracts.edxml.model import Document, Status
from contracts.edxml.trace import append_trace
from contracts.edxml.writer import write_document, write_status
from contracts.envelope import Envelope
from contracts.identifiers import HUB_NAMESPACE, document_key
from contracts.messages import document as messages
from contracts.registry import MESSAGES
from contracts.statuses import DocumentStatus

EDXML = "application/edxml+xml"


class Unfit(Exception):
    """A file from the axis that cannot become a fact; the text goes back as the description of `fail`."""


def outgoing(
    kind: str, payload: dict[str, Any], *, sender: str, organs: Sequence[str], directory: Directory, at: datetime,
    original: bytes | None, files: Sequence[File], hub: str, about: dict[str, Any] | None = None,
) -> bytes:  # fmt: skip
    """The edXML file of a fact: the original bytes with one TraceHeader more, or a file written from the payload.

    `about` are the fields of the document that is recalled, as far as they are still known.
    """
    if kind == "document.status-changed":
        fields = messages.StatusChanged.model_validate(payload)
        organ = directory.find(sender, local_date(at))
        return write_status(
            edxml_status(fields, sender=sender, addressee=organs[0], name=organ.name if organ else None)
        )
    if original is None:
        named = about if kind == "document.recalled" else payload["document"]
        names = _names(directory, [sender, *organs, *(named["to"] if named else ())], at)
        original = write_document(_message(kind, payload, organs, about, names), files)
    return append_trace(original, hub, at)


def _message(
    kind: str, payload: dict[str, Any], organs: Sequence[str], about: dict[str, Any] | None, names: dict[str, str]
) -> Document:
    if kind == "document.recalled":
        fields = messages.Document.model_validate(about) if about else None
        return changes.edxml_recall(messages.Recalled.model_validate(payload), to=organs, about=fields, names=names)
    if kind == "document.updated":
        return changes.edxml_update(messages.Updated.model_validate(payload), names=names)
    if kind == "document.replaced":
        return changes.edxml_replacement(messages.Replaced.model_validate(payload), names=names)
    return edxml_document(messages.Document.model_validate(payload["document"]), names=names)


def _names(directory: Directory, codes: Sequence[str], at: datetime) -> dict[str, str]:
    found = {code: directory.find(code, local_date(at)) for code in codes}
    return {code: organ.name for code, organ in found.items() if organ}


def fact_id(data: bytes) -> str:
    """The same file is the same fact, under however many DocIds the axis offers it and however often it is fetched."""
    return str(uuid5(HUB_NAMESPACE, f"axis\n{hashlib.sha256(data).hexdigest()}"))


def status_fact(message: Status, *, data: bytes, source: str, directory: Directory, at: datetime) -> Envelope:
    """`document.status-changed` from a central organ to the sender of the document it names (13: to its receiver)."""
    sender, addressee = organ_of(directory, message.sender.organ_id, at), organ_of(directory, message.addressee, at)
    document_id = message.response_for.document_id
    if not document_id:
        raise Unfit("thieu ResponseFor/DocumentId")
    owner = sender if message.status_code == DocumentStatus.TAKE_BACK else addressee
    id_ = document_key(owner, document_id)
    fields = status_fields(message, id_=id_, document_id=document_id, sender=owner, at=at, promulgated_on=None)
    try:
        payload = messages.StatusChanged(**fields)
    except ValidationError as error:
        raise Unfit(f"truong khong hop le: {error.errors()[0]['loc']}") from None
    return _envelope(
        "document.status-changed",
        data=data,
        subject=id_,
        sender=sender,
        recipients=(addressee,),
        source=source,
        at=at,
        value=payload.model_dump_json(exclude_none=True).encode(),
    )


def organ_of(directory: Directory, code: str, at: datetime) -> str:
    """The organ's own code; raises `Unfit` for one the registry does not have."""
    organ = directory.find(code, local_date(at))
    if organ is None:
        raise Unfit("don vi khong co trong danh muc")
    return organ.code


def _envelope(kind: str, *, data: bytes, at: datetime, **attributes: Any) -> Envelope:
    version = MESSAGES[kind].version
    return Envelope(id=fact_id(data), type=kind, version=version, time=at, occurredat=at, **attributes)


def payload_of(value: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(value)
    return parsed
