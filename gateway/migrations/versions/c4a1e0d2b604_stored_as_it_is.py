"""Sealed payloads are stored as they are: they cannot be compressed, and trying costs more than all else."""

from collections.abc import Sequence

from alembic import op

revision: str = "c4a1e0d2b604"
down_revision: str | None = "c4a1e0d2b603"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE payload ALTER COLUMN sealed SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.execute("ALTER TABLE payload ALTER COLUMN sealed SET STORAGE EXTENDED")
