"""Tables of the organ directory: the registry entries with what lists are filtered by, and the dated superiors."""

from sqlalchemy import Column, Date, Index, Table, Text

from contracts.topology import TOPICS
from gateway.registries.model import Registry, entries
from gateway.tables import metadata

organ = entries(
    "organ",
    Column("level", Text, nullable=False),
    Column("home", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
)

superior = Table(
    "organ_superior",
    metadata,
    Column("organ", Text, nullable=False),
    Column("superior", Text, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
)
Index("organ_superior_organ", superior.c.organ)
Index("organ_superior_superior", superior.c.superior)

REGISTRY = Registry(organ, TOPICS["registry.organ"].name, "organ.changed")
