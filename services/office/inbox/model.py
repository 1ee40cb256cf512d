"""What an organ has received, in order of commit, and how far each system has acknowledged it."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from services.office.tables import METADATA

COUNTER = Table(
    "inbox_counter",
    METADATA,
    Column("organ", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)

ITEM = Table(
    "inbox_item",
    METADATA,
    Column("organ", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("href", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organ", "kind", "position"),
    UniqueConstraint("organ", "id", name="inbox_item_identity"),
)
"""`position` is drawn per organ over all kinds; it is read kind by kind."""

ACK = Table(
    "inbox_ack",
    METADATA,
    Column("client_id", Text, nullable=False),
    Column("organ", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("client_id", "organ", "kind", "position"),
)
"""Acknowledged items above the reader's floor; below it everything is acknowledged and rows are not kept."""

READER = Table(
    "inbox_reader",
    METADATA,
    Column("client_id", Text, nullable=False),
    Column("organ", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("floor", BigInteger, nullable=False),
    PrimaryKeyConstraint("client_id", "organ", "kind"),
)
