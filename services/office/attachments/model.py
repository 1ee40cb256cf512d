"""Which attachments lie in this office's namespace, and which organs may fetch them."""

from sqlalchemy import BigInteger, Column, DateTime, PrimaryKeyConstraint, Table, Text, text

from services.office.tables import METADATA

ATTACHMENT = Table(
    "attachment",
    METADATA,
    Column("sha256", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

ACCESS = Table(
    "attachment_access",
    METADATA,
    Column("sha256", Text, nullable=False),
    Column("organ", Text, nullable=False),
    PrimaryKeyConstraint("sha256", "organ"),
)
