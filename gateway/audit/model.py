"""The audit of administration: one row an act, added in the act's own transaction and never touched again."""

from sqlalchemy import DDL, BigInteger, Column, DateTime, Identity, Index, Table, Text, event, text

from gateway.tables import metadata

audit = Table(
    "audit",
    metadata,
    Column("position", BigInteger, Identity(cache=1), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),  # hub time
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("client_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("reason", Text, nullable=False),
    Column("request_id", Text, nullable=False),
)
Index("audit_target", audit.c.target, audit.c.position)
Index("audit_action", audit.c.action, audit.c.position)
Index("audit_client_id", audit.c.client_id, audit.c.position)
Index("audit_at", audit.c.at)

# For tables made from the model; the history of migrations says the same.
for _statement in (
    "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'the audit is only added to'; END $$",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
):
    event.listen(audit, "after_create", DDL(_statement))  # type: ignore[no-untyped-call]
