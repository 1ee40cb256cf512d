"""Tables of the agency systems and of the keys tokens are signed with; both are published, their secrets are not."""

from sqlalchemy import Boolean, Column, DateTime, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, text

from contracts.topology import TOPICS
from gateway.registries.model import Registry, entries
from gateway.tables import metadata

system = entries(
    "system",
    Column("level", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("suspended", Boolean, nullable=False),
    Column("administers", Boolean, nullable=False),
)

system_organ = Table(
    "system_organ",
    metadata,
    Column("client_id", Text, nullable=False),
    Column("organ", Text, nullable=False),
    PrimaryKeyConstraint("client_id", "organ"),
)
Index("system_organ_organ", system_organ.c.organ)

system_secret = Table(
    "system_secret",
    metadata,
    Column("id", Text, nullable=False, unique=True, server_default=text("gen_random_uuid()::text")),
    Column("client_id", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("last_used_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("client_id", "hash"),
)

signing_key = entries("signing_key", Column("valid_to", DateTime(timezone=True)))
Index("signing_key_valid_to", signing_key.c.valid_to)

signing_secret = Table(
    "signing_secret",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

SYSTEMS = Registry(system, TOPICS["registry.system"].name, "system.changed")
KEYS = Registry(signing_key, TOPICS["registry.key"].name, "key.published")
