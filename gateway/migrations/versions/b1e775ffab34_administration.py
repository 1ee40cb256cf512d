"""Administration: the audit."""

from collections.abc import Sequence

revision: str = "b1e775ffab34"
down_revision: str | None = "a0d664feaba3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
