"""Between edXML and the payload of `document.issued`: what a message says in the hub's words, and back.

What the payload has no place for stays in the original file, which travels beside it unchanged.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from contracts.edxml.attachments import Attachment
from contracts.edxml.errors import EdxmlError
from contracts.edxml.mapping import HEADER, edxml_document, payload_fields
from contracts.edxml.model import DOCUMENT_NEW, Document, Status
from contracts.edxml.writer import write_document
from contracts.messages import document as payloads
from contracts.problems import HubError
from contracts.statuses import DocumentStatus
from services.office.documents.rules import NewStatus, status_code

MEDIA_TYPE: Final = "application/edxml+xml"
MEDIA_TYPES: Final = (MEDIA_TYPE, "application/xml", "text/xml")
BUSINESS: Final = "/edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness/BussinessDocType"
ORIGINAL_NAME: Final = "document.edxml"
MAX_FILES: Final = 100

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
    field = pointer.removeprefix("/document/").partition("/")[0]
    if field == "attachments":
        return "/edXML/AttachmentEncoded/Attachment"
    return f"{HEADER}/{_ELEMENTS[field]}" if field in _ELEMENTS else HEADER


def sender_element() -> str:
    return f"{HEADER}/From/OrganId"


def status_element(pointer: str) -> str:
    """The edXML element of a status message behind a pointer into a posted status."""
    return f"{HEADER}/{_STATUS_ELEMENTS.get(pointer.split('/')[1] if pointer else '', 'StatusCode')}"


def require_new(message: Document) -> None:
    """Recalls, updates and replacements must not pass as new documents."""
    if message.doc_type != DOCUMENT_NEW:
        raise HubError("request.invalid", "only new documents (BussinessDocType 0) are taken", pointer=BUSINESS)
    if len(message.attachments) > MAX_FILES:
        raise HubError(
            "edxml.invalid", f"a document may have {MAX_FILES} files", pointer=element("/document/attachments")
        )


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
