"""The journey of each envelope as an organ sees it: the sender sees all deliveries, a recipient its own.

    accepted ──receipt.routed──► routed ──every delivery final──► handed_over · partly · refused · closed
        └──receipt.refused · receipt.conflict──► refused

A delivery row in state `redirected` keeps the place of a closed organ whose successor has a row; it is never shown.

Only accepted, routed and refused are stored; what follows from the deliveries is computed (`contracts.protocol`).
All three tables are kept by the month of the transfer's id.
"""

from sqlalchemy import BigInteger, Column, DateTime, Identity, LargeBinary, PrimaryKeyConstraint, Table, Text

from services.kernel.partitions import in_parts
from services.office.tables import METADATA

TRANSFER = Table(
    "transfer",
    METADATA,
    Column("holder", Text, nullable=False),
    Column("id", Text(collation="C"), nullable=False),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("accepted_at", DateTime(timezone=True), nullable=False),
    Column("verdict", LargeBinary),
    PrimaryKeyConstraint("id", "holder"),
)
TRANSFER_PARTS = in_parts(TRANSFER, "id", ids=True)

DELIVERY = Table(
    "transfer_delivery",
    METADATA,
    Column("holder", Text, nullable=False),
    Column("transfer", Text(collation="C"), nullable=False),
    Column("organ", Text, nullable=False),
    Column("delivery", Text),
    Column("redirected_from", Text),
    Column("via", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text),
    Column("handed_over_at", DateTime(timezone=True)),
    Column("expired_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("transfer", "holder", "organ"),
)
DELIVERY_PARTS = in_parts(DELIVERY, "transfer", ids=True)

ANSWER = Table(
    "transfer_answer",
    METADATA,
    Column("holder", Text, nullable=False),
    Column("transfer", Text(collation="C"), nullable=False),
    Column("organ", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("description", Text),
    Column("arrival", BigInteger, Identity(cache=1), nullable=False),
    PrimaryKeyConstraint("transfer", "holder", "organ", "answer"),
)
"""An officer's acts on what was handed over; `answer` is the id of the transfer that brought it."""
ANSWER_PARTS = in_parts(ANSWER, "transfer", ids=True)
