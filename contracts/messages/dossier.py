"""Payloads of the facts about a dossier (hồ sơ). The model's docstring says who sends it and what it means."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.identifiers import DossierCode, Identifier, OrganId, ProcedureCode, TransferId
from contracts.messages.base import Attachment, Attachments, Moment, Payload, ShortText, Text, Whole

Amount = Annotated[int, Field(ge=0, le=10**15), Whole]
"""In đồng."""
Status = Annotated[int, Field(ge=1, le=10), Whole]


class Applicant(Payload):
    """Chủ hồ sơ. Personal data: offices and sealed payloads only."""

    kind: Literal["citizen", "business", "household"]
    name: ShortText
    id_number: ShortText | None = None
    """Số định danh cá nhân or mã số thuế."""
    phone: ShortText | None = None
    email: ShortText | None = None
    address: Text | None = None


class Result(Payload):
    """Kết quả giải quyết: its number and its papers."""

    number: ShortText | None = None
    """Số, ký hiệu of the resulting paper."""
    attachments: Attachments = []


class Submitted(Payload):
    """`dossier.submitted`, from the receiving organ (cơ quan tiếp nhận)."""

    code: DossierCode
    """Mã hồ sơ: an identifier for life."""
    procedure: ProcedureCode
    """Mã thủ tục hành chính, national or of a province."""
    receiving_organ: OrganId
    """Cơ quan tiếp nhận: custodian in epoch 1, gets the result back."""
    deciding_organ: OrganId | None = None
    """Cơ quan giải quyết, when it is another one."""
    channel: Annotated[Literal[1, 2, 3], Whole] = 1
    """Kênh thực hiện: 1 in person, 2 online, 3 by post."""
    applicant: Applicant
    summary: Text | None = None
    """Trích yếu hồ sơ."""
    due_at: Moment | None = None
    """Ngày hẹn trả."""
    attachments: Attachments = []
    note: Text | None = None


class Act(Payload):
    """What all acts on a dossier share."""

    code: DossierCode
    at: Moment
    """When it was decided."""
    reason: Text | None = None
    staff: ShortText | None = None
    """Cán bộ xử lý."""
    attachments: Attachments = []


class StatusChanged(Act):
    """`dossier.status-changed`: accept, refuse, assign, stop, resume or reopen."""

    action: Literal["accept", "refuse", "assign", "stop", "resume", "reopen"]
    status: Annotated[Literal[2, 3, 4, 8], Whole]
    """TrangThaiHoSo the action leads to."""


class SupplementRequested(Act):
    """`dossier.supplement-requested`: one notice that lists everything missing."""

    missing: Annotated[list[ShortText], Field(max_length=100)] = []
    """The papers or data missing, one a line."""


class Supplemented(Act):
    """`dossier.supplemented`."""


class PaymentRequested(Act):
    """`dossier.payment-requested`; amount in đồng."""

    amount: Amount | None = None


class Paid(Act):
    """`dossier.paid`; amount in đồng."""

    amount: Amount | None = None


class ResultIssued(Act):
    """`dossier.result-issued`: the custodian completed; custody returns to the receiving organ at once."""

    result: Result | None = None


class Returned(Act):
    """`dossier.returned`: the result reached the applicant."""


class Withdrawn(Act):
    """`dossier.withdrawn`: at the applicant's wish; closes custody and an open offer."""


class HistoryEntry(Payload):
    """One step as every party sees it."""

    transfer: TransferId
    type: Identifier
    actor: OrganId
    status: Status
    at: Moment
    reason: Text | None = None


class Snapshot(Payload):
    """What an organ new to the dossier must know."""

    dossier: Submitted
    history: Annotated[list[HistoryEntry], Field(max_length=1000)] = []
    attachments: Annotated[list[Attachment], Field(max_length=500)] = []
    result: Result | None = None


class Transferred(Payload):
    """`dossier.transferred`: custody is offered; it moves only when the organ offered to accepts."""

    code: DossierCode
    at: Moment
    offer: Identifier
    """Id of the offer; its answers name it."""
    to: OrganId
    reason: Text
    due_at: Moment | None = None
    snapshot: Snapshot


class CustodyAnswer(Act):
    """`dossier.custody-accepted`, `dossier.custody-refused`, `dossier.custody-recalled`."""

    offer: Identifier
