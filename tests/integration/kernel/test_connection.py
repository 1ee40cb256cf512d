"""Statements with named values, rows, and what is left of a connection after an error or a cancellation."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from contracts.problems import HubError
from services.kernel import connection
from services.kernel.bulk import Writes
from services.kernel.connection import Connection, DatabaseError
from services.kernel.database import Database, is_refused_value, is_transient, ring_on_commit
from tests.integration.kernel.conftest import metadata
from tests.integration.kernel.scene import until

LEASE = metadata().tables["lease"]


async def one(database: Database, query: str, **values: Any) -> Any:
    async with database.glance() as conn:
        return (await conn.execute(text(query), values)).scalar_one()


async def test_names_are_bound_wherever_they_stand(database: Database) -> None:
    query = """SELECT :a || :b || :a AS joined, '12\\:30' AS time, CAST(:n AS int) + CAST(:n AS int) AS sum,
        CAST(:at AS timestamptz) AS at, ARRAY['x']::text[] AS list"""
    at = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    async with database.glance() as conn:
        row = (await conn.execute(text(query), {"b": "-", "a": "ô", "n": 4, "at": at, "unused": 1})).one()
    assert (row.joined, row.time, row.sum, row["at"], row[4]) == ("ô-ô", "12:30", 8, at, ["x"])
    assert dict(row) == {"joined": "ô-ô", "time": "12:30", "sum": 8, "at": at, "list": ["x"]}
    with pytest.raises(AttributeError):
        _ = row.nothing
    with pytest.raises(KeyError):
        await one(database, "SELECT :missing")


async def test_one_row_is_one_row(database: Database) -> None:
    none, two = text("SELECT 1 WHERE false"), text("SELECT x FROM generate_series(1, 2) AS x")
    async with database.glance() as conn:
        assert (await conn.execute(none)).first() is None
        assert (await conn.execute(none)).scalar_one_or_none() is None
        assert (await conn.execute(two)).scalars().all() == [1, 2]
        assert (await conn.execute(two)).rowcount == 2
        for query in (none, two):
            with pytest.raises(LookupError):
                (await conn.execute(query)).scalar_one()
        with pytest.raises(LookupError):
            (await conn.execute(two)).one_or_none()


async def test_rows_written_are_counted(database: Database) -> None:
    async with database.transaction() as conn:
        made = await conn.execute(text("INSERT INTO effect SELECT 'a', 1 FROM generate_series(1, 3)"))
        changed = await conn.execute(text("UPDATE effect SET applied = 2 WHERE record = :r"), {"r": "b"})
        gone = await conn.execute(text("DELETE FROM effect RETURNING n"))
        assert (made.rowcount, changed.rowcount, gone.rowcount) == (3, 0, 3)


async def test_statements_of_models_are_understood(database: Database) -> None:
    async with database.transaction() as conn:
        await conn.execute(text("INSERT INTO lease VALUES ('a', 'x', 1, now()), ('b', 'y', 2, now())"))
        query = select(LEASE.c.name, LEASE.c.fence).where(LEASE.c.name.in_(["b", "c"]), LEASE.c.fence > 1).limit(5)
        assert [tuple(row) for row in await conn.execute(query)] == [("b", 2)]


async def test_writes_go_together_and_all_or_none(database: Database) -> None:
    writes = Writes()
    writes.insert(LEASE, [{"name": "a", "holder": "x", "fence": 1, "expires_at": datetime.now(UTC)}])
    writes.add("INSERT INTO effect VALUES (:record, CAST(:n AS int))", {"record": "12:30", "n": 7})
    async with database.single() as conn:
        await writes.run(conn)
    assert await one(database, "SELECT applied FROM effect WHERE record = '12\\:30'") == 7
    writes.add("DELETE FROM effect", {})
    writes.add("INSERT INTO lease VALUES ('a', 'y', 1, now())", {})
    with pytest.raises(DatabaseError, match="lease_pkey"):
        async with database.single() as conn:
            await writes.run(conn)
    assert await one(database, "SELECT count(*) FROM effect") == 1


async def test_a_single_statement_commits_itself_rings_and_takes_no_second(database: Database) -> None:
    rung: list[frozenset[str]] = []
    database._committed = rung.append
    async with database.single() as conn:
        await conn.execute(text("INSERT INTO effect VALUES ('a', 1)"))
        ring_on_commit(conn, "bell")
        assert not rung
        with pytest.raises(RuntimeError, match="second"):
            await conn.execute(text("SELECT 1"))
    assert rung == [frozenset({"bell"})]

    async def refused() -> None:
        async with database.single() as conn:
            ring_on_commit(conn, "lost")
            await conn.execute(text("INSERT INTO nothing VALUES (1)"))

    with pytest.raises(DatabaseError):
        await refused()
    assert len(rung) == 1


async def test_an_error_that_was_swallowed_is_no_commit(database: Database) -> None:
    async def swallow() -> None:
        async with database.transaction() as conn:
            await conn.execute(text("INSERT INTO effect VALUES ('a', 1)"))
            with pytest.raises(DatabaseError):
                await conn.execute(text("SELECT 1 / 0"))

    with pytest.raises(DatabaseError, match="rolled back"):
        await swallow()
    assert await one(database, "SELECT count(*) FROM effect") == 0


async def test_errors_hold_no_value(database: Database) -> None:
    async with database.transaction() as conn:
        await conn.execute(text("INSERT INTO lease VALUES ('079300000001', 'x', 1, now())"))
    for query, values in (
        ("INSERT INTO lease VALUES ('079300000001', 'y', 1, now())", {}),  # the detail of the server names the key
        ("SELECT CAST(:v AS text)", {"v": date(2026, 3, 4)}),  # the driver's own check quotes the value
        ("SELECT CAST(CAST(:v AS text) AS int)", {"v": "079300000001"}),  # so does the server's message
    ):
        with pytest.raises(DatabaseError) as caught:
            await one(database, query, **values)
        assert "079300000001" not in str(caught.value)
        assert "2026" not in str(caught.value)
        assert is_refused_value(caught.value) == bool(values)


async def test_a_changed_table_is_prepared_anew(database: Database) -> None:
    query = "SELECT * FROM effect"
    others = [f"{query} WHERE {number} = {number}" for number in range(3)]
    async with database.glance() as conn:
        for each in (query, *others):
            await conn.execute(text(each))
        await conn.execute(text("ALTER TABLE effect ADD COLUMN more text"))
        with pytest.raises(DatabaseError) as caught:
            await conn.execute(text(query))
        assert is_transient(caught.value)
        for each in (query, *others):
            await conn.execute(text(each))


async def test_connections_forget_their_oldest_statements(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PREPARED_STATEMENTS", 3)
    for number in range(9):
        assert await one(database, f"SELECT {number}") == number
        assert await one(database, "SELECT 'often'") == "often"
    held = await one(database, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT _'")
    assert held <= 3


@pytest.mark.parametrize("place", ["begin", "statement", "commit", "rollback", "glance"])
async def test_whoever_is_cancelled_leaves_a_sound_connection(database_url: str, place: str) -> None:
    """Again and again at every moment: what comes back to the pool is never inside somebody's transaction."""
    database = Database(database_url, pool_size=1)
    sleep = text("INSERT INTO effect SELECT 'x', 1 FROM pg_sleep(0.002)")

    async def work() -> None:
        if place == "glance":
            async with database.glance() as conn:
                await conn.execute(text("SELECT pg_sleep(0.002)"))
        else:
            async with database.transaction() as conn:
                if place != "begin":
                    await conn.execute(sleep)
                if place == "rollback":
                    raise HubError("request.invalid")

    try:
        await database.ping()
        for turn in range(60):
            task = asyncio.ensure_future(work())
            for _ in range(turn % 20):
                await asyncio.sleep(0)
            if turn >= 20:
                await asyncio.sleep(turn / 20_000)
            task.cancel()
            if turn % 3 == 0:
                await asyncio.sleep(0)
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await until(lambda: sound(database))
    finally:
        await database.aclose()


async def sound(database: Database) -> bool:
    """Whether a statement of its own is its own transaction."""
    async with database.glance() as conn:
        ids = [(await conn.execute(text("SELECT pg_current_xact_id()"))).scalar_one() for _ in range(2)]
    return ids[0] != ids[1]


async def test_a_connection_is_not_shared(database: Database) -> None:
    async def owner(conn: Connection) -> int:
        return int((await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one())

    async with database.read() as first, database.transaction() as second:
        here, there = await owner(first), await owner(second)
    async with database.glance() as third:
        assert await owner(third) in {here, there}
    assert here != there


async def test_a_statement_prepared_and_not_run_leaves_nothing_open(database: Database) -> None:
    """The driver finds a value that does not fit after the server has begun a transaction for the statement."""
    async with database.glance() as conn:
        with pytest.raises(DatabaseError):
            await conn.execute(text("SELECT n + CAST(:v AS bigint) FROM effect"), {"v": 2**70})
    with pytest.raises(DatabaseError):
        await one(database, "SELECT n - CAST(:v AS bigint) FROM effect", v=2**70)
    async with database.transaction(still=True) as conn:
        await conn.execute(text("LOCK TABLE effect IN ACCESS EXCLUSIVE MODE NOWAIT"))


async def test_nothing_is_said_after_the_end(database: Database) -> None:
    kept = []
    for opened in (database.transaction, database.read, database.glance, database.single):
        async with opened() as conn:
            kept.append(conn)
    for conn in kept:
        with pytest.raises(RuntimeError, match="after the end"):
            await conn.execute(text("SELECT 1"))


async def test_what_is_in_use_at_the_close_is_not_kept(database_url: str) -> None:
    database = Database(database_url)
    async with database.read() as conn:
        pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        await database.aclose()
    assert await one(database, "SELECT pg_backend_pid()") != pid
    await database.aclose()


@pytest.mark.parametrize("when", ["idle", "statement", "commit"])
async def test_a_connection_that_the_server_ends_is_away_and_never_given_out_again(
    database: Database, database_url: str, when: str
) -> None:
    victim = Database(database_url, pool_size=1)

    async def use(turn: int) -> None:
        async with victim.transaction() as conn:
            pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            if when == "idle":
                return
            await one(database, "SELECT pg_terminate_backend(:pid, 1000)", pid=pid)
            for _ in range(turn % 7):
                await asyncio.sleep(0)
            if when == "statement":
                await conn.execute(text("SELECT 1"))

    try:
        for turn in range(14):
            if when == "idle":
                pid = await one(victim, "SELECT pg_backend_pid()")
                await one(database, "SELECT pg_terminate_backend(:pid, 1000)", pid=pid)
                for _ in range(turn % 7):
                    await asyncio.sleep(0)
            told = await asyncio.gather(use(turn), return_exceptions=True)
            assert [is_told(each) for each in told] == [True] or (told == [None] and when == "idle")
            await until(lambda: works(victim))
    finally:
        await victim.aclose()


def is_told(answer: object) -> bool:
    return isinstance(answer, HubError) and answer.code == "system.storage_unavailable"


async def works(database: Database) -> bool:
    told = await asyncio.gather(database.ping(), return_exceptions=True)
    assert told == [None] or is_told(told[0])
    return told == [None]
