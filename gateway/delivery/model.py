"""Hops (records on their way to an office), deliveries (the duty towards one organ), receipts to senders, events.

These rows are the gateway's outbox: `pending` marks what the relay has to send, in order of id.

    hop:       pending ──ack──► sent ──receipt──► done          (due again: pending)
    delivery:  open ──receipt──► handed_over | refused          open ──person──► closed

An open delivery with a place in `waiting` has no hop yet: its organ is closed, and a person must choose which successor
receives. Then it goes to that organ, under the id it had. If that organ has a delivery of the same transfer already,
both share its hop and move together, for an organ never gets a transfer twice.

Deliveries and answers lie in parts by the time in the id of their transfer and go with it; events in parts by their own
time. A hop that is done goes after a while: what an office may still ask for is made again from its deliveries.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    text,
)

from gateway.tables import metadata
from services.kernel.partitions import in_parts

hop = Table(
    "hop",
    metadata,
    Column("id", BigInteger, Identity(cache=1), primary_key=True),
    Column("source", Text, nullable=False),
    Column("transfer_id", Text(collation="C"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("office", Text, nullable=False),
    Column("hopsequence", BigInteger, nullable=False),
    Column("recipients", Text, nullable=False),
    Column("void", Boolean, nullable=False, server_default=text("false")),
    Column("pending", Boolean, nullable=False, server_default=text("true")),
    Column("round", Integer, nullable=False, server_default=text("1")),
    Column("done", Boolean, nullable=False, server_default=text("false")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", DateTime(timezone=True)),
    Column("log_partition", Integer),
    Column("log_offset", BigInteger),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("done_at", DateTime(timezone=True)),
    # What its office says while it cannot apply it.
    Column("stuck_reason", Text),
    Column("stuck_since", DateTime(timezone=True)),
    Column("stuck_attempts", BigInteger),
)
Index("hop_stuck", hop.c.stuck_since, postgresql_where=text("stuck_since IS NOT NULL"))
Index("hop_number", hop.c.subject, hop.c.office, hop.c.hopsequence, unique=True)
Index("hop_transfer", hop.c.transfer_id)
Index("hop_open", hop.c.id, postgresql_where=text("NOT done"))
Index("hop_pending", hop.c.id, postgresql_where=text("pending"))
Index("hop_due", hop.c.due_at, postgresql_where=text("NOT done AND NOT pending"))

delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("transfer_id", Text(collation="C"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("organ", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("sender_level", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("redirected_from", Text, nullable=False),
    Column("office", Text, nullable=False),
    Column("hopsequence", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("handed_over_at", DateTime(timezone=True)),
    Column("expired_at", DateTime(timezone=True)),
    Column("channel_at", DateTime(timezone=True)),
    Column("channel_file", Text, nullable=False, server_default=text("''")),
    Column("channel_id", Text, nullable=False, server_default=text("''")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", DateTime(timezone=True)),
    Column("waiting", BigInteger),
    PrimaryKeyConstraint("transfer_id", "id"),
)
DELIVERY_PARTS = in_parts(delivery, "transfer_id", ids=True)
Index("delivery_id", delivery.c.id)
Index("delivery_hop", delivery.c.subject, delivery.c.office, delivery.c.hopsequence)
Index("delivery_organ", delivery.c.organ, delivery.c.opened_at)
Index("delivery_open", delivery.c.sender_level, delivery.c.level, postgresql_where=text("state = 'open'"))
Index("delivery_open_since", delivery.c.opened_at, delivery.c.id, postgresql_where=text("state = 'open'"))
Index("delivery_recent", delivery.c.opened_at)
Index("delivery_channel", delivery.c.channel_id, postgresql_where=text("channel_id <> ''"))
Index(
    "delivery_waiting",
    delivery.c.subject,
    delivery.c.organ,
    delivery.c.waiting,
    postgresql_where=text("state = 'open' AND waiting IS NOT NULL"),
)
Index("delivery_axis_due", delivery.c.due_at, postgresql_where=text("state = 'open' AND via = 'axis'"))

answer = Table(
    "answer",
    metadata,
    Column("subject", Text, nullable=False),
    Column("organ", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("transfer_id", Text(collation="C"), nullable=False),
    Column("code", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("subject", "organ", "source", "transfer_id"),
)
ANSWER_PARTS = in_parts(answer, "transfer_id", ids=True)

receipt = Table(
    "receipt",
    metadata,
    Column("id", BigInteger, Identity(cache=1), primary_key=True),
    Column("office", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

event_position = Sequence("event_position", metadata=metadata, cache=1)

event = Table(
    "event",
    metadata,
    Column("id", BigInteger, Identity(cache=1), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("headers", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("pending", Boolean, nullable=False, server_default=text("true")),
    Column("position", BigInteger),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("id", "created_at"),
)
EVENT_PARTS = in_parts(event, "created_at")
Index("event_pending", event.c.id, postgresql_where=text("pending"))
Index("event_position_key", event.c.topic, event.c.position, event.c.created_at, unique=True)
