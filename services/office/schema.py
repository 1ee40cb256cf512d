"""Every table of an office database: importing this module completes the metadata that migrations compare with."""

from sqlalchemy import MetaData

from services.office.attachments import model as attachments
from services.office.documents import model as documents
from services.office.dossiers import model as dossiers
from services.office.exchange import model as exchange
from services.office.inbox import model as inbox
from services.office.tables import METADATA
from services.office.transfers import model as transfers

__all__ = ["SLICES", "metadata"]

SLICES = (attachments, inbox, transfers, dossiers, documents, exchange)


def metadata() -> MetaData:
    """The complete metadata."""
    return METADATA
