"""Documents as each organ holds them, the one that sent it and those it came to, and the status steps known."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from services.office.tables import METADATA

DOCUMENT = Table(
    "document",
    METADATA,
    Column("holder", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("document_id", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("promulgated_on", Date),
    Column("transfer", Text, nullable=False),
    Column("issued", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("recipients", Text, nullable=False, server_default=""),
    Column("received", Boolean, nullable=False, server_default=text("false")),
    Column("refused", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    # Which box it is in: the planner finds no index by a condition that compares two columns.
    Column("own", Boolean, Computed("sender = holder", persisted=True)),
    PrimaryKeyConstraint("holder", "id"),
)
"""`sender` is its canonical code; `issued` the payload as it travelled, `digest` that of the posted content.
`recipients`: whom the sender's office resolved, in the order written. `received`: it came to the holder, who may also
be its sender. `refused`: the gateway did not take the own document, its DocumentId is free again."""
Index("document_code", DOCUMENT.c.holder, DOCUMENT.c.sender, DOCUMENT.c.code)
Index("document_named", DOCUMENT.c.holder, DOCUMENT.c.document_id)
Index("document_listed", DOCUMENT.c.holder, DOCUMENT.c.own, DOCUMENT.c.created_at, DOCUMENT.c.id)

STATUS = Table(
    "document_status",
    METADATA,
    Column("holder", Text, nullable=False),
    Column("document", Text, nullable=False),
    # Drawn under the subject's lock: its order is the order of arrival.
    Column("position", BigInteger, Identity(cache=1), nullable=False),
    Column("transfer", Text, nullable=False),
    Column("organ", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("description", Text),
    Column("targets", Text, nullable=False, server_default=""),
    Column("refused", Boolean, nullable=False, server_default=text("false")),
    Column("answers", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("holder", "document", "transfer"),
)
"""One step of an organ; `targets` are the receivers a 13 (take back) asks, as far as the holder knows them; `answers`
the transfers of the recalls and updates a 15 or 16 answers."""

CHANGE = Table(
    "document_change",
    METADATA,
    Column("holder", Text, nullable=False),
    Column("document", Text, nullable=False),
    # Drawn under the subject's lock: its order is the order of arrival.
    Column("position", BigInteger, Identity(cache=1), nullable=False),
    Column("transfer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("organs", Text, nullable=False, server_default=""),
    Column("added", Text, nullable=False, server_default=""),
    Column("removed", Text, nullable=False, server_default=""),
    Column("value", LargeBinary, nullable=False),
    Column("refused", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("holder", "document", "transfer"),
)
"""A recall or update of a document; `organs` are the receivers that answer it and `added` those that take the updated
document as a new one, as far as the holder knows them; `value` the payload as it travelled."""

REPLACEMENT = Table(
    "document_replacement",
    METADATA,
    Column("holder", Text, nullable=False),
    Column("replaced", Text, nullable=False),
    Column("replacement", Text, nullable=False),
    Column("transfer", Text, nullable=False),
    PrimaryKeyConstraint("holder", "replaced", "replacement"),
)
"""One document in the place of another, whichever of them the holder got first; `transfer` brought the newer one."""
