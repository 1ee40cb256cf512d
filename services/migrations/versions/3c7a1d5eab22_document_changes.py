"""Recalled, updated and replaced documents; their list."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "3c7a1d5eab22"
down_revision: str | None = "2b6f0c4d9a11"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("document_named", "document", ["holder", "document_id"], unique=False)
    op.add_column("document", sa.Column("own", sa.Boolean(), sa.Computed("sender = holder", persisted=True)))
    op.create_index("document_listed", "document", ["holder", "own", "created_at", "id"], unique=False)
    op.add_column("document_status", sa.Column("answers", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "document_change",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organs", sa.Text(), server_default="", nullable=False),
        sa.Column("added", sa.Text(), server_default="", nullable=False),
        sa.Column("removed", sa.Text(), server_default="", nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("refused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("holder", "document", "transfer"),
    )
    op.create_table(
        "document_replacement",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("replaced", sa.Text(), nullable=False),
        sa.Column("replacement", sa.Text(), nullable=False),
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "replaced", "replacement"),
    )


def downgrade() -> None:
    op.drop_table("document_replacement")
    op.drop_table("document_change")
    op.drop_column("document_status", "answers")
    op.drop_index("document_listed", table_name="document")
    op.drop_column("document", "own")
    op.drop_index("document_named", table_name="document")
