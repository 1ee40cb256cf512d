"""Who read what, for good: the table takes new rows only, a trigger of the database refuses every other change."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Table, Text

from services.office.tables import METADATA

ACCESS = Table(
    "access",
    METADATA,
    Column("position", BigInteger, Identity(cache=1), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("organ", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("request_id", Text, nullable=False, server_default=""),
    Index("access_time", "at", "position"),
    Index("access_organ", "organ", "at", "position"),
    Index("access_subject", "subject", "at", "position"),
    Index("access_client", "client_id", "at", "position"),
)
"""`at` is hub time. `subject`: the code, id or digest that was read, of a list what was asked for."""
