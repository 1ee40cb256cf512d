"""The edXML message as plain values: names follow the elements, in snake_case; absent and empty are both None.

Unknown elements are not kept: whoever forwards a message forwards its bytes (see trace.py), never a rebuilt model.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Final

from contracts.edxml.errors import Oddity

NAMESPACE: Final = "http://www.mic.gov.vn/TBT/QCVN_102_2016"

# Times in edXML carry no zone and mean this one; the offset has not changed since 1975, so no zone database is needed.
VIETNAM: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")

RECEIVER_REMOVED: Final = 0
RECEIVER_ADDED: Final = 1

DOCUMENT_NEW: Final = 0
DOCUMENT_RECALL: Final = 1
DOCUMENT_UPDATE: Final = 2
DOCUMENT_REPLACE: Final = 3


@dataclass(frozen=True, slots=True)
class Organization:
    """Only `organ_id` is dependable in real traffic."""

    organ_id: str
    organization_in_charge: str | None = None
    organ_name: str | None = None
    organ_add: str | None = None
    email: str | None = None
    telephone: str | None = None
    fax: str | None = None
    website: str | None = None


@dataclass(frozen=True, slots=True)
class SignerInfo:
    competence: str | None = None
    position: str | None = None
    full_name: str | None = None


@dataclass(frozen=True, slots=True)
class OtherInfo:
    priority: int | None = None
    sphere_of_promulgation: str | None = None
    typer_notation: str | None = None
    promulgation_amount: int | None = None
    page_amount: int | None = None
    reply_fors: str | None = None
    direction: bool | None = None
    reference_codes: str | None = None
    appendixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseFor:
    """The document answered; in a status message `organ_id` is the addressee."""

    organ_id: str | None = None
    code: str | None = None
    document_id: str | None = None
    promulgation_date: date | None = None


@dataclass(frozen=True, slots=True)
class StaffInfo:
    """Personal data: keep it out of logs and events."""

    department: str | None = None
    department_id: str | None = None
    staff: str | None = None
    staff_id: str | None = None
    email: str | None = None
    mobile: str | None = None


@dataclass(frozen=True, slots=True)
class TraceHeader:
    """One hop. The national axis leaves `organ_id` out."""

    organ_id: str | None
    timestamp: datetime | None


@dataclass(frozen=True, slots=True)
class Receiver:
    organ_id: str
    receiver_type: int | None


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """BussinessDocumentInfo: what an update (type 2) changes."""

    document_info: int | None = None
    document_receiver: int | None = None
    receivers: tuple[Receiver, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplacementInfo:
    document_id: str
    organ_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Business:
    """The element Bussiness: `doc_type` 0 new, 1 recall, 2 update, 3 replace."""

    doc_type: int = DOCUMENT_NEW
    document_id: str | None = None
    doc_reason: str | None = None
    paper: int | None = None
    document_changes: tuple[DocumentChange, ...] = ()
    replacements: tuple[ReplacementInfo, ...] = ()
    staff_info: tuple[StaffInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class AttachmentInfo:
    """An attachment as announced; its bytes are read by attachments.iterate_attachments.

    `name` is text for people, never a path. `content_type` is what the sender claims and is often wrong.
    """

    content_id: str
    name: str
    description: str | None = None
    content_type: str | None = None
    encoded_bytes: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document message. `document_id` is opaque and case-sensitive; dates inside it may be impossible."""

    sender: Organization
    to: tuple[Organization, ...]
    document_id: str
    code_number: str | None = None
    code_notation: str | None = None
    place: str | None = None
    promulgation_date: date | None = None
    type: int | None = None
    type_detail: int | None = None
    type_name: str | None = None
    subject: str | None = None
    content: str | None = None
    signer_info: SignerInfo | None = None
    due_date: date | None = None
    other_info: OtherInfo | None = None
    response_for: tuple[ResponseFor, ...] = ()
    steering_type: int | None = None
    response_for_task: tuple[str, ...] = ()
    application_type: str | None = None
    to_places: tuple[str, ...] = ()
    trace_headers: tuple[TraceHeader, ...] = ()
    business: Business | None = None
    signature_present: bool = field(default=False, compare=False)
    attachments: tuple[AttachmentInfo, ...] = ()
    warnings: tuple[Oddity, ...] = field(default=(), compare=False)

    @property
    def code(self) -> str | None:
        """Number and notation as printed: 7816/VPCP-TTĐT."""
        return "/".join(part for part in (self.code_number, self.code_notation) if part) or None

    @property
    def doc_type(self) -> int:
        """The business action; a message without Bussiness is a new document."""
        return self.business.doc_type if self.business else DOCUMENT_NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status message. It has no To: the addressee is `response_for.organ_id`."""

    sender: Organization
    response_for: ResponseFor
    status_code: str
    description: str | None = None
    timestamp: datetime | None = None
    staff_info: StaffInfo | None = None
    signature_present: bool = field(default=False, compare=False)
    warnings: tuple[Oddity, ...] = field(default=(), compare=False)

    @property
    def addressee(self) -> str:
        return self.response_for.organ_id or ""


Message = Document | Status
