"""Parts by month on a real server: made ahead, filled from the rest, dropped when old and done with."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Index, MetaData, Table, Text, text

from services.kernel import partitions
from services.kernel.bulk import insert_many
from services.kernel.connection import Connection
from services.kernel.database import Database
from services.kernel.leases import Leases
from services.kernel.partition_changes import Keys, to_parts, to_whole
from services.kernel.partitions import (
    Parts,
    Postponed,
    Rule,
    add_months,
    ensure,
    id_bound,
    in_parts,
    include_name,
    month_of,
    months_before,
    names,
    purge,
)
from services.kernel.retention import Plan, Retention
from tests.integration.models import with_models

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def _models() -> tuple[MetaData, Table, Table]:
    metadata = MetaData()
    entry = Table(
        "entry",
        metadata,
        Column("id", Text(collation="C"), primary_key=True),
        Column("open", Boolean, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
    )
    Index("entry_open", entry.c.id, postgresql_where=text("open"))
    note = Table(
        "note",
        metadata,
        Column("id", BigInteger, Identity(cache=1), primary_key=True),
        Column("text", Text, nullable=False, server_default=text("''")),
        Column("at", DateTime(timezone=True), primary_key=True),
    )
    return metadata, entry, note


METADATA, ENTRY, NOTE = _models()
ENTRIES = in_parts(ENTRY, "id", ids=True)
NOTES = in_parts(NOTE, "at")
OPEN, YOUNG = "p.open", "p.at >= :cutoff"


class StillClock:
    def hub_now(self) -> datetime:
        return NOW

    def machine_now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    def new_id(self) -> str:
        return str(uuid.uuid4())


@pytest.fixture
async def tables(database: Database, database_url: str) -> Database:
    await with_models(database_url, METADATA.create_all)
    return database


def _id(at: datetime, number: int = 0) -> str:
    """A UUIDv7 of this moment."""
    digits = f"{int(at.timestamp() * 1000):012x}7{number:03x}8{0:015x}"
    return str(uuid.UUID(digits))


async def _add(database: Database, ats: Iterable[datetime], *, open_: bool = False, number: int = 0) -> list[str]:
    rows = [{"id": _id(at, number), "open": open_, "at": at} for at in ats]
    async with database.transaction() as conn:
        await insert_many(conn, ENTRY, rows)
    return [str(row["id"]) for row in rows]


async def _ids(database: Database, table: str = "entry") -> list[object]:
    async with database.read() as conn:
        return list((await conn.execute(text(f"SELECT id FROM {table} ORDER BY id"))).scalars())


async def _parts(database: Database, parts: Parts) -> list[str]:
    async with database.read() as conn:
        return await names(conn, parts)


def _rule(*kept: str, cutoff: datetime = NOW - 31 * DAY) -> Rule:
    return Rule(ENTRIES, cutoff, kept or (OPEN, YOUNG))


def _months(first: datetime, count: int) -> list[datetime]:
    return [months_before(first, -number) + 5 * DAY for number in range(count)]


def test_months_and_bounds() -> None:
    assert add_months(month_of(NOW), -3).isoformat() == "2025-12-01"
    assert add_months(month_of(NOW), 10).isoformat() == "2027-01-01"
    assert months_before(NOW, 24) == datetime(2024, 3, 1, tzinfo=UTC)
    begin = months_before(NOW, 0)
    assert _id(begin - timedelta(milliseconds=1), 0xFFF) < id_bound(begin) < _id(begin)
    assert ENTRIES.owns("entry_2026_01")
    assert ENTRIES.owns("entry_rest")
    assert not any(
        ENTRIES.owns(name) for name in ("entry", "entry_open", "entry_2026", "other_2026_01", "entry_2026_1")
    )


async def test_parts_are_made_ahead_by_many_at_once(tables: Database) -> None:
    async def patiently() -> list[str]:
        return await ensure(tables, ENTRIES, NOW)

    made = await asyncio.gather(*(patiently() for _ in range(4)))
    assert sorted(name for each in made for name in each) == ["entry_2026_03", "entry_2026_04", "entry_2026_05"]
    assert await _parts(tables, ENTRIES) == ["entry_2026_03", "entry_2026_04", "entry_2026_05", "entry_rest"]
    assert await ensure(tables, ENTRIES, NOW) == []


async def test_rows_without_a_part_wait_in_the_rest_and_move_when_it_is_made(tables: Database) -> None:
    kept = await _add(tables, _months(months_before(NOW, 2), 4))
    strange = str(uuid.uuid5(uuid.NAMESPACE_DNS, "axis"))
    old = await _add(tables, [months_before(NOW, 20)])
    async with tables.transaction() as conn:
        await insert_many(conn, ENTRY, [{"id": strange, "open": False, "at": NOW}])
    assert await _ids(tables, "entry_rest") == sorted([*kept, *old, strange])
    made = await ensure(tables, ENTRIES, NOW, since=NOW - 90 * DAY)
    assert made == [f"entry_2026_0{number}" for number in range(1, 6)]
    assert await _ids(tables) == sorted([*kept, *old, strange])
    assert await _ids(tables, "entry_rest") == sorted([*old, strange])
    for number, id_ in enumerate(kept, start=1):
        assert await _ids(tables, f"entry_2026_0{number}") == [id_]


async def test_the_identity_goes_on_over_parts(tables: Database) -> None:
    await ensure(tables, NOTES, NOW)
    for at in (NOW, NOW + 31 * DAY, NOW - 400 * DAY):
        async with tables.transaction() as conn:
            await insert_many(conn, NOTE, [{"at": at}])
    assert await _ids(tables, "note") == [1, 2, 3]


async def test_old_months_go_and_nothing_open_with_them(tables: Database) -> None:
    months = _months(months_before(NOW, 5), 6)
    await _add(tables, months)
    open_ = await _add(tables, [months[1]], open_=True, number=1)
    await ensure(tables, ENTRIES, NOW, since=NOW - 200 * DAY)
    done = await purge(tables, _rule())
    assert (done.dropped, done.deleted, done.postponed) == (
        ("entry_2025_10", "entry_2025_12", "entry_2026_01"),
        1,
        (),
    )
    assert await _ids(tables) == sorted([*open_, *[_id(at) for at in months[4:]]])
    async with tables.transaction() as conn:
        await conn.execute(text("UPDATE entry SET open = false"))
    assert (await purge(tables, _rule())).dropped == ("entry_2025_11",)
    assert await _ids(tables) == [_id(at) for at in months[4:]]


async def test_the_month_of_the_cut_off_stays_whole(tables: Database) -> None:
    await _add(tables, [datetime(2026, 2, 1, tzinfo=UTC)])
    await ensure(tables, ENTRIES, NOW, since=NOW - 60 * DAY)
    done = await purge(tables, _rule(cutoff=datetime(2026, 2, 28, 23, 59, tzinfo=UTC)))
    assert (done.dropped, done.deleted) == ((), 0)
    assert (await purge(tables, _rule(cutoff=datetime(2026, 3, 1, tzinfo=UTC)))).dropped == ("entry_2026_02",)


async def test_the_rest_loses_what_is_old_and_a_strange_row_in_an_old_month_stays(tables: Database) -> None:
    """An id tells nothing of a row's age when it is no UUIDv7, or when the clock that made it was wrong."""
    await ensure(tables, ENTRIES, NOW - 90 * DAY)
    rows = [
        {"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "old")), "open": False, "at": NOW - 60 * DAY},
        {"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "open")), "open": True, "at": NOW - 60 * DAY},
        {"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "young")), "open": False, "at": NOW - DAY},
        {"id": _id(NOW - 85 * DAY), "open": False, "at": NOW - DAY},
    ]
    async with tables.transaction() as conn:
        await insert_many(conn, ENTRY, rows)
    done = await purge(tables, _rule())
    assert done.deleted == 1
    assert done.dropped == ("entry_2026_01",)
    assert await _ids(tables) == sorted(str(row["id"]) for row in rows[1:])


async def test_two_purgers_at_once_delete_each_row_once(tables: Database) -> None:
    months = _months(months_before(NOW, 5), 4)
    await _add(tables, months)
    await _add(tables, [months[2]], open_=True, number=1)
    await ensure(tables, ENTRIES, NOW, since=NOW - 200 * DAY)
    both = await asyncio.gather(purge(tables, _rule()), purge(tables, _rule()))
    assert sum(done.deleted for done in both) == 1
    assert {name for done in both for name in done.dropped} == {"entry_2025_10", "entry_2025_11", "entry_2026_01"}
    assert await _ids(tables) == [_id(months[2], 1)]


async def test_a_part_in_use_is_left_to_the_next_round(tables: Database) -> None:
    await _add(tables, _months(months_before(NOW, 5), 1))
    await ensure(tables, ENTRIES, NOW, since=NOW - 200 * DAY)
    async with tables.transaction() as conn:
        await conn.execute(text("SELECT count(*) FROM entry"))
        done = await purge(tables, _rule())
        assert (done.dropped, done.postponed) == ((), ("entry_2025_10",))
        with pytest.raises(Postponed, match="entry_2026_06"):
            await ensure(tables, ENTRIES, NOW + 31 * DAY)
    assert (await purge(tables, _rule())).dropped == ("entry_2025_10",)
    assert await ensure(tables, ENTRIES, NOW + 31 * DAY) == ["entry_2026_06"]


async def test_a_rest_too_large_to_move_out_of_is_left_after_one_try(
    tables: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await _add(tables, [NOW])
    tries = []

    async def endless(conn: Connection, table: str) -> list[str]:
        tries.append(table)
        await conn.execute(text("SELECT pg_sleep(30)"))
        raise AssertionError

    monkeypatch.setattr(partitions, "MOVE_MILLISECONDS", 50)
    monkeypatch.setattr(partitions, "_columns", endless)
    assert await ensure(tables, ENTRIES, NOW) == []
    assert tries == ["entry_2026_03"]
    assert await _ids(tables) == kept


async def test_a_row_that_comes_while_the_part_is_looked_through_keeps_it(tables: Database) -> None:
    """The first look finds nothing; the row is committed before the part can be locked; the second look finds it."""
    at = months_before(NOW, 5)
    await _add(tables, [at])
    await ensure(tables, ENTRIES, NOW, since=NOW - 200 * DAY)
    async with tables.transaction() as conn:
        await insert_many(conn, ENTRY, [{"id": _id(at, 1), "open": True, "at": NOW}])
        purging = asyncio.create_task(purge(tables, _rule()))
        await _until(lambda: _waits_for_lock(tables))
    done = await purging
    assert (done.dropped, done.postponed) == ((), ("entry_2025_10",))
    assert await _ids(tables) == [_id(at), _id(at, 1)]


async def test_a_part_too_large_to_look_through_under_a_lock_is_emptied_first(
    tables: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _add(tables, [months_before(NOW, 5)])
    await ensure(tables, ENTRIES, NOW, since=NOW - 200 * DAY)
    monkeypatch.setattr(partitions, "CHECK_MILLISECONDS", 50)
    slow = "pg_sleep(0.2) IS NULL"
    done = await purge(tables, _rule(OPEN, YOUNG, slow))
    assert (done.dropped, done.deleted, done.postponed) == ((), 1, ())
    assert (await purge(tables, _rule(OPEN, YOUNG, slow))).dropped == ("entry_2025_10",)


async def _until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await true():  # noqa: ASYNC110 - the database rings no bell for this
            await asyncio.sleep(0.01)


async def _waits_for_lock(database: Database) -> bool:
    return await _wait_for_locks(database, 1)


async def _wait_for_locks(database: Database, count: int) -> bool:
    """Whether so many processes wait for a lock."""
    waiting = "SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
    async with database.read() as conn:
        found = await conn.execute(text(f"{waiting} WHERE NOT l.granted AND d.datname = current_database()"))
        return bool(found.scalar_one() >= count)


async def test_who_comes_while_rows_are_moved_into_a_part_finds_them(
    tables: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And may add to that month: whoever waits must not go on with the list of parts there were before."""
    kept = await _add(tables, [NOW + n * DAY for n in range(3)])
    locked, go = asyncio.Event(), asyncio.Event()
    columns = partitions._columns

    async def slowly(conn: Connection, table: str) -> list[str]:
        locked.set()
        await go.wait()
        return await columns(conn, table)

    monkeypatch.setattr(partitions, "_columns", slowly)
    making = asyncio.create_task(ensure(tables, ENTRIES, NOW, ahead=0))
    await locked.wait()
    others = [asyncio.create_task(each) for each in (_ids(tables), _add(tables, [NOW], number=1), _touched(tables))]
    await _until(lambda: _wait_for_locks(tables, len(others)))
    go.set()
    assert await making == ["entry_2026_03"]
    found, added, touched = await asyncio.gather(*others)
    assert set(kept) <= set(found)
    assert touched >= len(kept)
    assert await _ids(tables) == sorted([*kept, *added])


async def _touched(database: Database) -> int:
    async with database.transaction() as conn:
        return (await conn.execute(text("UPDATE entry SET open = open"))).rowcount


async def test_what_goes_by_whole_months_never_loses_a_row(tables: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one beside a kept one, nor in the rest, nor when looking takes too long."""
    old = months_before(NOW, 20)
    await _add(tables, [old])
    await ensure(tables, ENTRIES, NOW, since=old)
    await _add(tables, [months_before(NOW, 30)])
    rule = Rule(ENTRIES, NOW - 31 * DAY, (YOUNG,), whole=True)

    async def too_long(*_: object) -> bool:
        raise partitions._TooLong

    with monkeypatch.context() as patch:
        patch.setattr(partitions, "_drop", too_long)
        done = await purge(tables, rule)
    assert (done.dropped, done.deleted, done.postponed) == ((), 0, (ENTRIES.name(old.date().replace(day=1)),))
    assert len(await _ids(tables)) == 2
    assert (await purge(tables, rule)).dropped == done.postponed
    assert len(await _ids(tables, "entry_rest")) == 1


async def test_a_plan_is_made_from_the_models_and_proposes_nothing_about_parts(
    tables: Database, database_url: str
) -> None:
    await ensure(tables, ENTRIES, NOW)

    def compare(connection: sqlalchemy.Connection) -> list[str]:
        options = {"include_name": include_name(METADATA), "compare_type": True}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
        return [str(each) for each in found if "entry" in str(each) or "note" in str(each)]

    assert await with_models(database_url, compare) == []


async def test_lookups_by_id_look_into_one_part(tables: Database) -> None:
    await ensure(tables, ENTRIES, NOW)
    async with tables.read() as conn:
        plan = await conn.execute(text(f"EXPLAIN SELECT * FROM entry WHERE id = '{_id(NOW)}'"))
        lines = "\n".join(plan.scalars())
    assert "entry_2026_03" in lines
    assert "entry_rest" not in lines
    assert "entry_2026_04" not in lines


async def test_a_table_with_rows_is_cut_and_joined_again(database: Database, database_url: str) -> None:
    metadata = MetaData()
    Table("entry", metadata, *(_plain(column) for column in ENTRY.columns))
    note = Table("note", metadata, *(_plain(column) for column in NOTE.columns))
    Index("note_text", note.c.text, postgresql_where=text("text <> ''"))
    ids = [_id(at) for at in [*_months(months_before(NOW, 3), 3), NOW + 3650 * DAY]]
    ids += [str(uuid.uuid4()), "ffffffff-ffff-7fff-8fff-ffffffffffff"]
    await with_models(database_url, metadata.create_all)
    async with database.transaction() as conn:
        await insert_many(conn, metadata.tables["entry"], [{"id": id_, "open": True, "at": NOW} for id_ in ids])
        await insert_many(conn, note, [{"at": NOW - number * 20 * DAY, "text": "x"} for number in range(4)])
        await conn.execute(text("DELETE FROM note WHERE id = 4"))
    before = await with_models(database_url, _indexes)
    await with_models(database_url, lambda sync: to_parts(sync, ENTRIES, Keys(primary="id"), now=NOW))
    await with_models(database_url, lambda sync: to_parts(sync, NOTES, Keys(primary="id, at"), now=NOW))
    assert await _parts(database, NOTES) == [f"note_2026_0{number}" for number in range(2, 6)] + ["note_rest"]
    assert await _ids(database) == sorted(ids)
    assert await _ids(database, "entry_rest") == sorted(ids[3:])
    async with database.transaction() as conn:
        await insert_many(conn, NOTE, [{"at": NOW}])
    assert await _ids(database, "note") == [1, 2, 3, 5]
    await with_models(database_url, lambda sync: to_whole(sync, ENTRIES, Keys(primary="id")))
    await with_models(database_url, lambda sync: to_whole(sync, NOTES, Keys(primary="id")))
    assert await with_models(database_url, _indexes) == before
    await database.aclose()  # statements prepared for the old tables
    async with database.transaction() as conn:
        await insert_many(conn, note, [{"at": NOW}])
    assert await _ids(database, "note") == [1, 2, 3, 5, 6]
    assert await _ids(database) == sorted(ids)
    assert await _parts(database, NOTES) == []


def _plain(column: Column[object]) -> Column[object]:
    kind = Text() if isinstance(column.type, Text) else column.type
    identity = [Identity(cache=1)] if column.identity is not None else []
    default = text("''") if column.server_default is not None and not identity else None
    return Column(column.name, kind, *identity, primary_key=column.name == "id", nullable=False, server_default=default)


def _indexes(connection: sqlalchemy.Connection) -> Sequence[str]:
    statement = "SELECT indexdef FROM pg_indexes WHERE tablename IN ('entry', 'note') ORDER BY indexname"
    return connection.execute(text(statement)).scalars().all()


async def test_the_worker_does_a_round_at_once_and_says_so(tables: Database) -> None:
    await _add(tables, _months(months_before(NOW, 5), 1))
    told: list[datetime] = []

    async def chore(now: datetime) -> None:
        told.append(now)

    plan = Plan([ENTRIES, NOTES], lambda now: [_rule()], [("told", chore)])
    worker = Retention(tables, Leases(tables, "test"), plan, clock=StillClock())
    assert worker.part().detail == "standing by, not done yet"
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))

    async def done() -> bool:
        return bool(told) and "last done" in worker.part().detail

    await _until(done)
    assert worker.part().detail == f"last done {NOW.isoformat(timespec='seconds')}"
    stop.set()
    async with asyncio.timeout(10):
        await running
    assert told == [NOW]
    assert await _ids(tables) == []
    assert "entry_2026_05" in await _parts(tables, ENTRIES)
    assert "note_2026_05" in await _parts(tables, NOTES)


async def test_a_round_with_something_postponed_is_not_done(tables: Database) -> None:
    await _add(tables, [months_before(NOW, 5)])
    await ensure(tables, ENTRIES, NOW, since=NOW - 200 * DAY)
    worker = Retention(
        tables, Leases(tables, "test"), Plan([ENTRIES, NOTES], lambda now: [_rule()]), clock=StillClock()
    )
    async with tables.transaction() as conn:
        await conn.execute(text("SELECT count(*) FROM entry"))
        await worker.turn()
    assert (worker.part().ok, worker.part().detail) == (False, "failed: entry, last done never")
    await worker.turn()
    assert worker.part().ok


async def test_a_step_that_has_to_wait_leaves_the_others_their_turn(tables: Database) -> None:
    await _add(tables, [NOW - 100 * DAY])

    async def chore(_: datetime) -> None:
        async with tables.transaction() as conn:
            await conn.execute(text("SET LOCAL statement_timeout = 10"))
            await conn.execute(text("SELECT pg_sleep(5)"))

    plan = Plan([ENTRIES], lambda now: [_rule()], [("slow", chore)])
    worker = Retention(tables, Leases(tables, "test"), plan, clock=StillClock())
    await worker.turn()
    assert (worker.part().ok, worker.part().critical) == (False, False)
    assert "slow" in worker.part().detail
    assert await _ids(tables) == []
