"""What operators look through and act on: stuck hops, dead letters."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c4a1e0d2b601"
down_revision: str | None = "b1e775ffab34"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Without headers: those of before were kept as they came, and a list that many read shows codes only.
_LIST = """
    INSERT INTO listed_dead_letter (id, program, topic, log_partition, log_offset, headers, verdict, code, at)
    SELECT gen_random_uuid()::text, 'gateway', topic, log_partition, log_offset, '{}',
           json_build_object('step', verdict::jsonb->>'step', 'code', verdict::jsonb->>'code')::text,
           coalesce(verdict::jsonb->>'code', ''), created_at
      FROM dead_letter
"""


def upgrade() -> None:
    op.create_table(
        "listed_dead_letter",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("program", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("log_partition", sa.Integer(), nullable=False),
        sa.Column("log_offset", sa.BigInteger(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("listed_dead_letter_pkey")),
    )
    op.create_index("listed_dead_letter_newest", "listed_dead_letter", ["at", "id"])
    op.create_index(
        "listed_dead_letter_open", "listed_dead_letter", ["at", "id"], postgresql_where=sa.text("state = 'open'")
    )
    op.create_index("listed_dead_letter_topic", "listed_dead_letter", ["topic", "at", "id"])
    op.create_index("listed_dead_letter_code", "listed_dead_letter", ["code", "at", "id"])
    op.execute(_LIST)
    op.add_column("hop", sa.Column("stuck_reason", sa.Text(), nullable=True))
    op.add_column("hop", sa.Column("stuck_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("hop", sa.Column("stuck_attempts", sa.BigInteger(), nullable=True))
    op.create_index("hop_stuck", "hop", ["stuck_since"], postgresql_where=sa.text("stuck_since IS NOT NULL"))
    op.create_index("delivery_open_since", "delivery", ["opened_at", "id"], postgresql_where=sa.text("state = 'open'"))


def downgrade() -> None:
    op.drop_index("delivery_open_since", "delivery")
    op.drop_index("hop_stuck", "hop")
    for name in ("stuck_attempts", "stuck_since", "stuck_reason"):
        op.drop_column("hop", name)
    op.drop_table("listed_dead_letter")
