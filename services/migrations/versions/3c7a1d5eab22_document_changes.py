"""Recalled, updated and replaced documents; their list."""

from collections.abc import Sequence

revision: str = "3c7a1d5eab22"
down_revision: str | None = "2b6f0c4d9a11"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
