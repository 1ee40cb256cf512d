"""Payloads of receipts and controls: they report on facts, take no sequence and can always be derived again."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from contracts.identifiers import Identifier, OrganId, TransferId
from contracts.messages.base import Count, Moment, Ordinal, Payload, ShortText, Text
from contracts.messages.dossier import Status

DeliveryState = Literal["open", "handed_over", "refused", "closed"]
BATCH = 500
OfferFields = TypedDict("OfferFields", {"id": Identifier, "from": OrganId, "to": OrganId})
"""An open offer of custody, as `Stamp.to_dict` writes it."""
with_config(ConfigDict(extra="forbid"))(OfferFields)


@with_config(ConfigDict(extra="forbid"))
class Remedy(TypedDict):
    """What to do, in Vietnamese and English."""

    vi: Text
    en: Text


class Subject(Payload):
    """Identity of the fact reported on."""

    source: ShortText
    id: TransferId
    subject: ShortText


class StampFields(Payload):
    """The gateway's state of a dossier after the fact; the highest version counts."""

    status: Status
    """TrangThaiHoSo."""
    custodian: OrganId | None
    """Who may act; none after a withdrawal."""
    epoch: Count
    """Grows with each change of custodian; a fencing number."""
    version: Count
    """Grows by one with each accepted fact."""
    offer: OfferFields | None = None
    """The open offer of custody."""


class DeliveryReport(Payload):
    """One recipient of a transfer. An office reports `organ`, `state` and `handed_over_at`; the gateway tells all."""

    organ: OrganId
    state: DeliveryState
    redirected_from: OrganId | None = None
    """The closed organ that was addressed, when its successor receives."""
    delivery: Identifier | None = None
    via: Literal["office", "axis", "vxp"] = "office"
    code: Identifier | None = None
    """Problem code of a refusal."""
    handed_over_at: Moment | None = None


Reports = Annotated[list[DeliveryReport], Field(max_length=1000)]


class Routed(Subject):
    """`receipt.routed`: accepted by the gateway; who gets it, and who cannot."""

    at: Moment
    stamp: StampFields | None = None
    deliveries: Reports = []


class HandedOver(Subject):
    """`receipt.handed-over`, from an office: what became of one hop, per organ; from the gateway: the same, relayed."""

    hopsequence: Ordinal | None = None
    stamp: StampFields | None = None
    deliveries: Annotated[list[DeliveryReport], Field(min_length=1, max_length=1000)]


class Refused(Subject):
    """`receipt.refused`: the verdict. It never echoes values."""

    at: Moment
    step: Identifier
    """The check that said no."""
    code: Identifier
    """Problem code, from the closed list."""
    pointer: Text = ""
    """JSON pointer to the place at fault."""
    contract: Text = ""
    """Contract and version the payload was judged by."""
    remedy: Remedy
    stamp: StampFields | None = None


class Conflict(Subject):
    """`receipt.conflict`: the number was taken by another message; a person must look."""

    sequence: Ordinal
    stamp: StampFields | None = None


class Expired(Subject):
    """`receipt.expired`: nobody answered in the contract's time. Informs, changes no state."""

    deliveries: Reports
    stamp: StampFields | None = None


class ResendRequested(Payload):
    """`control.resend-requested`: everything of the subject from this number on.

    To an office it names the emitting organ and a sequence; to the gateway a hop number.
    """

    subject: ShortText
    emitter: Text
    first: Ordinal


class HopStuck(Payload):
    """`control.hop-stuck`: the office holds this hop and cannot apply it; later ones of the subject wait behind it.

    Told when it comes to that and at each later try; a receipt for the hop ends it.
    """

    subject: ShortText
    hopsequence: Ordinal
    reason: Identifier
    """Problem code, from the closed list; never a value of the message."""
    since: Moment
    """When it was tried first."""
    attempts: Ordinal
    """Tries so far."""


class DeliveryVoided(Payload):
    """`delivery.voided`: nothing comes under this hop number; repeated until receipted. A record of its own."""

    source: ShortText
    id: TransferId


class MessageVoided(Payload):
    """`message.voided`: the sender gives up what it numbered; the number is consumed. A fact."""

    voided_type: Identifier
    reason: Text


Items = Field(min_length=1, max_length=BATCH)
"""Receipts and controls of one kind travel in batches: a record of up to 500 to one office, no order needed."""


class RoutedBatch(Payload):
    """`receipt.routed`: up to 500 to one office, in no order."""

    items: Annotated[list[Routed], Items]


class HandedOverBatch(Payload):
    """`receipt.handed-over`: up to 500 to one office, in no order."""

    items: Annotated[list[HandedOver], Items]


class RefusedBatch(Payload):
    """`receipt.refused`: up to 500 to one office, in no order."""

    items: Annotated[list[Refused], Items]


class ConflictBatch(Payload):
    """`receipt.conflict`: up to 500 to one office, in no order."""

    items: Annotated[list[Conflict], Items]


class ExpiredBatch(Payload):
    """`receipt.expired`: up to 500 to one office, in no order."""

    items: Annotated[list[Expired], Items]


class ResendRequestedBatch(Payload):
    """`control.resend-requested`: up to 500 to one office, in no order."""

    items: Annotated[list[ResendRequested], Items]


class HopStuckBatch(Payload):
    """`control.hop-stuck`: up to 500 from one office, in no order."""

    items: Annotated[list[HopStuck], Items]
