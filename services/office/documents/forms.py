"""What callers of the document API send and read. Unknown fields are refused; every text can be written as edXML."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from contracts.edxml.errors import EdxmlError
from contracts.edxml.text import escape
from contracts.identifiers import OrganId, Sha256
from contracts.messages.base import Attachment, Date, LongText, ShortText, Text, Whole
from contracts.messages.document import CodePart, ResponseFor, Signer
from contracts.statuses import DocumentStatus

MediaType = Annotated[str, StringConstraints(max_length=127, pattern=r"^[0-9A-Za-z.+_-]+/[0-9A-Za-z.+_-]+(;[ -~]*)?$")]
Organs = Annotated[list[OrganId], Field(min_length=1, max_length=1000)]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @field_validator("*")
    @classmethod
    def _writable(cls, value: Any) -> Any:
        """The national axis and older systems get the document as XML, which has no control characters."""
        if isinstance(value, str):
            try:
                escape(value, "")
            except EdxmlError as error:
                raise ValueError(error.detail) from None
        return value


class AttachmentForm(Form):
    """An attachment that was put before, by its digest."""

    sha256: Sha256
    name: ShortText
    media_type: MediaType


class SignerForm(Form):
    """SignerInfo: quyền hạn, chức vụ, họ tên."""

    competence: Text | None = None
    position: Text | None = None
    name: Text | None = None


class ResponseForForm(Form):
    """The document answered."""

    organ: OrganId
    code: ShortText | None = None
    promulgated_on: Date | None = None
    document_id: ShortText | None = None


class DocumentForm(Form):
    """A new document."""

    document_id: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^\S(.*\S)?$")] | None = None
    """DocumentId, case-sensitive; without one `organ,yyyy/MM/dd,number/notation` is issued."""
    to: Organs
    """Recipients by any of their codes."""
    number: CodePart
    """Số."""
    notation: CodePart
    """Ký hiệu."""
    promulgated_on: Date
    """Ngày ban hành."""
    place: Text | None = None
    """Nơi ban hành."""
    type: Annotated[int, Field(ge=0, le=10_000), Whole]
    """Loại văn bản as a number; two lists are in use, so `type_name` is what people are shown."""
    type_name: Text
    subject: Annotated[LongText, Field(min_length=1)]
    """Trích yếu."""
    content: LongText | None = None
    """Tóm tắt."""
    signer: SignerForm | None = None
    priority: Annotated[Literal[0, 1, 2, 3, 4], Whole] = 0
    """0 thường, 1 khẩn, 2 thượng khẩn, 3 hỏa tốc, 4 hỏa tốc hẹn giờ."""
    due_on: Date | None = None
    """Hạn xử lý."""
    response_for: Annotated[list[ResponseForForm], Field(max_length=100)] = []
    attachments: Annotated[list[AttachmentForm], Field(max_length=100)] = []


class StatusForm(Form):
    """A processing status (QĐ 28/2018/QĐ-TTg)."""

    code: str
    """From a recipient: 01 arrived, 02 refused, 03 accepted, 04 assigned, 05 in progress, 06 completed, 15 or 16 the
    recall is agreed to or declined. From the sender: 13 give the document back."""
    description: Text | None = None
    """Also the reason of a refusal."""
    staff: ShortText | None = None
    """Who acted."""
    to: Organs | None = None
    """With 13: the recipients asked; all of them when absent."""


class IssuedView(BaseModel):
    """The document is stored durably and on its way."""

    id: str
    document_id: str
    transfers: list[str]


class AnsweredView(BaseModel):
    """The status is stored and on its way; no transfers when it repeats what stands already."""

    transfers: list[str]


class StatusView(BaseModel):
    """One status; `current` is false for what a newer or higher step of the same recipient has overtaken."""

    organ: str
    code: DocumentStatus
    at: datetime
    description: str | None = None
    current: bool


class DocumentView(BaseModel):
    """The document as the organ holds it: its fields as they were posted, and what is known of its handling."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    document_id: str
    sender: str = Field(alias="from")
    box: Literal["in", "out"]
    to: list[str]
    number: str
    notation: str
    promulgated_on: str | None = None
    place: str | None = None
    type: int
    type_name: str
    subject: str
    content: str | None = None
    signer: Signer | None = None
    priority: int
    due_on: str | None = None
    response_for: list[ResponseFor]
    transfers: list[str]
    statuses: list[StatusView]
    attachments: list[Attachment]


def given(form: Form) -> dict[str, Any]:
    """The fields the caller gave, as JSON values."""
    return form.model_dump(mode="json", exclude_none=True)


def inlined(form: type[Form]) -> dict[str, Any]:
    """The JSON Schema of a form without references, for an operation that reads its body itself."""
    schema = form.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(each) for each in part]
        if not isinstance(part, dict):
            return part
        name = part.get("$ref", "").removeprefix("#/$defs/")
        whole = {**definitions[name], **part} if name else part
        return {key: resolve(value) for key, value in whole.items() if key != "$ref"}

    resolved: dict[str, Any] = resolve(schema)
    return resolved
