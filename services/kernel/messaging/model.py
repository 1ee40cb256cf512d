"""The kernel's tables, bound to the metadata of whichever database needs them; statements live with their users.

Positions in the log are called `log_partition`, `log_offset`, `log_generation`: `offset` is a reserved word.
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
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

_NOW = text("now()")


def _at(name: str, *, required: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=not required, server_default=_NOW if required else None)


class KernelTables:
    """Tables of every program: leases, log positions, dead letters, registry copies, idempotency keys."""

    def __init__(self, metadata: MetaData) -> None:
        self.lease = Table(
            "lease",
            metadata,
            Column("name", Text, primary_key=True),
            Column("holder", Text, nullable=False),
            Column("fence", BigInteger, nullable=False),
            _at("expires_at", required=True),
        )
        self.broker = Table(
            "broker",
            metadata,
            Column("singleton", Boolean, primary_key=True, server_default=text("true")),
            Column("cluster_id", Text, nullable=False),
            Column("generation", Integer, nullable=False),
        )
        self.log_position = Table(
            "log_position",
            metadata,
            Column("topic", Text, nullable=False),
            Column("log_partition", Integer, nullable=False),
            Column("log_generation", Integer, nullable=False),
            Column("last_offset", BigInteger, nullable=False),
            PrimaryKeyConstraint("topic", "log_partition"),
        )
        self.dead_letter = _dead_letter(metadata)
        self.registry_copy = Table(
            "registry_copy",
            metadata,
            Column("topic", Text, nullable=False),
            Column("id", Text, nullable=False),
            Column("version", BigInteger, nullable=False),
            Column("value", LargeBinary, nullable=False),
            PrimaryKeyConstraint("topic", "id"),
        )
        self.registry_complete = Table(
            "registry_complete", metadata, Column("topic", Text, primary_key=True), _at("completed_at", required=True)
        )
        self.idempotency = _idempotency(metadata)


class OfficeTables:
    """Tables of a program whose facts have numbers of their own: its outbox, its counters, its hops."""

    def __init__(self, metadata: MetaData) -> None:
        self.outbox = _outbox(metadata)
        self.emission = Table(
            "emission",
            metadata,
            Column("subject", Text, nullable=False),
            Column("organ", Text, nullable=False),
            Column("source", Text, nullable=False),
            Column("last", BigInteger, nullable=False),
            PrimaryKeyConstraint("subject", "organ", "source"),
        )
        self.subject = Table(
            "subject",
            metadata,
            Column("subject", Text, primary_key=True),
            Column("last_hop", BigInteger, nullable=False, server_default=text("0")),
        )


def _dead_letter(metadata: MetaData) -> Table:
    table = Table(
        "dead_letter",
        metadata,
        Column("id", BigInteger, Identity(cache=1), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("log_partition", Integer, nullable=False),
        Column("log_offset", BigInteger, nullable=False),
        Column("headers", Text, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("sent", Boolean, nullable=False, server_default=text("false")),
        _at("created_at", required=True),
    )
    Index("dead_letter_unsent", table.c.id, postgresql_where=text("NOT sent"))
    return table


def _idempotency(metadata: MetaData) -> Table:
    table = Table(
        "idempotency",
        metadata,
        Column("client", Text, nullable=False),
        Column("route", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("body_digest", LargeBinary, nullable=False),
        Column("status", SmallInteger),
        Column("answer", LargeBinary),
        _at("held_until"),
        _at("created_at", required=True),
        PrimaryKeyConstraint("client", "route", "key"),
    )
    Index("idempotency_created", table.c.created_at)
    return table


def _outbox(metadata: MetaData) -> Table:
    table = Table(
        "outbox",
        metadata,
        # Drawn under the subject's row lock, so order of id is order of the subject; a cache would shuffle it.
        Column("id", BigInteger, Identity(cache=1), primary_key=True),
        Column("source", Text, nullable=False),
        Column("envelope_id", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("organ", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("headers", Text, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("sequence", BigInteger),
        Column("state", Text, nullable=False, server_default="unsent"),
        Column("pending", Boolean, nullable=False, server_default=text("true")),
        Column("round", Integer, nullable=False, server_default=text("1")),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        _at("due_at"),
        Column("log_partition", Integer),
        Column("log_offset", BigInteger),
        Column("log_generation", Integer),
        Column("verdict", Text),
        _at("created_at", required=True),
        _at("sent_at"),
        _at("routed_at"),
        _at("closed_at"),
        # Each row is changed a few times and then lies still for a month: the share that counts is that of the young.
        postgresql_with={
            "autovacuum_vacuum_scale_factor": 0.01,
            "autovacuum_vacuum_threshold": 5000,
            "autovacuum_analyze_scale_factor": 0.02,
        },
    )
    _index_outbox(table)
    return table


def _index_outbox(table: Table) -> None:
    columns = table.c
    Index("outbox_identity", columns.envelope_id, columns.source, unique=True)
    Index("outbox_pending", columns.id, postgresql_where=text("pending"))
    Index(
        "outbox_tail",
        columns.subject,
        columns.organ,
        columns.sequence,
        postgresql_where=text("sequence IS NOT NULL"),
    )
    Index(
        "outbox_sent",
        columns.topic,
        columns.log_partition,
        columns.log_offset,
        postgresql_where=text("state = 'sent' AND NOT pending"),
    )
    Index("outbox_routed", columns.due_at, postgresql_where=text("state = 'routed' AND NOT pending"))
    Index("outbox_finished", columns.closed_at, postgresql_where=text("closed_at IS NOT NULL"))
