"""Dead letters that a person has closed, stuck work that is told."""

from collections.abc import Sequence

revision: str = "d4a1e0d2b601"
down_revision: str | None = "5d8e2a6f7b33"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
