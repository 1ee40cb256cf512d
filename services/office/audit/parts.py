"""The parts of the record of reads. Its triggers let nobody delete a row, so none is ever moved out of the rest: a rest
with rows is set aside, told into the parts of their months anew, and dropped."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import text

from services.kernel.connection import Connection
from services.kernel.partitions import AHEAD, LOCK_MILLISECONDS, Rule, add_months, month_of, names
from services.office.audit.model import ACCESS, ACCESS_PARTS
from services.office.keeping import Cutoff

_ASIDE = f"{ACCESS_PARTS.table}_aside"
_COLUMNS = ", ".join(column.name for column in ACCESS.columns)
_MONTHS_IN_REST = text(f"SELECT DISTINCT {ACCESS_PARTS.month_sql} FROM {ACCESS_PARTS.rest}")  # noqa: S608 - our names


async def keep(conn: Connection, hub_now: datetime) -> None:
    """Makes the parts of this month and those ahead, and of every month with rows in the rest.

    Readers wait meanwhile, for as long as it takes to copy what lies in the rest.
    """
    if not await _missing(conn, hub_now):
        return
    await conn.execute(text(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}"))
    await conn.execute(text("LOCK TABLE access IN ACCESS EXCLUSIVE MODE"))
    missing = await _missing(conn, hub_now)
    if (await conn.execute(_MONTHS_IN_REST)).first() is None:
        await _make(conn, missing)
        return
    await conn.execute(text(f"ALTER TABLE access DETACH PARTITION {ACCESS_PARTS.rest}"))
    await conn.execute(text(f"ALTER TABLE {ACCESS_PARTS.rest} RENAME TO {_ASIDE}"))
    await conn.execute(text(f"CREATE TABLE {ACCESS_PARTS.rest} PARTITION OF access DEFAULT"))
    await _guard(conn, ACCESS_PARTS.rest)
    await _make(conn, missing)
    await conn.execute(text(f"INSERT INTO access ({_COLUMNS}) SELECT {_COLUMNS} FROM {_ASIDE}"))  # noqa: S608
    await conn.execute(text(f"DROP TABLE {_ASIDE}"))


def rules(cutoff: Cutoff) -> list[Rule]:
    """Whole months go, and nothing else."""
    return [Rule(ACCESS_PARTS, cutoff.hub, ("p.at >= :cutoff",), whole=True)]


async def _missing(conn: Connection, hub_now: datetime) -> Collection[date]:
    this = month_of(hub_now)
    wanted = {add_months(this, number) for number in range(AHEAD + 1)}
    wanted |= set((await conn.execute(_MONTHS_IN_REST)).scalars())
    existing = set(await names(conn, ACCESS_PARTS))
    return sorted(month for month in wanted if ACCESS_PARTS.name(month) not in existing)


async def _make(conn: Connection, months: Collection[date]) -> None:
    for month in months:
        name, lower, upper = (
            ACCESS_PARTS.name(month),
            ACCESS_PARTS.bound(month),
            ACCESS_PARTS.bound(add_months(month, 1)),
        )
        await conn.execute(text(f"CREATE TABLE {name} PARTITION OF access FOR VALUES FROM ({lower}) TO ({upper})"))
        await _guard(conn, name)


async def _guard(conn: Connection, part: str) -> None:
    """The triggers for rows come with the part; the one against emptying it whole does not."""
    await conn.execute(
        text(
            f"CREATE TRIGGER access_part_stays BEFORE TRUNCATE ON {part}"
            " FOR EACH STATEMENT EXECUTE FUNCTION access_stays()"
        )
    )
