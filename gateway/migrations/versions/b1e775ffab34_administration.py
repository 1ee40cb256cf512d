"""Administration: the audit, what systems and organs are listed by, secrets that can be named."""

import unicodedata
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "b1e775ffab34"
down_revision: str | None = "a0d664feaba3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_HOME = "UPDATE organ SET home = convert_from(document, 'UTF8')::jsonb->>'home'"
_SYSTEM = """
    UPDATE system s SET level = d.told->>'level', suspended = (d.told->>'suspended')::boolean,
                        administers = d.told->'scopes' ? 'admin'
      FROM (SELECT key, convert_from(document, 'UTF8')::jsonb AS told FROM system) d WHERE d.key = s.key
"""
_SYSTEM_ORGANS = """
    INSERT INTO system_organ (client_id, organ)
    SELECT DISTINCT key, jsonb_array_elements_text(convert_from(document, 'UTF8')::jsonb->'organs') FROM system
"""
_NAMES = "SELECT key, convert_from(document, 'UTF8')::jsonb->>'name' AS name FROM system"


def upgrade() -> None:
    _add_audit()
    _add_home()
    _add_listing()
    op.add_column(
        "system_secret",
        sa.Column("id", sa.Text(), server_default=sa.text("gen_random_uuid()::text"), nullable=False),
    )
    op.add_column("system_secret", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.create_unique_constraint(op.f("system_secret_id_key"), "system_secret", ["id"])


def _add_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("audit_pkey")),
    )
    for name, columns in (
        ("audit_target", ["target", "position"]),
        ("audit_action", ["action", "position"]),
        ("audit_client_id", ["client_id", "position"]),
        ("audit_at", ["at"]),
    ):
        op.create_index(name, "audit", columns, unique=False)
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the audit is only added to'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )


def _add_home() -> None:
    op.add_column("organ", sa.Column("home", sa.Text(), nullable=True))
    op.execute(_HOME)
    op.alter_column("organ", "home", nullable=False)


def _add_listing() -> None:
    for name, kind in (("level", sa.Text()), ("search", sa.Text()), ("suspended", sa.Boolean())):
        op.add_column("system", sa.Column(name, kind, nullable=True))
    op.add_column("system", sa.Column("administers", sa.Boolean(), nullable=True))
    op.create_table(
        "system_organ",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "organ", name=op.f("system_organ_pkey")),
    )
    op.create_index("system_organ_organ", "system_organ", ["organ"], unique=False)
    op.execute(_SYSTEM)
    op.execute(_SYSTEM_ORGANS)
    _fill_search()
    for name in ("level", "search", "suspended", "administers"):
        op.alter_column("system", name, nullable=False)


def _fill_search() -> None:
    connection = op.get_bind()
    found = connection.execute(sa.text(_NAMES)).all()
    for row in found:
        search = _fold(f"{row.name} {row.key}")
        connection.execute(
            sa.text("UPDATE system SET search = :search WHERE key = :key"), {"search": search, "key": row.key}
        )


def _fold(text: str) -> str:
    plain = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return " ".join(plain.replace("đ", "d").replace("Đ", "D").casefold().split())


def downgrade() -> None:
    op.drop_constraint(op.f("system_secret_id_key"), "system_secret", type_="unique")
    op.drop_column("system_secret", "last_used_at")
    op.drop_column("system_secret", "id")
    op.drop_index("system_organ_organ", table_name="system_organ")
    op.drop_table("system_organ")
    for name in ("administers", "suspended", "search", "level"):
        op.drop_column("system", name)
    op.drop_column("organ", "home")
    op.drop_table("audit")
    op.execute("DROP FUNCTION audit_refuse()")
