"""The operators' list of dead letters, of all programs; what the gateway itself tells Kafka is the kernel's table.

open ──person──► closed
"""

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Table, Text, text

from gateway.tables import metadata

listed_dead_letter = Table(
    "listed_dead_letter",
    metadata,
    Column("id", Text, primary_key=True),
    Column("program", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("log_partition", Integer, nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("headers", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_by", Text),
    Column("reason", Text),
)
_place = (listed_dead_letter.c.at, listed_dead_letter.c.id)
Index("listed_dead_letter_newest", *_place)
Index("listed_dead_letter_open", *_place, postgresql_where=text("state = 'open'"))
Index("listed_dead_letter_topic", listed_dead_letter.c.topic, *_place)
Index("listed_dead_letter_code", listed_dead_letter.c.code, *_place)
