"""What every registry's table carries: the entry as it is published, its version, and the mark of what is to be sent.

save ──► pending ──ack──► sent ──changed, daily, at start, log lost──► pending
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Index, Integer, LargeBinary, Table, Text, text

from gateway.tables import metadata

registry = Table(
    "registry",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("republished_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)


@dataclass(frozen=True, slots=True)
class Registry:
    """A table of entries, and the compacted topic it is published on."""

    table: Table
    topic: str
    type: str


def entries(name: str, *columns: Column[object]) -> Table:
    """A registry's table: the published entry and the owner's further columns.

    `revision` grows in commit order, so a copy in memory is brought up to date by what is above the last one seen.
    """
    table = Table(
        name,
        metadata,
        Column("key", Text, primary_key=True),
        Column("id", BigInteger, Identity(cache=1), nullable=False, unique=True),
        Column("version", BigInteger, nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("document", LargeBinary, nullable=False),
        Column("pending", Boolean, nullable=False, server_default=text("true")),
        Column("round", Integer, nullable=False, server_default=text("1")),
        *columns,
    )
    Index(f"{name}_revision", table.c.revision)
    Index(f"{name}_pending", table.c.id, postgresql_where=text("pending"))
    return table
