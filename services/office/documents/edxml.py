"""Between edXML and the payload of `document.issued`: what a message says in the hub's words, and back.

What the payload has no place for stays in the original file, which travels beside it unchanged.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from contracts.edxml.attachments import Attachment
from contracts.edxml.errors import EdxmlError
from contracts.edxml.model import (
    DOCUMENT_NEW,
    Document,
    Organization,
    OtherInfo,
    ResponseFor,
    SignerInfo,
    Status,
)
from contracts.edxml.writer import write_document
from contracts.identifiers import ORGAN_PATTERN, organ_key
from contracts.messages import document as payloads
from contracts.problems import HubError
from contracts.statuses import DocumentStatus
from services.office.documents.rules import NewStatus, status_code

MEDIA_TYPE: Final = "application/edxml+xml"
MEDIA_TYPES: Final = (MEDIA_TYPE, "application/xml", "text/xml")
HEADER: Final = "/edXML/edXMLEnvelope/edXMLHeader/MessageHeader"
BUSINESS: Final = "/edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness/BussinessDocType"
ORIGINAL_NAME: Final = "document.edxml"
MAX_FILES: Final = 100
TYPE_OF_THE_SDK: Final = 2
"""What EdXML102-0.0.3 reads where no type stands."""

_ORGAN: Final = re.compile(ORGAN_PATTERN)
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
    """The document's fields without attachments. Dates and numbers outside the contract's range are left out, as the
    codec does with unreadable ones; they still stand in the original."""
    priority = message.other_info.priority if message.other_info else None
    fields = {
        "document_id": message.document_id,
        "sender": _organ(message.sender.organ_id, "From"),
        "to": _recipients(message.to),
        "number": message.code_number or "",
        "notation": message.code_notation or "",
        "promulgated_on": _day(message.promulgation_date),
        "place": message.place,
        "type": message.type if message.type is not None and 0 <= message.type <= 10_000 else TYPE_OF_THE_SDK,
        "type_name": message.type_name or "",
        "subject": message.subject or "",
        "content": message.content,
        "signer": _signer(message.signer_info),
        "priority": priority if priority in (0, 1, 2, 3, 4) else 0,
        "due_on": _day(message.due_date),
        "response_for": [each for each in map(_answered, message.response_for) if each],
    }
    return {name: value for name, value in fields.items() if value is not None}


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
    signer = document.signer
    message = Document(
        sender=Organization(document.sender),
        to=tuple(Organization(organ) for organ in document.to),
        document_id=document.document_id,
        code_number=document.number or None,
        code_notation=document.notation or None,
        place=document.place,
        promulgation_date=document.promulgated_on,
        type=document.type,
        type_name=document.type_name or None,
        subject=document.subject or None,
        content=document.content,
        signer_info=SignerInfo(signer.competence, signer.position, signer.name) if signer else None,
        due_date=document.due_on,
        other_info=OtherInfo(priority=document.priority) if document.priority else None,
        response_for=tuple(
            ResponseFor(each.organ, each.code, each.document_id, each.promulgated_on) for each in document.response_for
        ),
    )
    return write_document(message, files)


def _organ(written: str, name: str) -> str:
    if _ORGAN.fullmatch(written) is None:
        raise HubError("edxml.invalid", "not an organ code", pointer=f"{HEADER}/{name}/OrganId")
    return written


def _recipients(to: Iterable[Organization]) -> list[str]:
    """As written; one named twice counts once."""
    found: dict[str, str] = {}
    for place, organization in enumerate(to, start=1):
        written = _organ(organization.organ_id, f"To[{place}]")
        found.setdefault(organ_key(written), written)
    return list(found.values())


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None and 1000 <= day.year <= 2999 else None


def _signer(info: SignerInfo | None) -> dict[str, str] | None:
    if info is None:
        return None
    fields = {"competence": info.competence, "position": info.position, "name": info.full_name}
    return {name: text for name, text in fields.items() if text is not None} or None


def _answered(response: ResponseFor) -> dict[str, str] | None:
    """An answered document without an organ code cannot be named in the payload."""
    if response.organ_id is None or _ORGAN.fullmatch(response.organ_id) is None:
        return None
    fields = {
        "organ": response.organ_id,
        "code": response.code,
        "promulgated_on": _day(response.promulgation_date),
        "document_id": response.document_id,
    }
    return {name: text for name, text in fields.items() if text is not None}
