"""What the Kafka door remembers: the receipt of each hop, so that it is given again, and the work that is stuck."""

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from services.kernel.partitions import in_parts
from services.office.tables import METADATA

RECEIPT = Table(
    "receipt",
    METADATA,
    Column("transfer", Text(collation="C"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("hopsequence", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("item", LargeBinary, nullable=False),
    PrimaryKeyConstraint("transfer", "subject", "hopsequence"),
)
"""`item` is the element of `receipt.handed-over` that was sent for the hop, byte for byte. It is kept by the month of
the transfer's id, as the ledger is."""
RECEIPT_PARTS = in_parts(RECEIPT, "transfer", ids=True)

STUCK = Table(
    "stuck",
    METADATA,
    Column("subject", Text, primary_key=True),
    Column("hopsequence", BigInteger, nullable=False),
    Column("headers", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
)
"""At most one a subject: the hop it waits at. Later hops are not kept; they are asked for when this one is done."""
Index("stuck_due", STUCK.c.due_at)
