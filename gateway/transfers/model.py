"""The ledger: one row per envelope the gateway decided on, and its payload sealed until all deliveries are final.

(identity unknown) ──checks──► routed ──receipts──► handed_over | partly | closed
                      └──────► refused

Both lie in parts by the time in the id of the envelope; ids that carry none (of the axis) lie in the rest.
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
from services.kernel.partitions import in_parts

transfer = Table(
    "transfer",
    metadata,
    Column("source", Text, nullable=False),
    Column("id", Text(collation="C"), nullable=False),
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
    PrimaryKeyConstraint("id", "source"),
)
TRANSFER_PARTS = in_parts(transfer, "id", ids=True)
Index("transfer_subject", transfer.c.subject, transfer.c.accepted_at)
Index("transfer_sender", transfer.c.sender, transfer.c.accepted_at)
Index("transfer_accepted", transfer.c.accepted_at, postgresql_using="brin")
Index("transfer_open", transfer.c.accepted_at, postgresql_where=text("state = 'routed'"))

payload = Table(
    "payload",
    metadata,
    Column("source", Text, nullable=False),
    Column("id", Text(collation="C"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("id", "source"),
)
PAYLOAD_PARTS = in_parts(payload, "id", ids=True)
