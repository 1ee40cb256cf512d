"""Many rows in one statement: `INSERT … SELECT … FROM unnest(arrays)`, the cheapest form measured with asyncpg."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import postgresql

from services.kernel.database import Connection

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def type_name(table: Table, column: str) -> str:
    """The column's type as PostgreSQL spells it; an array has no collation."""
    return str(table.c[column].type.compile(_DIALECT)).partition(" COLLATE ")[0]


def unnest(table: Table, columns: Sequence[str], alias: str = "rows") -> str:
    """`unnest(CAST(:a AS text[]), …) AS rows(a, …)`: arrays bound by column name, typed as the table's columns."""
    arrays = ", ".join(f"CAST(:{name} AS {type_name(table, name)}[])" for name in columns)
    return f"unnest({arrays}) AS {alias}({', '.join(columns)})"


@lru_cache(maxsize=256)
def _statement(table: Table, columns: tuple[str, ...], tail: str) -> TextClause:
    names = ", ".join(columns)
    return text(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {unnest(table, columns)} {tail}")  # noqa: S608


def arrays(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows turned into one array a column."""
    return {name: [row[name] for row in rows] for name in rows[0]}


async def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], tail: str = "") -> None:
    """Inserts rows that all have the same keys; `tail` is an ON CONFLICT clause. Order of rows is order of identity."""
    if rows:
        await connection.execute(_statement(table, tuple(rows[0]), tail), arrays(rows))


def upsert(*keys: str, update: Sequence[str]) -> str:
    """The ON CONFLICT tail that takes the new values."""
    changes = ", ".join(f"{name} = excluded.{name}" for name in update)
    return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"
