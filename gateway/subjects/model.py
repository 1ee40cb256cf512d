"""What the gateway knows of a subject: its row is the lock, beside it counters and the state of dossier or document.

These rows are never purged. The counters are what is left of an envelope's identity once the ledger has forgotten it: a
number that was used is not taken again. And a dossier may rest for years before its next step.
"""

from sqlalchemy import BigInteger, Column, DateTime, Index, PrimaryKeyConstraint, SmallInteger, Table, Text, text

from gateway.tables import metadata

subject = Table(
    "subject",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

emitter = Table(
    "emitter",
    metadata,
    Column("subject", Text, nullable=False),
    Column("emitter", Text, nullable=False),
    Column("last", BigInteger, nullable=False),
    PrimaryKeyConstraint("subject", "emitter"),
)

hop_counter = Table(
    "hop_counter",
    metadata,
    Column("subject", Text, nullable=False),
    Column("office", Text, nullable=False),
    Column("last", BigInteger, nullable=False),
    PrimaryKeyConstraint("subject", "office"),
)

dossier = Table(
    "dossier",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("receiver", Text, nullable=False),
    Column("parties", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("custodian", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("offer", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
Index("dossier_status", dossier.c.status, dossier.c.changed_at)

document = Table(
    "document",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("sender", Text, nullable=False),
    Column("document_id", Text, nullable=False),
    Column("issued_source", Text, nullable=False),
    Column("issued_id", Text, nullable=False),
    Column("recipients", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("promulgated_on", Text, nullable=False),
)
