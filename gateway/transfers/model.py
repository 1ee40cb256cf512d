"""The ledger: one row per envelope the gateway decided on, and its payload sealed until all deliveries are final.

(identity unknown) ──checks──► routed ──receipts──► handed_over | partly | closed
                      └──────► refused
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from gateway.tables import metadata

transfer = Table(
    "transfer",
    metadata,
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("type", Text, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("epoch", BigInteger),
    Column("stamp", Text, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("traceparent", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("occurred_at", DateTime(timezone=True)),
    Column("accepted_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("route", Text, nullable=False),
    PrimaryKeyConstraint("source", "id"),
)
Index("transfer_id", transfer.c.id)
Index("transfer_subject", transfer.c.subject, transfer.c.accepted_at)
Index("transfer_sender", transfer.c.sender, transfer.c.accepted_at)
Index("transfer_open", transfer.c.accepted_at, postgresql_where=text("state = 'routed'"))

payload = Table(
    "payload",
    metadata,
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("source", "id"),
)
