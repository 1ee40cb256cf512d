"""Between edXML and the payload of `document.issued`: what a message says in the hub's words, and back.

What the payload has no place for stays in the original file, which travels beside it unchanged.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from contracts.edxml import changes
from contracts.edxml.attachments import Attachment
from contracts.edxml.errors import EdxmlError
from contracts.edxml.mapping import HEADER, edxml_document, payload_fields
from contracts.edxml.model import (
    DOCUMENT_NEW,
    DOCUMENT_RECALL,
    DOCUMENT_REPLACE,
    DOCUMENT_UPDATE,
    Document,
    Status,
)
from contracts.edxml.writer import write_document
from contracts.identifiers import organ_key
from contracts.messages import document as payloads
from contracts.problems import HubError
from contracts.statuses import DocumentStatus
from services.office.documents.rules import NewDocument, NewRecall, NewStatus, NewUpdate, status_code

MEDIA_TYPE: Final = "application/edxml+xml"
MEDIA_TYPES: Final = (MEDIA_TYPE, "application/xml", "text/xml")
BUSINESS: Final = "/edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness"
ORIGINAL_NAME: Final = "document.edxml"
MAX_FILES: Final = 100
DOCUMENT_TYPES: Final = (DOCUMENT_NEW, DOCUMENT_RECALL, DOCUMENT_UPDATE, DOCUMENT_REPLACE)

_WEIGHT: Final = re.compile(r"[01](\.[0-9]{0,3})?")
_ELEMENTS: Final = {
    "sender": "From/OrganId",
    "to": "To/OrganId",
    "document_id": "DocumentId",
    "number": "Code/CodeNumber",
    "notation": "Code/CodeNotation",
    "promulgated_on": "PromulgationInfo/PromulgationDate",
    "place": "PromulgationInfo/Place",
    "type": "DocumentType/Type",
    "type_name": "DocumentType/TypeName",
    "subject": "Subject",
    "content": "Content",
    "signer": "SignerInfo",
    "priority": "OtherInfo/Priority",
    "due_on": "DueDate",
    "response_for": "ResponseFor",
}
_BUSINESS_ELEMENTS: Final = {
    "reason": "BussinessDocReason",
    "staff": "StaffInfo/Staff",
    "replaces": "ReplacementInfoList",
    "add": "BussinessDocumentInfo/ReceiverList",
    "added": "BussinessDocumentInfo/ReceiverList",
    "remove": "BussinessDocumentInfo/ReceiverList",
    "removed": "BussinessDocumentInfo/ReceiverList",
}
_STATUS_ELEMENTS: Final = {
    "document": "ResponseFor/DocumentId",
    "to": "ResponseFor/OrganId",
    "description": "Description",
    "staff": "StaffInfo/Staff",
}


def refusal(error: EdxmlError) -> HubError:
    """The codec's word as a problem; it names elements and limits, never content."""
    code = "size.too_large" if error.code == "edxml.too_large" else "edxml.invalid"
    return HubError(code, f"{error.code}: {error.detail}", pointer=error.path)


def element(pointer: str) -> str:
    """The edXML element behind a pointer into the payload."""
    field = pointer.removeprefix("/document").removeprefix("/").partition("/")[0]
    if field == "attachments":
        return "/edXML/AttachmentEncoded/Attachment"
    if field in _BUSINESS_ELEMENTS:
        return f"{BUSINESS}/{_BUSINESS_ELEMENTS[field]}"
    return f"{HEADER}/{_ELEMENTS[field]}" if field in _ELEMENTS else HEADER


def sender_element() -> str:
    return f"{HEADER}/From/OrganId"


def status_element(pointer: str) -> str:
    """The edXML element of a status message behind a pointer into a posted status."""
    return f"{HEADER}/{_STATUS_ELEMENTS.get(pointer.split('/')[1] if pointer else '', 'StatusCode')}"


def require_known(message: Document) -> None:
    """What is no new document, recall, update or replacement must not pass as one of them."""
    if message.doc_type not in DOCUMENT_TYPES:
        raise HubError("request.invalid", "BussinessDocType is 0, 1, 2 or 3", pointer=f"{BUSINESS}/BussinessDocType")
    if len(message.attachments) > MAX_FILES:
        raise HubError(
            "edxml.invalid", f"a document may have {MAX_FILES} files", pointer=element("/document/attachments")
        )


def earlier(message: Document) -> tuple[str, ...]:
    """DocumentIds a recall or update may mean, the likelier first."""
    return changes.earlier_ids(message)


def replaced(message: Document) -> dict[str, str]:
    """DocumentIds a replacement names, each once, with the element that does."""
    named = changes.replaced_ids(message)
    if not named:
        raise HubError("edxml.invalid", "it names no document to replace", pointer=f"{BUSINESS}/ReplacementInfoList")
    listed = message.business is not None and message.business.replacements
    place = f"{BUSINESS}/ReplacementInfoList/ReplacementInfo" if listed else BUSINESS
    return dict.fromkeys(named, f"{place}/DocumentId")


def read_recall(message: Document, original: Mapping[str, Any]) -> NewRecall:
    """A file of type 1, sent to those it is for."""
    return NewRecall(
        reason=changes.reason(message),
        staff=changes.staff(message),
        targets=[each.organ_id for each in message.to],
        loose=True,
        original=original,
        pointer=element,
    )


def read_update(message: Document, kept: Sequence[Mapping[str, Any]], original: Mapping[str, Any]) -> NewUpdate:
    """A file of type 2: what stands in it changes. ReceiverList and To may disagree: whoever stands in To and is not
    removed has the document afterwards."""
    listed = changes.receivers(message)
    left_out = {organ_key(each) for each in listed.removed}
    silent = {"document_id", "sender", "to"}
    silent |= {"type"} if message.type is None else set()
    silent |= {"priority"} if message.other_info is None or message.other_info.priority is None else set()
    read = read_fields(message)
    fields = {name: value for name, value in read.items() if value not in ("", []) and name not in silent}
    return NewUpdate(
        fields=fields | ({"attachments": list(kept)} if kept else {}),
        add=listed.added,
        remove=listed.removed,
        to=[each.organ_id for each in message.to if organ_key(each.organ_id) not in left_out],
        loose=True,
        reason=changes.reason(message),
        original=original,
        pointer=element,
    )


def read_document(message: Document, kept: Sequence[Mapping[str, Any]], original: Mapping[str, Any]) -> NewDocument:
    """A file of type 0 or 3."""
    reason = changes.reason(message) if message.doc_type == DOCUMENT_REPLACE else None
    fields = read_fields(message) | {"attachments": list(kept)}
    return NewDocument(fields=fields, original=original, reason=reason, pointer=element)


def is_wanted(accept: str | None) -> bool:
    """Whether an Accept header asks for the file: named, and not less than JSON or anything."""
    weights: dict[str, float] = {}
    for part in (accept or "").lower().split(","):
        media_type, *parameters = (each.strip() for each in part.split(";"))
        weights[media_type] = max(weights.get(media_type, 0.0), _weight(parameters))
    own = weights.get(MEDIA_TYPE, 0.0)
    anything = max(weights.get("*/*", 0.0), weights.get("application/*", 0.0))
    return own > weights.get("application/json", 0.0) and own >= anything


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name.strip() == "q":
            return float(text) if _WEIGHT.fullmatch(text.strip()) else 0.0
    return 1.0


def read_fields(message: Document) -> dict[str, Any]:
    """The document's fields without attachments; refuses what no payload can carry."""
    try:
        return payload_fields(message)
    except EdxmlError as error:
        raise refusal(error) from error


def read_status(message: Status) -> NewStatus:
    """A status message; of its StaffInfo only the name of who acted. A time before this century is nobody's clock."""
    when = message.timestamp
    return NewStatus(
        code=status_code(message.status_code, status_element("/code")),
        description=message.description,
        staff=message.staff_info.staff if message.staff_info else None,
        targets=(message.addressee,) if message.status_code == DocumentStatus.TAKE_BACK else None,
        at=when if when is not None and when.year >= 2000 else None,
        pointer=status_element,
    )


def write(document: payloads.Document, files: Sequence[Attachment]) -> bytes:
    """The edXML file of a document that was posted as JSON; the same document gives the same bytes."""
    return write_document(edxml_document(document), files)
