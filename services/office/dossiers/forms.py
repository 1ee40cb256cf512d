"""What callers of the dossier API send and read; unknown fields are refused."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, StringConstraints

from contracts.identifiers import DossierCode, OrganId, ProcedureCode, Sha256
from contracts.messages.base import Attachment, Moment, ShortText, Text, Whole
from contracts.messages.dossier import Amount, Applicant, Result
from contracts.problems import HubError

MediaType = Annotated[str, StringConstraints(max_length=127, pattern=r"^[0-9A-Za-z.+_-]+/[0-9A-Za-z.+_-]+(;[ -~]*)?$")]
FIELDS_OF: dict[str, tuple[str, ...]] = {
    "missing": ("request_supplement",),
    "amount": ("request_payment", "pay"),
    "result": ("complete",),
}
"""Fields that only some actions take."""


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AttachmentForm(Form):
    """An attachment that was put before, by its digest."""

    sha256: Sha256
    name: ShortText
    media_type: MediaType
    component: ShortText | None = None


Attached = Annotated[list[AttachmentForm], Field(max_length=100)]


class DossierForm(Form):
    """A new dossier. Without `code` one is issued."""

    code: DossierCode | None = None
    procedure: ProcedureCode
    deciding_organ: OrganId | None = None
    channel: Annotated[Literal[1, 2, 3], Whole] = 1
    applicant: Applicant
    summary: Text | None = None
    due_at: Moment | None = None
    attachments: Attached = []
    note: Text | None = None


class BatchForm(Form):
    """Dossiers to submit, each for itself."""

    items: Annotated[list[SkipValidation[DossierForm]], Field(min_length=1, max_length=500)]


class ResultForm(Form):
    """Kết quả giải quyết."""

    number: ShortText | None = None
    attachments: Attached = []


class ActionForm(Form):
    """An act on a dossier. `missing` goes with request_supplement, `amount` with request_payment and pay, `result`
    with complete."""

    action: Literal[
        "accept",
        "refuse",
        "assign",
        "request_supplement",
        "supplement",
        "request_payment",
        "pay",
        "stop",
        "resume",
        "withdraw",
        "complete",
        "reopen",
        "return_result",
        "accept_custody",
        "refuse_custody",
        "recall_custody",
    ]
    reason: Text | None = None
    staff: ShortText | None = None
    missing: Annotated[list[ShortText], Field(max_length=100)] | None = None
    amount: Amount | None = None
    attachments: Attached = []
    result: ResultForm | None = None


class TransferForm(Form):
    """An offer of custody to another organ."""

    to: OrganId
    reason: Text
    due_at: Moment | None = None


class Accepted(BaseModel):
    """The dossier is stored durably and on its way."""

    code: str
    status: int
    custodian: str | None
    transfers: list[str]


class BatchItem(BaseModel):
    """What became of one item: its `status` as if it had been posted alone, with `body` (201) or `problem`."""

    index: int
    status: int
    body: Accepted | None = None
    problem: dict[str, Any] | None = None


class BatchView(BaseModel):
    """In the order sent."""

    items: list[BatchItem]


class Acted(BaseModel):
    """The dossier after the act. `transfers` is empty when the act changed nothing."""

    code: str
    status: int
    custodian: str | None
    custody: Literal["held", "offered", "taking", "none"]
    transfers: list[str]


class Offered(BaseModel):
    """The offer, open until it is accepted, refused or recalled."""

    offer: str
    transfers: list[str]


class OfferView(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    id: str
    giver: str = Field(alias="from")
    taker: str = Field(alias="to")


class Step(BaseModel):
    """One step of the history; `refused` is the code when the hub refused it."""

    transfer: str
    type: str
    actor: str
    status: int
    at: datetime
    reason: str | None = None
    refused: str | None = None


class ListedDossier(BaseModel):
    """A dossier in a list; `href` leads to all of it. `refused`: the hub did not take its submission."""

    code: str
    procedure: str
    receiving_organ: str
    deciding_organ: str | None = None
    summary: str | None = None
    due_at: datetime | None = None
    status: int
    custodian: str | None
    custody: Literal["held", "offered", "taking", "none"]
    offer: OfferView | None = None
    refused: Literal[True] | None = None
    epoch: int
    version: int
    created_at: datetime
    href: str


class DossierPage(BaseModel):
    """Newest first; without `next_cursor` there is nothing older."""

    items: list[ListedDossier]
    next_cursor: str | None = None


class DossierView(BaseModel):
    """The dossier as the organ asked for may see it and build on it. `refused`: the hub did not take its submission."""

    code: str
    procedure: str
    receiving_organ: str
    deciding_organ: str | None = None
    channel: int
    applicant: Applicant
    summary: str | None = None
    note: str | None = None
    due_at: datetime | None = None
    status: int
    custodian: str | None
    custody: Literal["held", "offered", "taking", "none"]
    offer: OfferView | None = None
    refused: Literal[True] | None = None
    epoch: int
    version: int
    attachments: list[Attachment]
    result: Result | None = None
    history: list[Step]


def check_fields(form: ActionForm) -> None:
    """Refuses a field that the action does not take."""
    for field, actions in FIELDS_OF.items():
        if getattr(form, field) is not None and form.action not in actions:
            raise HubError("request.invalid", f"{field} goes with {', '.join(actions)}", pointer=f"/{field}")


def given(form: Form) -> dict[str, Any]:
    """The fields the caller gave, as JSON values."""
    return form.model_dump(mode="json", exclude_none=True)
