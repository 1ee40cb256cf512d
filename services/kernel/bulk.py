"""Many rows in one statement: `INSERT … SELECT … FROM unnest(arrays)`, the cheapest form measured with asyncpg."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import postgresql

from services.kernel.connection import Connection, Row
from services.kernel.database import ring_on_commit

_NAME = re.compile(r"(?<![:\w\\]):(?=[a-z_])")
"""The colon of a named value, not those of a cast."""
_GIVEN = re.compile(r"CAST\(:(\w+) AS (\w+(?:\[\])?)\)")
_HIDDEN = r"CAST((SELECT CAST(:\1 AS \2)) AS \2)"
"""The planner does not see through it: see `planned_once`."""
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def planned_once(statement: str) -> TextClause:
    """The statement with its values, written `CAST(:name AS type)`, kept from the planner: a plan for these values is
    then no better than one for any, so PostgreSQL keeps that one instead of planning at every use, which takes longer
    than looking a few rows up by key."""
    return text(_GIVEN.sub(_HIDDEN, statement))


def type_name(table: Table, column: str) -> str:
    """The column's type as PostgreSQL spells it; an array has no collation."""
    return str(table.c[column].type.compile(_DIALECT)).partition(" COLLATE ")[0]


def unnest(table: Table, columns: Sequence[str], alias: str = "rows") -> str:
    """`unnest(CAST(:a AS text[]), …) AS rows(a, …)`: arrays bound by column name, typed as the table's columns."""
    arrays = ", ".join(f"CAST(:{name} AS {type_name(table, name)}[])" for name in columns)
    return f"unnest({arrays}) AS {alias}({', '.join(columns)})"


@lru_cache(maxsize=256)
def _insert(table: Table, columns: tuple[str, ...], tail: str) -> str:
    names = ", ".join(columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {unnest(table, columns)} {tail}"  # noqa: S608


@lru_cache(maxsize=256)
def _statement(table: Table, columns: tuple[str, ...], tail: str) -> TextClause:
    return text(_insert(table, columns, tail))


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


class Writes:
    """Writes gathered to go in one statement: `WITH w0 AS (INSERT …), w1 AS (UPDATE …) … SELECT`.

    All of them see the rows as they were before the first (PostgreSQL, "Data-Modifying Statements in WITH"): none may
    read or change what another one of them writes. With little to write, round trips are what a transaction costs.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._values: dict[str, Any] = {}
        self._rings: set[str] = set()

    def ring(self, *names: str) -> None:
        """Bells to ring when the transaction that this is written in has committed."""
        self._rings.update(names)

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]], tail: str = "") -> None:
        """As `insert_many` does."""
        if rows:
            self.add(_insert(table, tuple(rows[0]), tail), arrays(rows))

    def add(self, statement: str, values: Mapping[str, Any]) -> str:
        """Any INSERT, UPDATE or DELETE with its named values. Returns the name by which later ones may read what it
        RETURNs."""
        name = f"w{len(self._parts)}"
        self._parts.append(statement)
        self._values.update({f"{name}_{key}": value for key, value in values.items()})
        return name

    async def run(self, connection: Connection) -> None:
        """Writes all that was gathered, once; nothing gathered is no statement."""
        if self._parts:
            await connection.execute(_together(tuple(self._parts)), self._values)
        self._written(connection)

    async def run_given(self, connection: Connection, given: str, asked: str, values: Mapping[str, Any]) -> Row:
        """As `run`, with common table expressions that the writes may name, and the answer to what is `asked`."""
        statement = _together(tuple(self._parts), given, asked)
        answer = (await connection.execute(statement, {**self._values, **values})).one()
        self._written(connection)
        return answer

    def _written(self, connection: Connection) -> None:
        ring_on_commit(connection, *self._rings)
        self._parts, self._values, self._rings = [], {}, set()


class Reads:
    """Reads gathered to go in one statement, all of one moment. Under a lock, they must begin after it is held: a
    statement that waited for it still sees the rows as they were before."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._values: dict[str, Any] = {}
        self._found: list[list[tuple[Any, ...]]] = []
        self._taken: list[Callable[[Sequence[tuple[Any, ...]]], None] | None] = []

    def add(
        self,
        statement: str,
        values: Mapping[str, Any],
        taken: Callable[[Sequence[tuple[Any, ...]]], None] | None = None,
    ) -> Sequence[tuple[Any, ...]]:
        """`statement` is a `SELECT ROW(…) FROM …` with its values written `CAST(:name AS type)`; what it found is in
        the list returned once `run` has ended, which also gives it to `taken`."""
        place = len(self._parts)
        self._parts.append(statement)
        self._values.update({f"r{place}_{name}": value for name, value in values.items()})
        self._found.append([])
        self._taken.append(taken)
        return self._found[-1]

    async def run(self, connection: Connection) -> None:
        """Reads all that was gathered, once; nothing gathered is no statement."""
        if self._parts:
            row = (await connection.execute(_beside(tuple(self._parts)), self._values)).one()
            for found, taken, rows in zip(self._found, self._taken, row, strict=True):
                found.extend(rows)
                if taken is not None:
                    taken(found)
            self._parts, self._values, self._found, self._taken = [], {}, [], []


@lru_cache(maxsize=256)
def _beside(parts: tuple[str, ...]) -> TextClause:
    named = (f"ARRAY({_NAME.sub(rf':r{place}_', part)}) AS r{place}" for place, part in enumerate(parts))
    return planned_once(f"SELECT {', '.join(named)}")


@lru_cache(maxsize=1024)
def _together(parts: tuple[str, ...], given: str = "", asked: str = "") -> TextClause:
    named = [f"w{place} AS ({_NAME.sub(rf':w{place}_', part)})" for place, part in enumerate(parts)]
    return planned_once(f"WITH {', '.join([given, *named] if given else named)} SELECT {asked}")
