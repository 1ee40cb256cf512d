"""Which attachments lie in this office's namespace, and which organs may fetch them."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, PrimaryKeyConstraint, SmallInteger, Table, Text, text

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
    Column("put", Boolean, nullable=False, server_default=text("true")),
    Column("via", SmallInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("sha256", "organ"),
)
"""`put`: the organ brought it itself and it counts against its quota; others were brought to it.
`via`: through what they were, or were named by it: `rules.Via`."""

USAGE = Table(
    "attachment_usage",
    METADATA,
    Column("organ", Text, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
)
"""What each organ has put, every digest once; its row is the lock of the quota."""
