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


class Recalled(Payload):
    """`document.recalled`: the sender asks recipients to give the document back; each answers 15 or 16.

    edXML BussinessDocType 1 (thu hồi).
    """

    document: DocumentReference
    reason: Text | None = None
    """BussinessDocReason."""
    staff: ShortText | None = None
    """StaffInfo/Staff."""
    at: Moment
    original: Attachment | None = None
    """The edXML file as it came."""


class Updated(Payload):
    """`document.updated`: the whole document anew under its DocumentId; those who have it answer 15 or 16.

    edXML BussinessDocType 2 (cập nhật).
    """

    document: Document
    reason: Text | None = None
    """BussinessDocReason."""
    added: Annotated[list[OrganId], Field(max_length=1000)] = []
    """Recipients that take it as a new document (ReceiverType 1)."""
    removed: Annotated[list[OrganId], Field(max_length=1000)] = []
    """Recipients it was recalled from (ReceiverType 0); they are told by `document.recalled`."""
    at: Moment
    original: Attachment | None = None
    """The edXML file as it came."""


class Earlier(Payload):
    """A document another one takes the place of."""

    document_id: DocumentId
    id: Annotated[TransferId, Field(description="its key at every program")]


class Replaced(Payload):
    """`document.replaced`: a new document in the place of earlier ones of the same sender.

    edXML BussinessDocType 3 (thay thế).
    """

    document: Document
    replaces: Annotated[list[Earlier], Field(min_length=1, max_length=100)]
    """ReplacementInfoList."""
    reason: Text | None = None
    """BussinessDocReason."""
    original: Attachment | None = None
    """The edXML file as it came."""


class StatusChanged(Payload):
    """`document.status-changed`: an officer's answer (QĐ 28/2018/QĐ-TTg). Version 2 has `answers`."""

    document: DocumentReference
    code: DocumentStatus
    """StatusCode."""
    description: Text | None = None
    """Description; the reason of a refusal."""
    staff: ShortText | None = None
    """StaffInfo/Staff."""
    at: Moment
    """Timestamp."""
    answers: Annotated[list[TransferId], Field(max_length=1000)] = []
    """With 15 and 16: the transfers of the recalls and updates this answers; without them all that are open."""
