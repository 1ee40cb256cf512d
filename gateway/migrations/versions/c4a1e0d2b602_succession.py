"""Deliveries that wait for a successor, and the decisions."""

from collections.abc import Sequence

revision: str = "c4a1e0d2b602"
down_revision: str | None = "c4a1e0d2b601"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
