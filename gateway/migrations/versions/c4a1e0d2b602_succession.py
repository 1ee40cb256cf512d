"""Deliveries that wait for a successor, and the decisions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c4a1e0d2b602"
down_revision: str | None = "c4a1e0d2b601"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_WAITING = sa.text("state = 'open' AND waiting IS NOT NULL")


def upgrade() -> None:
    op.add_column("delivery", sa.Column("waiting", sa.BigInteger()))
    op.create_index("delivery_waiting", "delivery", ["subject", "organ", "waiting"], postgresql_where=_WAITING)
    op.create_table(
        "successor",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("successor", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "organ", name=op.f("successor_pkey")),
    )
    op.create_index("successor_organ", "successor", ["organ"])


def downgrade() -> None:
    op.drop_table("successor")
    op.drop_index("delivery_waiting", "delivery")
    op.drop_column("delivery", "waiting")
