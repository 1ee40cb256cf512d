"""Whom people chose to receive in place of closed organs with several successors."""

from sqlalchemy import Column, DateTime, Index, PrimaryKeyConstraint, Table, Text

from gateway.tables import metadata

successor = Table(
    "successor",
    metadata,
    Column("subject", Text, nullable=False),
    Column("organ", Text, nullable=False),
    Column("successor", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("subject", "organ"),
)
"""Without a subject: the choice for everything of the organ. With one: what the subject keeps to, whatever the registry
and the choice for the organ say later; written when the choice was made for it alone, or carried out for it."""
Index("successor_organ", successor.c.organ)
