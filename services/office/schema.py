"""Every table of an office database: the slices' models fill the metadata that migrations compare with."""

from services.office.attachments import model as attachments
from services.office.audit import model as audit
from services.office.documents import model as documents
from services.office.dossiers import model as dossiers
from services.office.exchange import model as exchange
from services.office.inbox import model as inbox
from services.office.tables import METADATA
from services.office.transfers import model as transfers

SLICES = (audit, attachments, inbox, transfers, dossiers, documents, exchange)

__all__ = ["METADATA", "SLICES"]
