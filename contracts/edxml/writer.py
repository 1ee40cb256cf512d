"""Writes messages the way EdXML102-0.0.3 does: its element order, prefixes and line breaks. Same input, same bytes.

Forwarding is not done here: see trace.py.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid5

from contracts.edxml.archive import wrap
from contracts.edxml.attachments import Attachment
from contracts.edxml.encoding import encode
from contracts.edxml.errors import EdxmlError
from contracts.edxml.model import (
    NAMESPACE,
    Business,
    Document,
    Organization,
    OtherInfo,
    ResponseFor,
    StaffInfo,
    Status,
)
from contracts.edxml.text import escape
from contracts.edxml.values import write_date, write_moment

_PREFIX: Final = "edXML:"
_LINE: Final = b"\r\n"
_CONTENT_IDS: Final = UUID("0d4b3c52-1c0f-5e39-8f0a-5c6b8d1b7a43")

Scalar = str | int | bool | date | datetime | None


class _Lines:
    """XML under construction, line by line. Absent values write nothing."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = [b'<?xml version="1.0" encoding="UTF-8"?>', _LINE]
        self._open: list[str] = []

    def open(self, name: str, attributes: str = "") -> None:
        self._pieces += (self._margin(), f"<{name}{attributes}>".encode(), _LINE)
        self._open.append(name)

    def close(self, count: int = 1) -> None:
        for _ in range(count):
            name = self._open.pop()
            self._pieces += (self._margin(), f"</{name}>".encode(), _LINE)

    def leaf(self, name: str, value: Scalar, *, prefix: str = _PREFIX) -> None:
        if value is not None:
            text = escape(_text(value), "/" + "/".join((*self._open, name)))
            self._element(prefix + name, "", text)

    def raw(self, name: str, attributes: str, content: bytes) -> None:
        self._element(name, attributes, content)

    def finish(self) -> bytes:
        self.close(len(self._open))
        return b"".join(self._pieces)

    def _element(self, name: str, attributes: str, content: bytes) -> None:
        self._pieces += (self._margin(), f"<{name}{attributes}>".encode(), content, f"</{name}>".encode(), _LINE)

    def _margin(self) -> bytes:
        return b"  " * len(self._open)


def write_document(document: Document, attachments: Sequence[Attachment] = ()) -> bytes:
    """The document with these files; `document.attachments` and `signature_present` are not looked at.

    A file without content id gets one that follows from document, place and digest.
    """
    _require(document.document_id, "DocumentId")
    _require(document.to, "To")
    lines = _begin()
    _message_header(lines, document)
    if document.trace_headers or document.business:
        lines.open(_PREFIX + "TraceHeaderList")
        if document.business is not None:
            _business(lines, document.business)
        for hop in document.trace_headers:
            lines.open(_PREFIX + "TraceHeader")
            lines.leaf("OrganId", hop.organ_id)
            lines.leaf("Timestamp", hop.timestamp)
            lines.close()
        lines.close()
    lines.close()
    _attachments(lines, document, attachments)
    return lines.finish()


def write_status(status: Status) -> bytes:
    _require(status.status_code, "StatusCode")
    _require(status.response_for.organ_id, "ResponseFor/OrganId")
    lines = _begin()
    lines.open(_PREFIX + "MessageHeader")
    _organization(lines, "From", status.sender)
    _response_for(lines, status.response_for)
    if status.staff_info is not None:
        _staff(lines, status.staff_info)
    lines.leaf("StatusCode", status.status_code)
    lines.leaf("Description", status.description)
    lines.leaf("Timestamp", status.timestamp)
    return lines.finish()


def _begin() -> _Lines:
    lines = _Lines()
    lines.open("edXML", f' xmlns="{NAMESPACE}"')
    lines.open(_PREFIX + "edXMLEnvelope", f' xmlns:edXML="{NAMESPACE}"')
    lines.open(_PREFIX + "edXMLHeader")
    return lines


def _message_header(lines: _Lines, document: Document) -> None:
    lines.open(_PREFIX + "MessageHeader")
    _organization(lines, "From", document.sender)
    for recipient in document.to:
        _organization(lines, "To", recipient)
    lines.leaf("DocumentId", document.document_id)
    _group(lines, "Code", CodeNumber=document.code_number, CodeNotation=document.code_notation)
    _group(lines, "PromulgationInfo", Place=document.place, PromulgationDate=document.promulgation_date)
    _group(lines, "DocumentType", Type=document.type, TypeDetail=document.type_detail, TypeName=document.type_name)
    lines.leaf("Subject", document.subject)
    lines.leaf("Content", document.content)
    if (signer := document.signer_info) is not None:
        _group(lines, "SignerInfo", Competence=signer.competence, Position=signer.position, FullName=signer.full_name)
    lines.leaf("DueDate", document.due_date)
    if document.other_info is not None and document.other_info != OtherInfo():
        _other_info(lines, document.other_info)
    for response in document.response_for:
        _response_for(lines, response)
    lines.leaf("SteeringType", document.steering_type)
    _list(lines, "ResponseForTask", "TaskCode", document.response_for_task)
    lines.leaf("ApplicationType", document.application_type)
    _list(lines, "ToPlaces", "Place", document.to_places)
    lines.close()


def _organization(lines: _Lines, name: str, organization: Organization) -> None:
    _require(organization.organ_id, f"{name}/OrganId")
    _group(
        lines,
        name,
        OrganId=organization.organ_id,
        OrganizationInCharge=organization.organization_in_charge,
        OrganName=organization.organ_name,
        OrganAdd=organization.organ_add,
        Email=organization.email,
        Telephone=organization.telephone,
        Fax=organization.fax,
        Website=organization.website,
    )


def _response_for(lines: _Lines, response: ResponseFor) -> None:
    _group(
        lines,
        "ResponseFor",
        OrganId=response.organ_id,
        Code=response.code,
        DocumentId=response.document_id,
        PromulgationDate=response.promulgation_date,
    )


def _staff(lines: _Lines, staff: StaffInfo) -> None:
    _group(
        lines,
        "StaffInfo",
        Department=staff.department,
        DepartmentId=staff.department_id,
        Staff=staff.staff,
        StaffId=staff.staff_id,
        Email=staff.email,
        Mobile=staff.mobile,
    )


def _other_info(lines: _Lines, other: OtherInfo) -> None:
    lines.open(_PREFIX + "OtherInfo")
    lines.leaf("Priority", other.priority)
    lines.leaf("SphereOfPromulgation", other.sphere_of_promulgation)
    lines.leaf("TyperNotation", other.typer_notation)
    lines.leaf("PromulgationAmount", other.promulgation_amount)
    lines.leaf("PageAmount", other.page_amount)
    lines.leaf("ReplyFors", other.reply_fors)
    lines.leaf("Direction", other.direction)
    lines.leaf("ReferenceCodes", other.reference_codes)
    _list(lines, "Appendixes", "Appendix", other.appendixes)
    lines.close()


def _business(lines: _Lines, business: Business) -> None:
    lines.open(_PREFIX + "Bussiness")
    lines.leaf("DocumentId", business.document_id)
    lines.leaf("BussinessDocType", business.doc_type)
    lines.leaf("BussinessDocReason", business.doc_reason)
    lines.leaf("Paper", business.paper)
    for change in business.document_changes:
        lines.open(_PREFIX + "BussinessDocumentInfo")
        lines.leaf("DocumentInfo", change.document_info)
        lines.leaf("DocumentReceiver", change.document_receiver)
        if change.receivers:
            lines.open(_PREFIX + "ReceiverList")
            for receiver in change.receivers:
                _group(lines, "Receiver", OrganId=receiver.organ_id, ReceiverType=receiver.receiver_type)
            lines.close()
        lines.close()
    if business.replacements:
        lines.open(_PREFIX + "ReplacementInfoList")
        for replacement in business.replacements:
            lines.open(_PREFIX + "ReplacementInfo")
            lines.leaf("DocumentId", replacement.document_id)
            _list(lines, "OrganIdList", "OrganId", replacement.organ_ids)
            lines.close()
        lines.close()
    for staff in business.staff_info:
        _staff(lines, staff)
    lines.close()


def _attachments(lines: _Lines, document: Document, attachments: Sequence[Attachment]) -> None:
    """Closes the envelope between the manifest and the contents, which are its sibling."""
    packed = [
        (_content_id(document, place, each), each, *wrap(each.content, each.name, each.sha256))
        for place, each in enumerate(attachments)
    ]
    lines.open(_PREFIX + "edXMLBody")
    lines.open(_PREFIX + "edXMLManifest", ' version="1.0"')
    for content_id, attachment, _, content_type in packed:
        _group(
            lines,
            "Reference",
            ContentId=content_id,
            ContentType=content_type,
            Description=attachment.description,
            AttachmentName=attachment.name,
        )
    lines.close(3)
    if not packed:
        return
    lines.open("AttachmentEncoded")
    for content_id, attachment, content, content_type in packed:
        lines.open("Attachment")
        lines.leaf("ContentId", content_id, prefix="")
        lines.leaf("AttachmentName", attachment.name, prefix="")
        lines.leaf("Description", attachment.description, prefix="")
        lines.leaf("ContentType", content_type, prefix="")
        lines.raw(_PREFIX + "ContentTransferEncoded", f' xmlns:edXML="{NAMESPACE}"', encode(content))
        lines.close()
    lines.close()


def _content_id(document: Document, place: int, attachment: Attachment) -> str:
    own = attachment.content_id or uuid5(_CONTENT_IDS, f"{document.document_id}\n{place}\n{attachment.sha256}")
    return f"cid:{own}"


def _group(lines: _Lines, name: str, **fields: Scalar) -> None:
    """An element with leaves, left out when all of them are absent."""
    if any(value is not None for value in fields.values()):
        lines.open(_PREFIX + name)
        for field, value in fields.items():
            lines.leaf(field, value)
        lines.close()


def _list(lines: _Lines, name: str, item: str, values: Sequence[str]) -> None:
    if values:
        lines.open(_PREFIX + name)
        for value in values:
            lines.leaf(item, value)
        lines.close()


def _text(value: str | int | bool | date | datetime) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return write_moment(value)
    if isinstance(value, date):
        return write_date(value)
    return str(value)


def _require(value: object, name: str) -> None:
    if not value:
        raise EdxmlError("edxml.missing_field", f"/edXML/edXMLEnvelope/edXMLHeader/MessageHeader/{name}", "required")
