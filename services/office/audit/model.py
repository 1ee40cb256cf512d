"""Who read what, for good: the table takes new rows only, a trigger of the database refuses every other change."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, PrimaryKeyConstraint, Table, Text

from services.kernel.partitions import in_parts
from services.office.tables import METADATA

ACCESS = Table(
    "access",
    METADATA,
    Column("position", BigInteger, Identity(cache=1), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("organ", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("request_id", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("position", "at"),
    Index("access_time", "at", "position"),
    Index("access_organ", "organ", "at", "position"),
    Index("access_subject", "subject", "at", "position"),
    Index("access_client", "client_id", "at", "position"),
)
"""`at` is hub time; rows are kept by its month, and go with the whole month alone. `subject`: the code, id or digest
that was read, of a list what was asked for."""
ACCESS_PARTS = in_parts(ACCESS, "at")
