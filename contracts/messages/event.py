"""Payloads of the event topics: what moved, for integrators and dashboards.

Codes, states, times and organs only. No field can hold a name, a subject line or free text: every text here is bound
to a pattern of codes, and a test keeps it so (personal data law).
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.identifiers import DossierCode, OrganId, TransferId
from contracts.messages.base import Moment, Payload
from contracts.messages.receipt import StampFields
from contracts.statuses import DocumentStatus

DossierFact = Annotated[str, StringConstraints(pattern=r"^dossier\.[a-z]+(-[a-z]+)*$", max_length=64)]
DocumentFact = Annotated[str, StringConstraints(pattern=r"^document\.[a-z]+(-[a-z]+)*$", max_length=64)]
Recipients = Annotated[list[OrganId], Field(max_length=1000)]


class DossierChanged(StampFields):
    """`event.dossier-changed`: a fact about a dossier took effect; the dossier's state after it."""

    subject: DossierCode
    type: DossierFact
    """The fact, without prefix: `dossier.transferred`."""
    transfer: TransferId
    actor: OrganId
    recipients: Recipients
    at: Moment


class DocumentChanged(Payload):
    """`event.document-changed`: a document was issued, or a recipient's office answered."""

    subject: TransferId
    """Key of the document; its DocumentId and subject line stay in the offices."""
    type: DocumentFact
    """The fact, without prefix: `document.status-changed`."""
    transfer: TransferId
    sender: OrganId
    recipients: Recipients
    code: DocumentStatus | None = None
    """The answer's status code, for `document.status-changed`."""
    at: Moment
