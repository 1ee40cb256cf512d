"""Recalled, updated and replaced documents."""

from collections.abc import Sequence

revision: str = "c2f886a0bc45"
down_revision: str | None = "b1e775ffab34"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
