"""First tables."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "a0d664feaba3"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("event_position")))
    op.create_table(
        "answer",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", "organ", "source", "transfer_id", name=op.f("answer_pkey")),
    )
    op.create_table(
        "broker",
        sa.Column("singleton", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("cluster_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("singleton", name=op.f("broker_pkey")),
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
        sa.PrimaryKeyConstraint("id", name=op.f("dead_letter_pkey")),
    )
    op.create_index("dead_letter_unsent", "dead_letter", ["id"], unique=False, postgresql_where=sa.text("NOT sent"))
    op.create_table(
        "delivery",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("sender_level", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("redirected_from", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("hopsequence", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel_file", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("channel_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("delivery_pkey")),
    )
    op.create_index(
        "delivery_axis_due",
        "delivery",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open' AND via = 'axis'"),
    )
    op.create_index(
        "delivery_channel", "delivery", ["channel_id"], unique=False, postgresql_where=sa.text("channel_id <> ''")
    )
    op.create_index("delivery_hop", "delivery", ["subject", "office", "hopsequence"], unique=False)
    op.create_index(
        "delivery_open", "delivery", ["sender_level", "level"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
    op.create_index("delivery_organ", "delivery", ["organ", "opened_at"], unique=False)
    op.create_index("delivery_recent", "delivery", ["opened_at"], unique=False)
    op.create_index("delivery_transfer", "delivery", ["transfer_id"], unique=False)
    op.create_table(
        "document",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("issued_source", sa.Text(), nullable=False),
        sa.Column("issued_id", sa.Text(), nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("promulgated_on", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("document_pkey")),
    )
    op.create_table(
        "dossier",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("parties", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("custodian", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("offer", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("dossier_pkey")),
    )
    op.create_index("dossier_status", "dossier", ["status", "changed_at"], unique=False)
    op.create_table(
        "emitter",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("emitter", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "emitter", name=op.f("emitter_pkey")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("pending", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("event_pkey")),
    )
    op.create_index("event_pending", "event", ["id"], unique=False, postgresql_where=sa.text("pending"))
    op.create_index("event_position_key", "event", ["topic", "position"], unique=True)
    op.create_table(
        "hop",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("hopsequence", sa.BigInteger(), nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        sa.Column("void", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pending", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("round", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("done", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("log_partition", sa.Integer(), nullable=True),
        sa.Column("log_offset", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("hop_pkey")),
    )
    op.create_index("hop_due", "hop", ["due_at"], unique=False, postgresql_where=sa.text("NOT done AND NOT pending"))
    op.create_index("hop_number", "hop", ["subject", "office", "hopsequence"], unique=True)
    op.create_index("hop_open", "hop", ["id"], unique=False, postgresql_where=sa.text("NOT done"))
    op.create_index("hop_pending", "hop", ["id"], unique=False, postgresql_where=sa.text("pending"))
    op.create_index("hop_transfer", "hop", ["transfer_id"], unique=False)
    op.create_table(
        "hop_counter",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "office", name=op.f("hop_counter_pkey")),
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
        sa.PrimaryKeyConstraint("client", "route", "key", name=op.f("idempotency_pkey")),
    )
    op.create_index("idempotency_created", "idempotency", ["created_at"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("lease_pkey")),
    )
    op.create_table(
        "log_position",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("log_partition", sa.Integer(), nullable=False),
        sa.Column("log_generation", sa.Integer(), nullable=False),
        sa.Column("last_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "log_partition", name=op.f("log_position_pkey")),
    )
    op.create_table(
        "organ",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("pending", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("round", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("organ_pkey")),
        sa.UniqueConstraint("id", name=op.f("organ_id_key")),
    )
    op.create_index("organ_pending", "organ", ["id"], unique=False, postgresql_where=sa.text("pending"))
    op.create_index("organ_revision", "organ", ["revision"], unique=False)
    op.create_table(
        "organ_superior",
        sa.Column("organ", sa.Text(), nullable=False),
        sa.Column("superior", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
    )
    op.create_index("organ_superior_organ", "organ_superior", ["organ"], unique=False)
    op.create_index("organ_superior_superior", "organ_superior", ["superior"], unique=False)
    op.create_table(
        "payload",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("payload_pkey")),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("receipt_pkey")),
    )
    op.create_table(
        "registry",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("republished_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("registry_pkey")),
    )
    op.create_table(
        "registry_complete",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("registry_complete_pkey")),
    )
    op.create_table(
        "registry_copy",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "id", name=op.f("registry_copy_pkey")),
    )
    op.create_table(
        "signing_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("pending", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("round", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("signing_key_pkey")),
        sa.UniqueConstraint("id", name=op.f("signing_key_id_key")),
    )
    op.create_index("signing_key_pending", "signing_key", ["id"], unique=False, postgresql_where=sa.text("pending"))
    op.create_index("signing_key_revision", "signing_key", ["revision"], unique=False)
    op.create_index("signing_key_valid_to", "signing_key", ["valid_to"], unique=False)
    op.create_table(
        "signing_secret",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("signing_secret_pkey")),
    )
    op.create_table(
        "subject",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("subject_pkey")),
    )
    op.create_table(
        "system",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("pending", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("round", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("system_pkey")),
        sa.UniqueConstraint("id", name=op.f("system_id_key")),
    )
    op.create_index("system_pending", "system", ["id"], unique=False, postgresql_where=sa.text("pending"))
    op.create_index("system_revision", "system", ["revision"], unique=False)
    op.create_table(
        "system_secret",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("client_id", "hash", name=op.f("system_secret_pkey")),
    )
    op.create_table(
        "transfer",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("transfer_pkey")),
    )
    op.create_index("transfer_id", "transfer", ["id"], unique=False)
    op.create_index(
        "transfer_open", "transfer", ["accepted_at"], unique=False, postgresql_where=sa.text("state = 'routed'")
    )
    op.create_index("transfer_sender", "transfer", ["sender", "accepted_at"], unique=False)
    op.create_index("transfer_subject", "transfer", ["subject", "accepted_at"], unique=False)


def downgrade() -> None:
    op.execute(sa.schema.DropSequence(sa.Sequence("event_position")))
    op.drop_index("transfer_subject", table_name="transfer")
    op.drop_index("transfer_sender", table_name="transfer")
    op.drop_index("transfer_open", table_name="transfer", postgresql_where=sa.text("state = 'routed'"))
    op.drop_index("transfer_id", table_name="transfer")
    op.drop_table("transfer")
    op.drop_table("system_secret")
    op.drop_index("system_revision", table_name="system")
    op.drop_index("system_pending", table_name="system", postgresql_where=sa.text("pending"))
    op.drop_table("system")
    op.drop_table("subject")
    op.drop_table("signing_secret")
    op.drop_index("signing_key_valid_to", table_name="signing_key")
    op.drop_index("signing_key_revision", table_name="signing_key")
    op.drop_index("signing_key_pending", table_name="signing_key", postgresql_where=sa.text("pending"))
    op.drop_table("signing_key")
    op.drop_table("registry_copy")
    op.drop_table("registry_complete")
    op.drop_table("registry")
    op.drop_table("receipt")
    op.drop_table("payload")
    op.drop_index("organ_superior_superior", table_name="organ_superior")
    op.drop_index("organ_superior_organ", table_name="organ_superior")
    op.drop_table("organ_superior")
    op.drop_index("organ_revision", table_name="organ")
    op.drop_index("organ_pending", table_name="organ", postgresql_where=sa.text("pending"))
    op.drop_table("organ")
    op.drop_table("log_position")
    op.drop_table("lease")
    op.drop_index("idempotency_created", table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_table("hop_counter")
    op.drop_index("hop_transfer", table_name="hop")
    op.drop_index("hop_open", table_name="hop", postgresql_where=sa.text("NOT done"))
    op.drop_index("hop_pending", table_name="hop", postgresql_where=sa.text("pending"))
    op.drop_index("hop_number", table_name="hop")
    op.drop_index("hop_due", table_name="hop", postgresql_where=sa.text("NOT done AND NOT pending"))
    op.drop_table("hop")
    op.drop_index("event_position_key", table_name="event")
    op.drop_index("event_pending", table_name="event", postgresql_where=sa.text("pending"))
    op.drop_table("event")
    op.drop_table("emitter")
    op.drop_index("dossier_status", table_name="dossier")
    op.drop_table("dossier")
    op.drop_table("document")
    op.drop_index("delivery_transfer", table_name="delivery")
    op.drop_index("delivery_recent", table_name="delivery")
    op.drop_index("delivery_organ", table_name="delivery")
    op.drop_index("delivery_open", table_name="delivery", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("delivery_hop", table_name="delivery")
    op.drop_index("delivery_channel", table_name="delivery", postgresql_where=sa.text("channel_id <> ''"))
    op.drop_index(
        "delivery_axis_due", table_name="delivery", postgresql_where=sa.text("state = 'open' AND via = 'axis'")
    )
    op.drop_table("delivery")
    op.drop_index("dead_letter_unsent", table_name="dead_letter", postgresql_where=sa.text("NOT sent"))
    op.drop_table("dead_letter")
    op.drop_table("broker")
    op.drop_table("answer")
