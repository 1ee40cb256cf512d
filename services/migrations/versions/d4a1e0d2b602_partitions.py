"""Large tables in parts by time."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from services.kernel.partition_changes import Keys, to_parts, to_whole
from services.kernel.partitions import Parts

revision: str = "d4a1e0d2b602"
down_revision: str | None = "d4a1e0d2b601"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TRANSFERS = (
    (Parts("transfer", "id", ids=True), "id, holder"),
    (Parts("transfer_delivery", "transfer", ids=True), "transfer, holder, organ"),
    (Parts("transfer_answer", "transfer", ids=True), "transfer, holder, organ, answer"),
)
RECEIPTS = Parts("receipt", "transfer", ids=True)
ITEMS = Parts("inbox_item", "id", ids=True)
ACCESSES = Parts("access", "at")
VACUUM = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "5000",
    "autovacuum_analyze_scale_factor": "0.02",
}


def upgrade() -> None:
    connection, now = op.get_bind(), datetime.now(UTC)
    for parts, primary in TRANSFERS:
        to_parts(connection, parts, Keys(primary=primary), now=now)
    _name_transfers_of_receipts()
    to_parts(connection, RECEIPTS, Keys(primary="transfer, subject, hopsequence"), now=now)
    op.drop_constraint("inbox_item_identity", "inbox_item")
    unique = {"inbox_item_identity": "organ, id"}
    to_parts(connection, ITEMS, Keys(primary="organ, kind, position, id", unique=unique), now=now)
    to_parts(connection, ACCESSES, Keys(primary="position, at"), now=now)
    _protect_accesses(parts=True)
    op.execute(f"ALTER TABLE outbox SET ({', '.join(f'{name} = {value}' for name, value in VACUUM.items())})")


def downgrade() -> None:
    connection = op.get_bind()
    op.execute(f"ALTER TABLE outbox RESET ({', '.join(VACUUM)})")
    to_whole(connection, ACCESSES, Keys(primary="position"))
    _protect_accesses(parts=False)
    to_whole(connection, ITEMS, Keys(primary="organ, kind, position"))
    op.execute("ALTER TABLE inbox_item ADD CONSTRAINT inbox_item_identity UNIQUE USING INDEX inbox_item_identity")
    to_whole(connection, RECEIPTS, Keys(primary="subject, hopsequence"))
    op.drop_column("receipt", "at")
    op.drop_column("receipt", "transfer")
    for parts, primary in TRANSFERS:
        to_whole(connection, parts, Keys(primary=primary))


def _name_transfers_of_receipts() -> None:
    """Which transfer a receipt is about, and when it was given, its text says; without a hand-over it is of today."""
    op.add_column("receipt", sa.Column("transfer", sa.Text(), nullable=True))
    op.add_column("receipt", sa.Column("at", sa.DateTime(timezone=True), nullable=True))
    op.execute("""
        UPDATE receipt SET transfer = told.item ->> 'id', at = coalesce(
               (SELECT max(CAST(each ->> 'handed_over_at' AS timestamptz))
                  FROM json_array_elements(told.item -> 'deliveries') AS d(each)), now())
          FROM (SELECT subject, hopsequence, CAST(convert_from(item, 'UTF8') AS json) AS item FROM receipt) told
         WHERE receipt.subject = told.subject AND receipt.hopsequence = told.hopsequence
    """)
    op.alter_column("receipt", "transfer", nullable=False)
    op.alter_column("receipt", "at", nullable=False)


def _protect_accesses(*, parts: bool) -> None:
    """A trigger for statements on the whole; one for the rows of every part, and one for each that is emptied whole."""
    op.execute("""
        CREATE TRIGGER access_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON access
        FOR EACH STATEMENT EXECUTE FUNCTION access_stays()
    """)
    if not parts:
        return
    op.execute("""
        CREATE TRIGGER access_row_stays BEFORE UPDATE OR DELETE ON access
        FOR EACH ROW EXECUTE FUNCTION access_stays()
    """)
    op.execute("""
        DO $$
        DECLARE part regclass;
        BEGIN
            FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = CAST('access' AS regclass) LOOP
                EXECUTE format('CREATE TRIGGER access_part_stays BEFORE TRUNCATE ON %s'
                               ' FOR EACH STATEMENT EXECUTE FUNCTION access_stays()', part);
            END LOOP;
        END $$
    """)
