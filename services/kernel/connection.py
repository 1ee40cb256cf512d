"""A connection to PostgreSQL as programs use it: `text()` statements with named values, rows with named fields.

Right on asyncpg: with little load a statement's cost is what surrounds it, and each dossier takes dozens. SQLAlchemy
keeps the models, the migrations and the language of statements that are put together.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

PREPARED_STATEMENTS = 500
"""Kept by each connection; the one not used for longest goes. Programs have half as many, lists add theirs."""
PREPARE_SECONDS = 12.0

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_NAME = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_DIALECT = dialects.dialect()  # type: ignore[no-untyped-call]
_VALUE_CLASS = "22"  # data exceptions: their messages may quote the value


T = TypeVar("T")


class DatabaseError(Exception):
    """What the database or its driver refused. The text never holds a value that was stored or sent."""

    def __init__(self, message: str, sqlstate: str = "") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate

    @classmethod
    def of(cls, error: BaseException) -> "DatabaseError":
        """`error` is the driver's. Its details quote rows and its own checks quote values: neither is kept."""
        state = getattr(error, "sqlstate", None) or ""
        told = getattr(error, "message", None) if state else str(error)
        if not told or state.startswith(_VALUE_CLASS):
            told = type(error).__name__
        return cls(f"{told} ({state})" if state else told, state)


class Row(asyncpg.Record):  # type: ignore[misc]
    """A row: fields by name (`row.id`, `row["id"]`), by place, and unpacked."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Rows(Generic[T]):
    """What a statement returned. Asking for the one row of several, or of none, is a mistake of the program."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[T]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[T]:
        return iter(self._rows)

    def all(self) -> Sequence[T]:
        return self._rows

    def first(self) -> T | None:
        return self._rows[0] if self._rows else None

    def one_or_none(self) -> T | None:
        if len(self._rows) > 1:
            raise LookupError(f"{len(self._rows)} rows instead of one")
        return self.first()

    def one(self) -> T:
        if len(self._rows) != 1:
            raise LookupError(f"{len(self._rows)} rows instead of one")
        return self._rows[0]


class Result(Rows[Row]):
    __slots__ = ("_status",)

    def __init__(self, rows: Sequence[Row], status: str) -> None:
        super().__init__(rows)
        self._status = status

    @property
    def rowcount(self) -> int:
        """Rows returned or, by a statement that returns none, rows written."""
        count = self._status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    def scalars(self) -> Rows[Any]:
        """The first field of each row."""
        return Rows([row[0] for row in self._rows])

    def scalar_one(self) -> Any:
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        row = self.one_or_none()
        return None if row is None else row[0]

    def mappings(self) -> Rows[Mapping[str, Any]]:
        """The same rows, to be read by name: `row["id"]`, `dict(row)`, `Known(**row)`. Iteration gives values."""
        return cast(Rows[Mapping[str, Any]], self)


class DriverConnection(asyncpg.Connection):  # type: ignore[misc]
    """asyncpg's, with the statements it has prepared and without the reset after each use: nothing sets anything."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.statements: dict[str, PreparedStatement] = {}
        self.opening = 0

    async def statement(self, sql: str) -> PreparedStatement:
        known = self.statements.pop(sql, None)
        if known is None:
            while len(self.statements) >= PREPARED_STATEMENTS:
                del self.statements[next(iter(self.statements))]
            # what is forgotten is closed first, without a limit of its own
            async with asyncio.timeout(PREPARE_SECONDS):
                known = await self.prepare(sql)
        self.statements[sql] = known
        return known


class Connection:
    """Lent by `Database` for one transaction, and of no use after it.

    `rings`: the bells to ring when it has committed. `unsettled`: a statement began and did not end well, so that the
    server may still be inside it.
    """

    __slots__ = ("_driver", "_left", "rings", "unsettled")

    def __init__(self, driver: DriverConnection, most: int | None = None) -> None:
        self._driver: DriverConnection | None = driver
        self._left = most
        self.rings: set[str] = set()
        self.unsettled = False

    def end(self) -> None:
        self._driver = None

    async def execute(self, statement: ClauseElement, values: Mapping[str, Any] | None = None) -> Result:
        """Runs one statement; arrays and `unnest` take the place of many. `DatabaseError` when it is refused."""
        driver = self._driver
        if driver is None:
            raise RuntimeError("a statement after the end of its transaction")
        if self._left is not None:
            if not self._left:
                raise RuntimeError("a transaction of one statement was given a second one")
            self._left -= 1
        sql, bound = _bound(statement, values or {})
        self.unsettled = True
        try:
            prepared = await driver.statement(sql)
            rows = await prepared.fetch(*bound)
            status = prepared.get_statusmsg()
        except DRIVER_ERRORS as error:
            if isinstance(error, asyncpg.InvalidCachedStatementError):
                driver.statements.clear()  # a table was changed: what is known of it is no longer so
            elif not isinstance(error, asyncpg.PostgresError):
                driver.statements.pop(sql, None)
            raise DatabaseError.of(error) from error
        self.unsettled = False
        return Result(cast(list[Row], rows), status)


async def close(driver: asyncpg.Connection, seconds: float) -> None:
    """Ends a connection in whatever state it or its server is."""
    try:
        await driver.close(timeout=seconds)
    except (*DRIVER_ERRORS, OSError):
        driver.terminate()


def _bound(statement: ClauseElement, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The statement as PostgreSQL wants it (`$1`), with the values in its order."""
    if isinstance(statement, TextClause):
        sql, names = _numbered(statement.text)
        return sql, [values[name] for name in names]
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    assert isinstance(compiled, SQLCompiler)
    given = compiled.construct_params(values)
    return compiled.string, [given[name] for name in compiled.positiontup or ()]


@lru_cache(maxsize=2048)
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """`:name` as `$n`, the same name the same number (as SQLAlchemy reads its `text()`; `\\:` is a colon)."""
    places: dict[str, int] = {}
    numbered = _NAME.sub(lambda found: f"${places.setdefault(found[1], len(places) + 1)}", sql)
    return numbered.replace("\\:", ":"), tuple(places)
