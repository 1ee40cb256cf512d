"""Tables in parts by month: how they are declared, which parts there must be, and how old months go.

A part may be missing at any time: what finds none lies in the part `…_rest` (DEFAULT), so nothing is ever refused for
want of a part. When to look after parts is `retention.py`; tables that are not in parts yet are `partition_changes.py`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

import structlog
from sqlalchemy import DDL, MetaData, Table, TextClause, event, text

from services.kernel.connection import Connection, DatabaseError
from services.kernel.database import Database, is_too_long, is_transient

AHEAD = 2
"""Months that have their part before they begin."""
LOCK_MILLISECONDS = 500
CHECK_MILLISECONDS = 1000
"""How long others may wait behind a part that is looked through before it goes."""
MOVE_MILLISECONDS = 5000
"""How long they may wait while rows of the rest are moved into a part of their own."""
BLOCKS_AT_ONCE = 256
INFO = "parts"

_PARTS = text("""
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = to_regclass(:table) ORDER BY c.relname
""")
_EXISTS = text("SELECT to_regclass(:name) IS NOT NULL")
_BLOCKS = text(
    "SELECT coalesce(pg_relation_size(to_regclass(:name)), 0) / CAST(current_setting('block_size') AS bigint)"
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """How one table is cut: by a `timestamptz` column, or (`ids`) by a text column that holds UUIDs.

    A UUIDv7 begins with its time, so its lower-case text under COLLATE "C" is ordered by time; any other UUID lies in
    whatever part its text falls in, nearly always the rest.
    """

    table: str
    key: str
    ids: bool = False

    @property
    def rest(self) -> str:
        return f"{self.table}_rest"

    def name(self, month: date) -> str:
        return f"{self.table}_{month:%Y_%m}"

    def month(self, name: str) -> date | None:
        """The month of a part of this name; None for the rest and for every other table."""
        year, _, number = name.removeprefix(f"{self.table}_").partition("_")
        fits = name.startswith(f"{self.table}_") and len(year) == 4 and len(number) == 2
        return date(int(year), int(number), 1) if fits and (year + number).isdecimal() else None

    def owns(self, name: str) -> bool:
        return name == self.rest or self.month(name) is not None

    def bound(self, month: date) -> str:
        """The least key of a month as an SQL literal."""
        begin = datetime(month.year, month.month, 1, tzinfo=UTC)
        return f"'{id_bound(begin)}'" if self.ids else f"'{begin:%Y-%m-%d} 00:00:00+00'"

    @property
    def month_sql(self) -> str:
        """SQL for the first day of the month of a row's key; only for keys that `has_time` holds for."""
        milliseconds = f"CAST(CAST('x' || substr(replace({self.key}, '-', ''), 1, 12) AS bit(48)) AS bigint)"
        at = f"to_timestamp({milliseconds} / 1000.0)" if self.ids else self.key
        return f"CAST(date_trunc('month', {at} AT TIME ZONE 'UTC') AS date)"

    @property
    def has_time(self) -> str:
        return f"{self.key} ~ '^[0-9a-f]{{8}}-[0-9a-f]{{4}}-7'" if self.ids else "true"


@dataclass(frozen=True, slots=True)
class Rule:
    """What may go of one table: rows for which none of `kept` holds.

    Each of `kept` is an SQL condition on a row `p`, never null, with `:cutoff`, `:lower` and `:upper` (the bounds of
    the part that is looked through) where it needs them. One of them must hold for every row younger than the cut-off,
    because the rest holds rows of any age. Several short conditions are better than one with OR: each may use an index.
    With `whole` no single row is ever deleted: months go as they are or stay, and the rest stays.
    """

    parts: Parts
    cutoff: datetime
    kept: tuple[str, ...]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Purged:
    table: str
    dropped: tuple[str, ...] = ()
    deleted: int = 0
    postponed: tuple[str, ...] = ()
    """Parts that may go but were in use: they are tried again in the next round."""


class Postponed(Exception):
    """These parts could not be made: their tables were in use for too long."""


class _TooLong(Exception):
    """A part takes too long to look through while others wait, or the rest to move out of."""


def in_parts(table: Table, key: str, *, ids: bool = False) -> Parts:
    """Declares a table of a model as cut by this column; made from the model it has its rest, and so takes any row."""
    parts = Parts(table.name, key, ids)
    table.info[INFO] = parts
    table.dialect_options["postgresql"]["partition_by"] = f"RANGE ({key})"
    statement = f"CREATE TABLE {parts.rest} PARTITION OF {parts.table} DEFAULT"
    event.listen(table, "after_create", DDL(statement))  # type: ignore[no-untyped-call]
    return parts


def include_name(metadata: MetaData) -> Callable[[str | None, str, Any], bool]:
    """For Alembic's `include_name`: parts are made at run time and no matter of the models."""
    known = [table.info[INFO] for table in metadata.tables.values() if INFO in table.info]
    return lambda name, kind, _: kind != "table" or not any(parts.owns(name or "") for parts in known)


def id_bound(at: datetime) -> str:
    """Not greater than any UUIDv7 of this time or later, greater than all earlier ones."""
    digits = f"{int(at.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def month_of(at: datetime) -> date:
    return at.astimezone(UTC).date().replace(day=1)


def add_months(month: date, count: int) -> date:
    """Negative counts go back; the day is the first."""
    years, index = divmod(month.month - 1 + count, 12)
    return date(month.year + years, index + 1, 1)


def months_before(now: datetime, count: int) -> datetime:
    """The beginning of the month that lies this many months before that of `now`."""
    first = add_months(month_of(now), -count)
    return datetime(first.year, first.month, 1, tzinfo=UTC)


async def names(conn: Connection, parts: Parts) -> list[str]:
    """All parts there are, the rest among them."""
    return list((await conn.execute(_PARTS, {"table": parts.table})).scalars())


async def ensure(
    database: Database, parts: Parts, now: datetime, *, since: datetime | None = None, ahead: int = AHEAD
) -> list[str]:
    """Makes the parts of this month and those ahead, and, from `since` on, of every month with rows in the rest.

    Rows of a new part that lie in the rest are moved into it. Safe when several do it at once. Returns the names of the
    parts made, and raises `Postponed` when there are others that could not be for now. A rest too large to be looked
    through while others wait stays as it is, and so do they. Not for use while a request waits.
    """
    this = month_of(now)
    wanted = {add_months(this, number) for number in range(ahead + 1)}
    async with database.read() as conn:
        existing = set(await names(conn, parts))
        if since is not None:
            wanted |= await _months_in_rest(conn, parts, month_of(since), this)
    made, missing = [], []
    for month in sorted(wanted):
        name = parts.name(month)
        if name in existing:
            continue
        try:
            done = await _bounded(name, _make(database, parts, month))
        except _TooLong:  # and so it would with every other month: the rest is read for each of them
            _log.error("part.rest_too_large", table=parts.table, part=name)
            break
        if done:
            made.append(name)
            _log.info("part.made", table=parts.table, part=name)
        elif done is None:
            missing.append(name)
    if missing:
        raise Postponed(", ".join(missing))
    return made


async def _months_in_rest(conn: Connection, parts: Parts, first: date, end: date) -> set[date]:
    found = await conn.execute(
        text(
            f"SELECT DISTINCT {parts.month_sql} FROM {parts.rest}"  # noqa: S608 - names and bounds are ours
            f" WHERE {parts.key} >= {parts.bound(first)} AND {parts.key} < {parts.bound(end)} AND {parts.has_time}"
        )
    )
    return set(found.scalars())


async def _make(database: Database, parts: Parts, month: date) -> bool:
    """All others wait for a moment. Behind the lock of the rest alone they would go on with the list of parts they had
    read before: past the rows that were moved, and refused where they insert."""
    name, lower, upper = parts.name(month), parts.bound(month), parts.bound(add_months(month, 1))
    span = f"{parts.key} >= {lower} AND {parts.key} < {upper}"
    async with database.transaction() as conn:
        if not await _alone(conn, parts) or (await conn.execute(_EXISTS, {"name": name})).scalar_one():
            return False
        for table in (parts.table, parts.rest):  # in the order everybody takes them
            await conn.execute(text(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE"))
        await conn.execute(text(f"SET LOCAL statement_timeout = {MOVE_MILLISECONDS}"))
        await conn.execute(text(f"CREATE TABLE {name} (LIKE {parts.table} INCLUDING ALL EXCLUDING IDENTITY)"))
        columns = ", ".join(await _columns(conn, name))
        moved = f"WITH moved AS (DELETE FROM {parts.rest} WHERE {span} RETURNING {columns})"  # noqa: S608
        await conn.execute(text(f"{moved} INSERT INTO {name} ({columns}) SELECT {columns} FROM moved"))  # noqa: S608
        await conn.execute(
            text(f"ALTER TABLE {parts.table} ATTACH PARTITION {name} FOR VALUES FROM ({lower}) TO ({upper})")
        )
    return True


async def _columns(conn: Connection, table: str) -> list[str]:
    found = await conn.execute(
        text(
            "SELECT quote_ident(attname) FROM pg_attribute"
            " WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
            " ORDER BY attnum"
        ),
        {"table": table},
    )
    return list(found.scalars())


async def purge(database: Database, rule: Rule) -> Purged:
    """Drops every month wholly before the cut-off that has nothing to keep; of the others, and of the rest, deletes the
    rows that may go, a stretch at a time. Safe while others write and when several purge at once."""
    async with database.read() as conn:
        present = await names(conn, rule.parts)
    last = month_of(rule.cutoff)
    old = [name for name in present if (rule.parts.month(name) or date.min) < last]
    done = [await _purge_part(database, rule, name) for name in old]
    purged = Purged(
        rule.parts.table,
        dropped=tuple(name for each in done for name in each.dropped),
        deleted=sum(each.deleted for each in done),
        postponed=tuple(name for each in done for name in each.postponed),
    )
    if purged.dropped or purged.deleted or purged.postponed:
        _log.info("retention.purged", **asdict(purged))
    return purged


async def _purge_part(database: Database, rule: Rule, name: str) -> Purged:
    table, month = rule.parts.table, rule.parts.month(name)
    try:
        if month is None or await _keeps(database, rule, month):
            return Purged(table, deleted=await _thin(database, rule, month))
        if await _bounded(name, _drop(database, rule, month)):
            return Purged(table, dropped=(name,))
        return Purged(table, postponed=(name,))
    except _TooLong:
        deleted = await _thin(database, rule, month)
        return Purged(table, deleted=deleted, postponed=(name,) if rule.whole else ())
    except DatabaseError:
        async with database.read() as conn:
            if (await conn.execute(_EXISTS, {"name": name})).scalar_one():
                raise
        return Purged(table)  # another one has dropped it meanwhile


async def _keeps(database: Database, rule: Rule, month: date) -> bool:
    """Whether anything in the part must stay; also true when that takes too long: rows can go by stretches."""
    try:
        async with database.read() as conn:
            return bool((await conn.execute(*_any_kept(rule, month))).scalar_one())
    except DatabaseError as error:
        if not is_transient(error):
            raise
        return True


async def _drop(database: Database, rule: Rule, month: date) -> bool:
    """Looks once more while nobody can write to the part, then takes it away. Raises `_TooLong` when looking takes
    longer than others may wait; emptied by stretches first, it does not."""
    name = rule.parts.name(month)
    async with database.transaction() as conn:
        if not await _alone(conn, rule.parts):
            return False
        if not (await conn.execute(_EXISTS, {"name": name})).scalar_one():
            return True
        await conn.execute(text(f"LOCK TABLE {name} IN EXCLUSIVE MODE"))
        await conn.execute(text(f"SET LOCAL statement_timeout = {CHECK_MILLISECONDS}"))
        try:
            found = (await conn.execute(*_any_kept(rule, month))).scalar_one()
        except DatabaseError as error:
            if not is_transient(error):
                raise
            raise _TooLong from error
        if found:
            return False
        await conn.execute(text(f"DROP TABLE {name}"))
    return True


async def _thin(database: Database, rule: Rule, month: date | None) -> int:
    """Deletes by stretches of the file: each statement is bounded, and each row is looked at once a round."""
    if rule.whole:
        return 0
    name = rule.parts.rest if month is None else rule.parts.name(month)
    async with database.read() as conn:
        blocks = (await conn.execute(_BLOCKS, {"name": name})).scalar_one()
    goes = " AND ".join(f"NOT ({condition})" for condition in _conditions(rule, month))
    deleted = 0
    for first in range(0, blocks, BLOCKS_AT_ONCE):
        stretch = f"p.ctid >= '({first},0)'::tid AND p.ctid < '({first + BLOCKS_AT_ONCE},0)'::tid"
        statement = f"DELETE FROM ONLY {name} p WHERE {stretch} AND {goes}"  # noqa: S608 - constant text
        async with database.transaction() as conn:
            if not (await conn.execute(_EXISTS, {"name": name})).scalar_one():
                break
            deleted += (await conn.execute(*_bind(statement, rule))).rowcount
    return deleted


def _any_kept(rule: Rule, month: date) -> tuple[TextClause, dict[str, Any]]:
    name = rule.parts.name(month)
    found = (f"EXISTS (SELECT FROM ONLY {name} p WHERE {condition})" for condition in _conditions(rule, month))
    return _bind("SELECT " + " OR ".join(found), rule)


def _conditions(rule: Rule, month: date | None) -> list[str]:
    parts = rule.parts
    if month is None:
        lower, upper = ("''", "'~'") if parts.ids else ("'-infinity'", "'infinity'")
    else:
        lower, upper = parts.bound(month), parts.bound(add_months(month, 1))
    return [condition.replace(":lower", lower).replace(":upper", upper) for condition in rule.kept]


def _bind(statement: str, rule: Rule) -> tuple[TextClause, dict[str, Any]]:
    statement = statement.replace(":cutoff", "CAST(:at AS timestamptz)")
    return text(statement), {"at": rule.cutoff} if ":at" in statement else {}


async def _alone(conn: Connection, parts: Parts) -> bool:
    """From here on to the end of the transaction nobody else adds or removes parts; False when there is no table."""
    await conn.execute(text(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}"))
    if not (await conn.execute(_EXISTS, {"name": parts.table})).scalar_one():
        return False
    await conn.execute(text(f"LOCK TABLE ONLY {parts.table} IN SHARE UPDATE EXCLUSIVE MODE"))
    return True


async def _bounded(part: str, work: Awaitable[bool]) -> bool | None:
    """None when a lock was not to be had soon: the next round tries again. Raises `_TooLong`."""
    try:
        return await work
    except DatabaseError as error:
        if is_too_long(error):
            raise _TooLong from error
        if not is_transient(error):
            raise
        _log.info("part.postponed", part=part)
        return None
