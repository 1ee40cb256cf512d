"""First tables."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "11da82680ac8"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("dossier_number", increment=100)))
    op.create_table(
        "attachment",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "attachment_access",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "organ"),
    )
    op.create_table(
        "broker",
        sa.Column("singleton", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("cluster_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("singleton"),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("log_partition", sa.Integer(), nullable=False),
        sa.Column("log_offset", sa.BigInteger(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("sent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("dead_letter_unsent", "dead_letter", ["id"], unique=False, postgresql_where=sa.text("NOT sent"))
    op.create_table(
        "document",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("promulgated_on", sa.Date(), nullable=True),
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("issued", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("recipients", sa.Text(), server_default="", nullable=False),
        sa.Column("received", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("refused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("holder", "id"),
    )
    op.create_index("document_code", "document", ["holder", "sender", "code"], unique=False)
    op.create_table(
        "document_status",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("targets", sa.Text(), server_default="", nullable=False),
        sa.Column("refused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("holder", "document", "transfer"),
    )
    op.create_table(
        "dossier",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("decider", sa.Text(), server_default="", nullable=False),
        sa.Column("parties", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted", sa.LargeBinary(), nullable=False),
        sa.Column("papers", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("custodian", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("offer", sa.Text(), server_default="", nullable=False),
        sa.Column("giver", sa.Text(), server_default="", nullable=False),
        sa.Column("taker", sa.Text(), server_default="", nullable=False),
        sa.Column("refused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("holder", "code"),
    )
    op.create_table(
        "dossier_entry",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("offer", sa.Text(), server_default="", nullable=False),
        sa.Column("taker", sa.Text(), server_default="", nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("papers", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("holder", "code", "transfer"),
    )
    op.create_table(
        "emission",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "organ", "source"),
    )
    op.create_table(
        "idempotency",
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("client", "route", "key"),
    )
    op.create_index("idempotency_created", "idempotency", ["created_at"], unique=False)
    op.create_table(
        "inbox_ack",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "organ", "kind", "position"),
    )
    op.create_table(
        "inbox_counter",
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organ"),
    )
    op.create_table(
        "inbox_item",
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("href", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("organ", "kind", "position"),
        sa.UniqueConstraint("organ", "id", name="inbox_item_identity"),
    )
    op.create_table(
        "inbox_reader",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "organ", "kind"),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "log_position",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("log_partition", sa.Integer(), nullable=False),
        sa.Column("log_generation", sa.Integer(), nullable=False),
        sa.Column("last_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "log_partition"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("envelope_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="unsent", nullable=False),
        sa.Column("pending", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("round", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("log_partition", sa.Integer(), nullable=True),
        sa.Column("log_offset", sa.BigInteger(), nullable=True),
        sa.Column("log_generation", sa.Integer(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("routed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "outbox_finished", "outbox", ["closed_at"], unique=False, postgresql_where=sa.text("closed_at IS NOT NULL")
    )
    op.create_index("outbox_identity", "outbox", ["envelope_id", "source"], unique=True)
    op.create_index("outbox_pending", "outbox", ["id"], unique=False, postgresql_where=sa.text("pending"))
    op.create_index(
        "outbox_routed",
        "outbox",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'routed' AND NOT pending"),
    )
    op.create_index(
        "outbox_sent",
        "outbox",
        ["topic", "log_partition", "log_offset"],
        unique=False,
        postgresql_where=sa.text("state = 'sent' AND NOT pending"),
    )
    op.create_index(
        "outbox_tail",
        "outbox",
        ["subject", "organ", "sequence"],
        unique=False,
        postgresql_where=sa.text("sequence IS NOT NULL"),
    )
    op.create_table(
        "receipt",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("hopsequence", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "hopsequence"),
    )
    op.create_table(
        "registry_complete",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("topic"),
    )
    op.create_table(
        "registry_copy",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "id"),
    )
    op.create_table(
        "stuck",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("hopsequence", sa.BigInteger(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_index("stuck_due", "stuck", ["due_at"], unique=False)
    op.create_table(
        "subject",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("last_hop", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "transfer",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", "holder"),
    )
    op.create_table(
        "transfer_answer",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("arrival", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.PrimaryKeyConstraint("transfer", "holder", "organ", "answer"),
    )
    op.create_table(
        "transfer_delivery",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("transfer", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=True),
        sa.Column("redirected_from", sa.Text(), nullable=True),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("transfer", "holder", "organ"),
    )


def downgrade() -> None:
    op.drop_table("transfer_delivery")
    op.drop_table("transfer_answer")
    op.drop_table("transfer")
    op.drop_table("subject")
    op.drop_index("stuck_due", table_name="stuck")
    op.drop_table("stuck")
    op.drop_table("registry_copy")
    op.drop_table("registry_complete")
    op.drop_table("receipt")
    op.drop_index("outbox_tail", table_name="outbox", postgresql_where=sa.text("sequence IS NOT NULL"))
    op.drop_index("outbox_sent", table_name="outbox", postgresql_where=sa.text("state = 'sent' AND NOT pending"))
    op.drop_index("outbox_routed", table_name="outbox", postgresql_where=sa.text("state = 'routed' AND NOT pending"))
    op.drop_index("outbox_pending", table_name="outbox", postgresql_where=sa.text("pending"))
    op.drop_index("outbox_identity", table_name="outbox")
    op.drop_index("outbox_finished", table_name="outbox", postgresql_where=sa.text("closed_at IS NOT NULL"))
    op.drop_table("outbox")
    op.drop_table("log_position")
    op.drop_table("lease")
    op.drop_table("inbox_reader")
    op.drop_table("inbox_item")
    op.drop_table("inbox_counter")
    op.drop_table("inbox_ack")
    op.drop_index("idempotency_created", table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_table("emission")
    op.drop_table("dossier_entry")
    op.drop_table("dossier")
    op.drop_table("document_status")
    op.drop_index("document_code", table_name="document")
    op.drop_table("document")
    op.drop_index("dead_letter_unsent", table_name="dead_letter", postgresql_where=sa.text("NOT sent"))
    op.drop_table("dead_letter")
    op.drop_table("broker")
    op.drop_table("attachment_access")
    op.drop_table("attachment")
    op.execute(sa.schema.DropSequence(sa.Sequence("dossier_number")))
