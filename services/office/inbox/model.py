"""What an organ has received, in order of commit, and how far each system has acknowledged it."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from services.kernel.partitions import in_parts
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
    Column("id", Text(collation="C"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("href", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organ", "kind", "position", "id"),
    Index("inbox_item_identity", "organ", "id", unique=True),
)
"""`position` is drawn per organ over all kinds, under the lock of the organ's counter, so none is given twice; it is
read kind by kind. Items are kept by the month of their id."""
ITEM_PARTS = in_parts(ITEM, "id", ids=True)

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
