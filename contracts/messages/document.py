"""Payloads of the facts about a document (văn bản điện tử). Field names follow edXML (QCVN 102:2016) in snake_case."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from contracts.identifiers import OrganId, TransferId
from contracts.messages.base import (
    Attachment,
    Attachments,
    Date,
    LongText,
    Moment,
    NoNul,
    Payload,
    ShortText,
    Speakable,
    Text,
    Whole,
)
from contracts.statuses import DocumentStatus

CodePart = Annotated[str, StringConstraints(max_length=100), Speakable, NoNul]
DocumentId = Annotated[ShortText, Field(description="edXML DocumentId: opaque, case-sensitive")]


class Signer(Payload):
    """SignerInfo: quyền hạn, chức vụ, họ tên."""

    competence: Text | None = None
    position: Text | None = None
    name: Text | None = None


class ResponseFor(Payload):
    """The document answered."""

    organ: OrganId
    code: ShortText | None = None
    promulgated_on: Date | None = None
    document_id: ShortText | None = None


class Document(Payload):
    """The fields of a document, whichever way it came in (JSON or edXML)."""

    document_id: DocumentId
    sender: OrganId
    """From/OrganId."""
    to: Annotated[list[OrganId], Field(min_length=1, max_length=1000)]
    """To/OrganId of every recipient."""
    number: CodePart = ""
    """Code/CodeNumber: số."""
    notation: CodePart = ""
    """Code/CodeNotation: ký hiệu."""
    promulgated_on: Date | None = None
    """PromulgationInfo/PromulgationDate: ngày ban hành."""
    place: Text | None = None
    """PromulgationInfo/Place: nơi ban hành."""
    type: Annotated[int, Field(ge=0, le=10_000), Whole] = 2
    """DocumentType/Type: two number lists are in use, show type_name."""
    type_name: Text = ""
    """DocumentType/TypeName: loại văn bản."""
    subject: LongText = ""
    """Subject: trích yếu. May name people."""
    content: LongText | None = None
    """Content: tóm tắt."""
    signer: Signer | None = None
    priority: Annotated[Literal[0, 1, 2, 3, 4], Whole] = 0
    """OtherInfo/Priority: 0 thường, 1 khẩn, 2 thượng khẩn, 3 hỏa tốc, 4 hỏa tốc hẹn giờ."""
    due_on: Date | None = None
    """DueDate: hạn xử lý."""
    response_for: Annotated[list[ResponseFor], Field(max_length=100)] = []
    attachments: Attachments = []


class Issued(Payload):
    """`document.issued`. `original` is the edXML file as it came, itself an attachment; forwarded unchanged."""

    document: Document
    original: Attachment | None = None


class DocumentReference(Payload):
    """Names the document a status is about, as edXML's ResponseFor does."""

    id: Annotated[TransferId, Field(description="key of the document at every program")]
    document_id: DocumentId
    sender: OrganId
    code: Text = ""
    promulgated_on: Date | None = None


class StatusChanged(Payload):
    """`document.status-changed`: an officer's answer (QĐ 28/2018/QĐ-TTg)."""

    document: DocumentReference
    code: DocumentStatus
    """StatusCode."""
    description: Text | None = None
    """Description; the reason of a refusal."""
    staff: ShortText | None = None
    """StaffInfo/Staff."""
    at: Moment
    """Timestamp."""
