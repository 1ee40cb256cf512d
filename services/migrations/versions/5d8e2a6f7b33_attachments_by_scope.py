"""Through what an organ may use an attachment."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "5d8e2a6f7b33"
down_revision: str | None = "3c7a1d5eab22"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Through what attachments were brought was not noted until now: through either."""
    op.add_column("attachment_access", sa.Column("via", sa.SmallInteger(), server_default="3", nullable=False))
    op.alter_column("attachment_access", "via", server_default="0")


def downgrade() -> None:
    op.drop_column("attachment_access", "via")
