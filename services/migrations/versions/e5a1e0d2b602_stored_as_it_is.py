"""Payloads are stored as they are: compressing 2 KB costs more than all else a row does. Of rows that change, they lie
outside the row, or each change would write them again."""

from collections.abc import Sequence

from alembic import op

revision: str = "e5a1e0d2b602"
down_revision: str | None = "e5a1e0d2b601"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# In the order in which programs at work take these tables, or both would wait for each other.
_PAYLOADS = {
    "dossier": ("submitted", "papers"),
    "document": ("issued",),
    "outbox": ("value", "headers"),
    "inbox_item": ("data",),
}
_CHANGING = ("dossier", "outbox")
_ROW_BYTES = 700
"""Of all columns but the payloads."""


def upgrade() -> None:
    for table, columns in _PAYLOADS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")
    for table in _CHANGING:
        op.execute(f"ALTER TABLE {table} SET (toast_tuple_target = {_ROW_BYTES})")
    op.execute("ALTER TABLE dossier ALTER COLUMN summary SET STORAGE MAIN")


def downgrade() -> None:
    op.execute("ALTER TABLE dossier ALTER COLUMN summary SET STORAGE EXTENDED")
    for table in _CHANGING:
        op.execute(f"ALTER TABLE {table} RESET (toast_tuple_target)")
    for table, columns in _PAYLOADS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTENDED")
