"""Every holder of a dossier is found by its code."""

from collections.abc import Sequence

from alembic import op

revision: str = "e5a1e0d2b601"
down_revision: str | None = "d4a1e0d2b602"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("dossier_code", "dossier", ["code"])


def downgrade() -> None:
    op.drop_index("dossier_code", "dossier")
