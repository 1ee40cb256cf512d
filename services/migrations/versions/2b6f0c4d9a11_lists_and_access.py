"""Lists of dossiers, storage used by organs, who read what."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "2b6f0c4d9a11"
down_revision: str | None = "11da82680ac8"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _list_dossiers()
    _measure_attachments()
    _record_reads()


def downgrade() -> None:
    op.drop_table("access")
    op.execute("DROP FUNCTION access_stays()")
    op.drop_table("attachment_usage")
    op.drop_column("attachment_access", "put")
    op.drop_index("dossier_entry_pending", table_name="dossier_entry")
    for name in ("dossier_newest", "dossier_status", "dossier_procedure", "dossier_due"):
        op.drop_index(name, table_name="dossier")
    op.drop_column("dossier", "summary")


def _list_dossiers() -> None:
    op.add_column("dossier", sa.Column("summary", sa.Text(), nullable=True))
    op.execute("UPDATE dossier SET summary = convert_from(submitted, 'UTF8')::json ->> 'summary'")
    op.create_index("dossier_newest", "dossier", ["holder", "created_at", "code"])
    op.create_index("dossier_status", "dossier", ["holder", "status", "created_at", "code"])
    op.create_index("dossier_procedure", "dossier", ["holder", "procedure", "created_at", "code"])
    op.create_index("dossier_due", "dossier", ["holder", "due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index(
        "dossier_entry_pending",
        "dossier_entry",
        ["holder", "code", "status"],
        postgresql_where=sa.text("state = 'pending' AND action <> 'submit'"),
    )


def _measure_attachments() -> None:
    """Who put what was not told apart from who was brought it until now: all of it counts as put."""
    op.add_column("attachment_access", sa.Column("put", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.create_table(
        "attachment_usage",
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organ"),
    )
    op.execute("""
        INSERT INTO attachment_usage (organ, bytes)
        SELECT g.organ, sum(a.size) FROM attachment_access g JOIN attachment a USING (sha256) GROUP BY g.organ
    """)


def _record_reads() -> None:
    op.create_table(
        "access",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("access_time", "access", ["at", "position"])
    op.create_index("access_organ", "access", ["organ", "at", "position"])
    op.create_index("access_subject", "access", ["subject", "at", "position"])
    op.create_index("access_client", "access", ["client_id", "at", "position"])
    op.execute("""
        CREATE FUNCTION access_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the record of reads is never changed' USING ERRCODE = 'insufficient_privilege';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER access_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON access
        FOR EACH STATEMENT EXECUTE FUNCTION access_stays()
    """)
