"""What operators look through and act on: stuck hops, dead letters."""

from collections.abc import Sequence

revision: str = "c4a1e0d2b601"
down_revision: str | None = "b1e775ffab34"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
