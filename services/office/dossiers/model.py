"""Dossiers as each organ holds them: what was submitted, the newest stamp of the gateway, and the steps known."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    text,
)

from services.office.tables import METADATA

NUMBERS = Sequence("dossier_number", metadata=METADATA, increment=100)
"""Numbers of issued dossier codes; a process takes a block of 100 at a time, gaps are allowed."""

DOSSIER = Table(
    "dossier",
    METADATA,
    Column("holder", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("procedure", Text, nullable=False),
    Column("receiver", Text, nullable=False),
    Column("decider", Text, nullable=False, server_default=""),
    Column("parties", Text, nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("summary", Text),
    Column("submitted", LargeBinary, nullable=False),
    Column("papers", LargeBinary),
    Column("status", SmallInteger, nullable=False),
    Column("custodian", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("offer", Text, nullable=False, server_default=""),
    Column("giver", Text, nullable=False, server_default=""),
    Column("taker", Text, nullable=False, server_default=""),
    Column("refused", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("holder", "code"),
    # A stamp is for all who hold the dossier here.
    Index("dossier_code", "code"),
    # Lists are newest first; a page of any filter must not read what an organ has gathered in years.
    Index("dossier_newest", "holder", "created_at", "code"),
    Index("dossier_status", "holder", "status", "created_at", "code"),
    Index("dossier_procedure", "holder", "procedure", "created_at", "code"),
    Index("dossier_due", "holder", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)
"""`version` 0: the own `submitted` has no stamp yet; `refused`: it was refused and the code is free again.
`submitted` is the payload as it travelled (`summary` is from it), `papers` what a snapshot told besides; `parties` in
order of arrival."""

ENTRY = Table(
    "dossier_entry",
    METADATA,
    Column("holder", Text, nullable=False),
    Column("code", Text, nullable=False),
    # Drawn under the subject's lock: its order is the order of the history.
    Column("position", BigInteger, Identity(cache=1), nullable=False),
    Column("transfer", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("reason", Text),
    Column("offer", Text, nullable=False, server_default=""),
    Column("taker", Text, nullable=False, server_default=""),
    Column("epoch", Integer),
    Column("state", Text, nullable=False),
    Column("refusal", Text),
    Column("papers", LargeBinary),
    PrimaryKeyConstraint("holder", "code", "transfer"),
    Index(
        "dossier_entry_pending",
        "holder",
        "code",
        "status",
        postgresql_where=text("state = 'pending' AND action <> 'submit'"),
    ),
)
"""One step. `state`: own facts are `pending` until the gateway tells, `routed` or `refused`; others are `routed`."""
