"""For migrations: turns a table with its rows into one in parts by month, and back; names stay what they were.

Columns, defaults and indexes are taken from the table as it stands. Only released versions call this, and what they
call keeps its meaning: a new way is a new function.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, text

from services.kernel.partitions import AHEAD, Parts, add_months, month_of

FIRST_YEAR = 2020
"""Rows that claim to be older were dated by a wrong clock and lie in the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Columns of the primary key after the change; `unique` are those of unique indexes that need others than before.

    In parts, each has to hold the key of the parts.
    """

    primary: str
    unique: Mapping[str, str] = field(default_factory=dict)


def to_parts(connection: Connection, parts: Parts, keys: Keys, *, now: datetime) -> None:
    """With a part for every month that has rows and for those to come; rows of a later future lie in the rest."""
    table, old = parts.table, f"{parts.table}_whole"
    indexes, sequences = _indexes(connection, table), _set_aside(connection, table, old)
    if parts.ids:
        _run(connection, f'ALTER TABLE {old} ALTER COLUMN {parts.key} TYPE text COLLATE "C"')
    like = f"(LIKE {old} INCLUDING ALL EXCLUDING INDEXES)"
    _run(connection, f"CREATE TABLE {table} {like} PARTITION BY RANGE ({parts.key})")
    _run(connection, f"CREATE TABLE {parts.rest} PARTITION OF {table} DEFAULT")
    this = month_of(now)
    end = add_months(this, AHEAD + 1)
    span = f"{parts.key} >= {parts.bound(date(FIRST_YEAR, 1, 1))} AND {parts.key} < {parts.bound(end)}"
    found = f"SELECT DISTINCT {parts.month_sql} FROM {old} WHERE {parts.has_time} AND {span}"  # noqa: S608 - our names
    months = set(connection.execute(text(found)).scalars())
    for month in sorted(months | {add_months(this, number) for number in range(AHEAD + 1)}):
        bounds = f"FROM ({parts.bound(month)}) TO ({parts.bound(add_months(month, 1))})"
        _run(connection, f"CREATE TABLE {parts.name(month)} PARTITION OF {table} FOR VALUES {bounds}")
    _fill(connection, table, old, sequences)
    _index(connection, table, keys, indexes)


def to_whole(connection: Connection, parts: Parts, keys: Keys) -> None:
    """The way back; the rows of all parts lie in one table again."""
    table, old = parts.table, f"{parts.table}_cut"
    indexes, sequences = _indexes(connection, table), _set_aside(connection, table, old)
    _run(connection, f"CREATE TABLE {table} (LIKE {old} INCLUDING ALL EXCLUDING INDEXES)")
    _fill(connection, table, old, sequences)
    if parts.ids:
        _run(connection, f'ALTER TABLE {table} ALTER COLUMN {parts.key} TYPE text COLLATE "default"')
    _index(connection, table, keys, indexes)


def _index(connection: Connection, table: str, keys: Keys, indexes: Mapping[str, str]) -> None:
    _run(connection, f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY ({keys.primary})")
    for name, definition in indexes.items():
        if name not in keys.unique:
            _run(connection, definition.replace(" ON ONLY ", " ON ", 1))
    for name, columns in keys.unique.items():
        _run(connection, f"CREATE UNIQUE INDEX {name} ON {table} ({columns})")


def _indexes(connection: Connection, table: str) -> dict[str, str]:
    """All but that of the primary key, by name, as statements that make them again."""
    found = connection.execute(
        text(
            "SELECT c.relname, pg_get_indexdef(i.indexrelid) AS definition"
            " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = to_regclass(:table) AND NOT i.indisprimary ORDER BY c.relname"
        ),
        {"table": table},
    )
    return {row.relname: row.definition for row in found}


def _set_aside(connection: Connection, table: str, old: str) -> dict[str, tuple[str, int, bool]]:
    """Renames the table and frees its names. Returns where its identity columns stand, by column."""
    sequences = {}
    found = connection.execute(
        text(
            "SELECT attname, pg_get_serial_sequence(:table, attname) FROM pg_attribute"
            " WHERE attrelid = to_regclass(:table) AND attidentity <> '' AND NOT attisdropped"
        ),
        {"table": table},
    )
    for column, sequence in found.all():
        last, called = connection.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608
        sequences[column] = (sequence.rpartition(".")[2], last, called)
        _run(connection, f"ALTER SEQUENCE {sequence} RENAME TO {old}_{column}_seq")
    _run(connection, f"ALTER TABLE {table} RENAME TO {old}")
    for name in _indexes(connection, old):
        _run(connection, f"DROP INDEX {name}")
    _run(connection, f"ALTER TABLE {old} DROP CONSTRAINT {table}_pkey")
    return sequences


def _fill(connection: Connection, table: str, old: str, sequences: dict[str, tuple[str, int, bool]]) -> None:
    found = connection.execute(
        text(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
            " WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
        ),
        {"table": table},
    )
    columns = found.scalar_one()
    _run(connection, f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {old}")  # noqa: S608 - names are ours
    _run(connection, f"DROP TABLE {old}")
    for column, (wanted, last, called) in sequences.items():
        made = connection.execute(text("SELECT pg_get_serial_sequence(:t, :c)"), {"t": table, "c": column}).scalar_one()
        connection.execute(text("SELECT setval(:made, :last, :called)"), {"made": made, "last": last, "called": called})
        if made.rpartition(".")[2] != wanted:
            _run(connection, f"ALTER SEQUENCE {made} RENAME TO {wanted}")


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)
