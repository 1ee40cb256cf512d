"""What offices take and answer, as typed dictionaries: the hub's JSON as it is, nothing renamed.

Times are RFC 3339 text. A field the hub adds later is simply there.
"""

from typing import Any, Literal, NotRequired, TypedDict

from deploy.client.words import Box, Custody, DeliveryState, DocumentState, DocumentStatus, Kind, TransferState


class AttachmentRef(TypedDict):
    """How a body names a file that was uploaded before."""

    sha256: str
    name: str
    media_type: str
    component: NotRequired[str]


class Attachment(AttachmentRef):
    size: int


class Applicant(TypedDict):
    kind: Literal["citizen", "business", "household"]
    name: str
    id_number: NotRequired[str]
    phone: NotRequired[str]
    email: NotRequired[str]
    address: NotRequired[str]


class NewDossier(TypedDict):
    """The body of `POST /v1/dossiers`. Without `code` the hub issues one."""

    procedure: str
    applicant: Applicant
    code: NotRequired[str]
    deciding_organ: NotRequired[str]
    channel: NotRequired[Literal[1, 2, 3]]
    summary: NotRequired[str]
    due_at: NotRequired[str]
    attachments: NotRequired[list[AttachmentRef]]
    note: NotRequired[str]


class ResultForm(TypedDict, total=False):
    number: str
    attachments: list[AttachmentRef]


class ActFields(TypedDict, total=False):
    """What an action may carry: `missing` with request_supplement, `amount` with request_payment and pay, `result` with
    complete."""

    reason: str
    staff: str
    missing: list[str]
    amount: int
    attachments: list[AttachmentRef]
    result: ResultForm


class Submitted(TypedDict):
    code: str
    status: int
    custodian: str | None
    transfers: list[str]


class Acted(Submitted):
    """`taking` means: custody was asked for and is not moved yet. No transfers: nothing was to change."""

    custody: Custody


class Offered(TypedDict):
    offer: str
    transfers: list[str]


Offer = TypedDict("Offer", {"id": str, "from": str, "to": str})


class Step(TypedDict):
    transfer: str
    type: str
    actor: str
    status: int
    at: str
    reason: NotRequired[str]
    refused: NotRequired[str]


class Result(TypedDict):
    attachments: list[Attachment]
    number: NotRequired[str]


class DossierLine(TypedDict):
    """A dossier in a list."""

    code: str
    procedure: str
    status: int
    custodian: str | None
    custody: Custody
    epoch: int
    version: int
    receiving_organ: str
    deciding_organ: NotRequired[str]
    offer: NotRequired[Offer]
    due_at: NotRequired[str]
    summary: NotRequired[str]
    refused: NotRequired[str]
    created_at: NotRequired[str]
    href: NotRequired[str]


class Dossier(DossierLine):
    """A dossier as the organ may see it. `version` goes into `if_match`, and fits while no own act is on its way or was
    refused."""

    channel: int
    applicant: Applicant
    note: NotRequired[str]
    attachments: list[Attachment]
    result: NotRequired[Result]
    history: list[Step]


class DossierFilters(TypedDict, total=False):
    """All that are given must fit. `status` may be several, `"2,4"`; `due_before` is RFC 3339; `limit` is the size of a
    page."""

    status: int | str
    procedure: str
    due_before: str
    overdue: bool
    limit: int


class Signer(TypedDict, total=False):
    competence: str
    position: str
    name: str


class ResponseFor(TypedDict):
    organ: str
    code: NotRequired[str]
    promulgated_on: NotRequired[str]
    document_id: NotRequired[str]


class NewDocument(TypedDict):
    """The body of `POST /v1/documents`."""

    to: list[str]
    number: str
    notation: str
    promulgated_on: str
    type: int
    type_name: str
    subject: str
    document_id: NotRequired[str]
    place: NotRequired[str]
    content: NotRequired[str]
    signer: NotRequired[Signer]
    priority: NotRequired[Literal[0, 1, 2, 3, 4]]
    due_on: NotRequired[str]
    response_for: NotRequired[list[ResponseFor]]
    attachments: NotRequired[list[AttachmentRef]]


class Recall(TypedDict):
    """The body of `POST …/recall`. `to`: the recipients asked; all of them when absent."""

    reason: str
    to: NotRequired[list[str]]
    staff: NotRequired[str]


class Update(TypedDict, total=False):
    """The body of `POST …/update`: what changes; a field that is left out stays as it is. `add` and `remove` are
    recipients."""

    reason: str
    add: list[str]
    remove: list[str]
    number: str
    notation: str
    promulgated_on: str
    place: str
    type: int
    type_name: str
    subject: str
    content: str
    signer: Signer
    priority: Literal[0, 1, 2, 3, 4]
    due_on: str
    response_for: list[ResponseFor]
    attachments: list[AttachmentRef]


class Replacement(NewDocument):
    """The body of `POST …/replace`: a new document. `also` are ids of further documents it stands in for."""

    reason: NotRequired[str]
    also: NotRequired[list[str]]


class Sent(TypedDict):
    id: str
    document_id: str
    transfers: list[str]


class Told(TypedDict):
    """No transfers: it was the present status already."""

    transfers: list[str]


class Status(TypedDict):
    organ: str
    code: DocumentStatus
    at: str
    description: NotRequired[str]
    current: bool


DocumentLine = TypedDict(
    "DocumentLine",
    {
        "id": str,
        "document_id": str,
        "from": str,
        "box": Box,
        "to": NotRequired[list[str]],
        "number": NotRequired[str],
        "notation": NotRequired[str],
        "promulgated_on": NotRequired[str],
        "subject": NotRequired[str],
        "state": NotRequired[DocumentState],
        "created_at": NotRequired[str],
    },
)
"""A document in a list."""


class Document(DocumentLine):
    """A document as the organ holds it."""

    place: NotRequired[str]
    type: int
    type_name: str
    content: NotRequired[str]
    signer: NotRequired[Signer]
    priority: int
    due_on: NotRequired[str]
    response_for: list[ResponseFor]
    transfers: list[str]
    statuses: list[Status]
    attachments: list[Attachment]
    changes: NotRequired[list[dict[str, Any]]]
    replaced_by: NotRequired[dict[str, str]]
    replaces: NotRequired[list[dict[str, str]]]


class DocumentFilters(TypedDict, total=False):
    box: Box
    document_id: str
    since: str
    limit: int


Item = TypedDict(
    "Item",
    {
        "id": str,
        "kind": Kind,
        "type": str,
        "subject": str,
        "from": str,
        "to": str,
        "received_at": str,
        "href": str,
        "data": dict[str, Any],
    },
)
"""One thing in the inbox. `subject` is the dossier's code or the document's id, `data` the fact itself."""


class Acknowledged(TypedDict):
    acknowledged: list[str]
    unknown: list[str]


class Answer(TypedDict):
    code: str
    at: str
    description: NotRequired[str]


class Delivery(TypedDict):
    """The duty to hand a transfer to one organ. `delivery` (its id) is shown to operators only."""

    organ: str
    via: Literal["office", "axis", "vxp"]
    state: DeliveryState
    answers: list[Answer]
    delivery: NotRequired[str]
    redirected_from: NotRequired[str]
    code: NotRequired[str]
    expired_at: NotRequired[str]
    handed_over_at: NotRequired[str]


class Transfer(TypedDict):
    """The journey of one message. `verdict` says why it was refused."""

    id: str
    type: str
    subject: str
    sender: str
    state: TransferState
    accepted_at: str
    verdict: NotRequired[dict[str, Any]]
    deliveries: list[Delivery]


class TransferFilters(TypedDict, total=False):
    subject: str
    organ: str
    state: TransferState
    since: str
    limit: int
