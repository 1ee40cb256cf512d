"""Lists of dossiers, storage used by organs, who read what."""

from collections.abc import Sequence

revision: str = "2b6f0c4d9a11"
down_revision: str | None = "11da82680ac8"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
