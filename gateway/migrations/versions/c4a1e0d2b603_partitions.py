"""Large tables in parts by time."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from services.kernel.partition_changes import Keys, to_parts, to_whole
from services.kernel.partitions import Parts

revision: str = "c4a1e0d2b603"
down_revision: str | None = "c4a1e0d2b602"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = (
    (Parts("transfer", "id", ids=True), Keys(primary="id, source"), Keys(primary="source, id")),
    (Parts("payload", "id", ids=True), Keys(primary="id, source"), Keys(primary="source, id")),
    (Parts("delivery", "transfer_id", ids=True), Keys(primary="transfer_id, id"), Keys(primary="id")),
    (
        Parts("answer", "transfer_id", ids=True),
        Keys(primary="subject, organ, source, transfer_id"),
        Keys(primary="subject, organ, source, transfer_id"),
    ),
    (
        Parts("event", "created_at"),
        Keys(primary="id, created_at", unique={"event_position_key": "topic, position, created_at"}),
        Keys(primary="id", unique={"event_position_key": "topic, position"}),
    ),
)


def upgrade() -> None:
    op.drop_index("transfer_id", table_name="transfer")
    op.drop_index("delivery_transfer", table_name="delivery")
    op.create_index("transfer_accepted", "transfer", ["accepted_at"], unique=False, postgresql_using="brin")
    op.create_index("delivery_id", "delivery", ["id"], unique=False)
    now = datetime.now(UTC)
    for parts, cut, _ in _TABLES:
        to_parts(op.get_bind(), parts, cut, now=now)
    op.execute('ALTER TABLE hop ALTER COLUMN transfer_id TYPE text COLLATE "C"')
    op.add_column("hop", sa.Column("done_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE hop SET done_at = now() WHERE done")


def downgrade() -> None:
    op.drop_column("hop", "done_at")
    op.execute('ALTER TABLE hop ALTER COLUMN transfer_id TYPE text COLLATE "default"')
    for parts, _, whole in reversed(_TABLES):
        to_whole(op.get_bind(), parts, whole)
    op.drop_index("delivery_id", table_name="delivery")
    op.drop_index("transfer_accepted", table_name="transfer", postgresql_using="brin")
    op.create_index("delivery_transfer", "delivery", ["transfer_id"], unique=False)
    op.create_index("transfer_id", "transfer", ["id"], unique=False)
