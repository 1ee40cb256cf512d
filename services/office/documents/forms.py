"""What callers of the document API send and read. Unknown fields are refused; every text can be written as edXML."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from contracts.edxml.errors import EdxmlError
from contracts.edxml.text import escape
from contracts.identifiers import OrganId, Sha256
from contracts.messages.base import Attachment, Date, LongText, NoNul, ShortText, Speakable, Text, Whole
from contracts.messages.document import CodePart, ResponseFor, Signer
from contracts.statuses import DOCUMENT_STATUS_NAMES, DocumentStatus

MediaType = Annotated[str, StringConstraints(max_length=127, pattern=r"^[0-9A-Za-z.+_-]+/[0-9A-Za-z.+_-]+(;[ -~]*)?$")]
DocumentState = Literal["current", "recalled", "replaced", "refused"]
Organs = Annotated[list[OrganId], Field(min_length=1, max_length=1000)]


DocumentKey = Annotated[str, StringConstraints(min_length=1, max_length=100), Speakable, NoNul]


def _named(language: int, codes: tuple[DocumentStatus, ...], *, own: bool) -> str:
    """The codes among these, or all others, with their names."""
    chosen = [code for code in DOCUMENT_STATUS_NAMES if (code in codes) is own]
    return ", ".join(f"{code.value} {DOCUMENT_STATUS_NAMES[code][language]}" for code in chosen)


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


class PaperForm(Form):
    """An attachment that was put before, by its digest."""

    sha256: Sha256
    """SHA-256 of the bytes, lower-case hexadecimal · mã băm của tệp"""
    name: ShortText
    """File name shown to people · tên tệp"""
    media_type: MediaType
    """Content type of the file · kiểu nội dung của tệp"""


class SignerForm(Form):
    """Who signed (SignerInfo). · Người ký."""

    competence: Text | None = None
    """In whose name it is signed, `TM. ỦY BAN NHÂN DÂN` · quyền hạn, chức vụ ký thay"""
    position: Text | None = None
    """Position · chức vụ"""
    name: Text | None = None
    """Full name · họ tên"""


class ResponseForForm(Form):
    """The document answered. · Văn bản được phúc đáp."""

    organ: OrganId
    """Who issued it · cơ quan ban hành"""
    code: ShortText | None = None
    """Its number and notation, `7816/VPCP-TTĐT` · số, ký hiệu"""
    promulgated_on: Date | None = None
    """Day of issue · ngày ban hành"""
    document_id: ShortText | None = None
    """Its DocumentId, where known · mã văn bản, nếu biết"""


class DocumentForm(Form):
    """A new document."""

    document_id: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^\S(.*\S)?$")] | None = None
    """DocumentId, case-sensitive; without one `organ,yyyy/MM/dd,number/notation` is issued, with `,` and 12 characters
    behind it where that is in use already: send your own and a document sent twice is one document · mã văn bản, bỏ
    trống thì được cấp"""
    to: Organs
    """Recipients by any of their codes · các cơ quan nhận, theo mã bất kỳ"""
    number: CodePart
    """Number · số"""
    notation: CodePart
    """Notation · ký hiệu"""
    promulgated_on: Date
    """Day of issue · ngày ban hành"""
    place: Text | None = None
    """Place of issue · nơi ban hành"""
    type: Annotated[int, Field(ge=0, le=10_000), Whole]
    """Kind of paper as a number; two lists are in use, so `type_name` is what people are shown · mã loại văn bản"""
    type_name: Text
    """Kind of paper, in words · tên loại văn bản"""
    subject: Annotated[LongText, Field(min_length=1)]
    """Subject line · trích yếu"""
    content: LongText | None = None
    """Summary · tóm tắt nội dung"""
    signer: SignerForm | None = None
    """Who signed · người ký"""
    priority: Annotated[Literal[0, 1, 2, 3, 4], Whole] = 0
    """0 normal, 1 urgent, 2 very urgent, 3 express, 4 express by the hour · 0 thường, 1 khẩn, 2 thượng khẩn, 3 hỏa
    tốc, 4 hỏa tốc hẹn giờ"""
    due_on: Date | None = None
    """Day an answer is due · hạn xử lý"""
    response_for: Annotated[list[ResponseForForm], Field(max_length=100)] = []
    """Documents this one answers · các văn bản được phúc đáp"""
    attachments: Annotated[list[PaperForm], Field(max_length=100)] = []
    """Files, put before at `PUT /v1/attachments/{sha256}` · tệp đính kèm đã tải lên trước"""


_SENDERS = (DocumentStatus.TAKE_BACK,)
_CODE = (
    f"From a recipient: {_named(1, _SENDERS, own=False)}. From the sender: {_named(1, _SENDERS, own=True)} · Bên nhận: "
    f"{_named(0, _SENDERS, own=False)}. Bên gửi: {_named(0, _SENDERS, own=True)}"
)


class StatusForm(Form):
    """A processing status (Decision 28/2018/QĐ-TTg). · Trạng thái xử lý."""

    code: Annotated[str, Field(description=_CODE, json_schema_extra={"enum": [*DOCUMENT_STATUS_NAMES]})]
    description: Text | None = None
    """In words for people; also the reason of a refusal · diễn giải, lý do từ chối"""
    staff: ShortText | None = None
    """Who acted · cán bộ thực hiện"""
    to: Organs | None = None
    """With 13: the recipients asked; all of them when absent · với 13: các nơi nhận được hỏi"""


class ReplaceForm(DocumentForm):
    """A new document in the place of earlier ones."""

    reason: Text | None = None
    """Why, in words for people (BussinessDocReason) · lý do"""
    also: Annotated[list[DocumentKey], Field(max_length=99)] = []
    """Ids of further documents it replaces, besides the one of the path · các văn bản khác cùng bị thay thế"""


class RecallForm(Form):
    """Asks those who have the document to give it back."""

    reason: Annotated[Text, Field(min_length=1)]
    to: Organs | None = None
    """The recipients asked; all of them when absent · các nơi nhận được hỏi"""
    staff: ShortText | None = None
    """Who acted · cán bộ thực hiện"""


class UpdateForm(Form):
    """What changes; a field that is left out stays as it is."""

    reason: Text | None = None
    add: Organs | None = None
    """Recipients who get the document for the first time · nơi nhận thêm"""
    remove: Organs | None = None
    """Recipients it is recalled from · nơi nhận bị thu hồi"""
    number: CodePart | None = None
    notation: CodePart | None = None
    promulgated_on: Date | None = None
    place: Text | None = None
    type: Annotated[int, Field(ge=0, le=10_000), Whole] | None = None
    type_name: Text | None = None
    subject: Annotated[LongText, Field(min_length=1)] | None = None
    content: LongText | None = None
    signer: SignerForm | None = None
    priority: Annotated[Literal[0, 1, 2, 3, 4], Whole] | None = None
    due_on: Date | None = None
    response_for: Annotated[list[ResponseForForm], Field(max_length=100)] | None = None
    attachments: Annotated[list[PaperForm], Field(max_length=100)] | None = None
    """All of them, as in a new document · toàn bộ tệp, như văn bản mới"""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not given(self).keys() - {"reason"}:
            raise ValueError("nothing changes")
        return self


class IssuedView(BaseModel):
    """The document is stored durably and on its way."""

    id: str
    document_id: str
    transfers: list[str]


class AnsweredView(BaseModel):
    """The status is stored and on its way; no transfers when it repeats what stands already."""

    transfers: list[str]


class StatusView(BaseModel):
    """One status. `current` tells whether it is the one that counts at its recipient: of 01 to 06 the newest by time
    that does not fall back, 02 being final; of 13, 15 and 16 the newest."""

    organ: str
    code: DocumentStatus
    at: datetime
    description: str | None = None
    current: bool


class LastView(BaseModel):
    """The last status of an organ."""

    organ: str
    code: DocumentStatus
    at: datetime


class AnswerView(BaseModel):
    """An answer to a recall or update: 15 agreed, 16 declined."""

    organ: str
    code: DocumentStatus
    at: datetime
    description: str | None = None


class OtherView(BaseModel):
    """Another document of the same sender."""

    id: str
    document_id: str


class FieldsView(BaseModel):
    """What the sender wrote."""

    document_id: str
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
    attachments: list[Attachment]


class ChangeView(BaseModel):
    """A recall or an update, in the order they came."""

    kind: Literal["recall", "update"]
    transfer: str
    at: datetime
    reason: str | None = None
    added: list[str] | None = None
    """With an update: organs that take it as a new document."""
    removed: list[str] | None = None
    """With an update: organs the document was recalled from."""
    answer: AnswerView | None = None
    """At a recipient: its own answer; none while the change is open."""
    answers: list[AnswerView] | None = None
    """At the sender: the answers of the recipients."""
    document: FieldsView | None = None
    """With an update that is not in force: the fields it brought."""


class DocumentView(FieldsView):
    """The document as the organ holds it: the fields in force, and what is known of its handling."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    sender: str = Field(alias="from")
    box: Literal["in", "out"]
    state: DocumentState
    """`recalled`: given back (at the sender: by everyone it reached); `replaced`: a newer one stands in its place;
    `refused`: the hub did not take it, it went nowhere."""
    created_at: datetime
    """When this organ's office got it."""
    transfers: list[str]
    statuses: list[StatusView]
    changes: list[ChangeView]
    replaced_by: OtherView | None = None
    replaces: list[OtherView] | None = None


class DocumentItem(BaseModel):
    """A document in a list."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    document_id: str
    sender: str = Field(alias="from")
    box: Literal["in", "out"]
    to: list[str]
    number: str
    notation: str
    promulgated_on: str | None = None
    type: int
    type_name: str
    subject: str
    priority: int
    due_on: str | None = None
    state: DocumentState
    created_at: datetime
    href: str
    statuses: list[LastView]
    """Of a document sent the last status of each recipient, of one received the organ's own."""


class DocumentList(BaseModel):
    """Newest first; `next_cursor` is there while there is more."""

    items: list[DocumentItem]
    next_cursor: str | None = None


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
