"""Large tables in parts by time."""

from collections.abc import Sequence

revision: str = "c4a1e0d2b603"
down_revision: str | None = "c4a1e0d2b602"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
