"""One commit, bells after it, and a database that goes away and comes back."""

import asyncio
import time

import pytest
from sqlalchemy import text

from contracts.problems import HubError
from deploy.local.postgres import Postgres
from services.kernel.bell import Bell
from services.kernel.connection import Connection, DatabaseError
from services.kernel.database import Database, is_away, is_refused_value, is_transient, ring_on_commit
from services.kernel.leases import LeaseLost, Leases
from tests.integration.kernel.scene import is_so, rolled_back, until


async def rows(database: Database) -> int:
    async with database.read() as conn:
        return int((await conn.execute(text("SELECT count(*) FROM effect"))).scalar_one())


async def test_a_transaction_commits_once_and_a_failed_one_leaves_nothing(database: Database) -> None:
    async with database.transaction() as conn:
        await conn.execute(text("INSERT INTO effect VALUES ('a', 1)"))
        assert await rows(database) == 0
    async with rolled_back(database) as conn:
        await conn.execute(text("INSERT INTO effect VALUES ('b', 1)"))
    assert await rows(database) == 1


async def test_reading_cannot_write(database: Database) -> None:
    with pytest.raises(HubError, match="database is away"):  # as on a standby: try again elsewhere
        async with database.read() as conn:
            await conn.execute(text("INSERT INTO effect VALUES ('a', 1)"))
    assert await rows(database) == 0


@pytest.mark.parametrize("way", ["read", "transaction"])
async def test_what_is_still_sees_one_moment_and_leaves_no_trace_in_the_pool(database: Database, way: str) -> None:
    opened = getattr(database, way)
    async with opened(still=True) as conn:
        assert await seen(conn) == 0
        async with database.transaction() as other:
            await other.execute(text("INSERT INTO effect VALUES ('a', 1)"))
        assert await seen(conn) == 0
    async with opened() as first, opened() as second:
        assert (await seen(first), await seen(second)) == (1, 1)
        async with database.transaction() as other:
            await other.execute(text("INSERT INTO effect VALUES ('b', 1)"))
        assert (await seen(first), await seen(second)) == (2, 2)


async def seen(conn: Connection) -> int:
    return int((await conn.execute(text("SELECT count(*) FROM effect"))).scalar_one())


async def test_connections_are_durable_and_bounded(database: Database) -> None:
    async with database.read() as conn:
        shown = {
            name: (await conn.execute(text(f"SHOW {name}"))).scalar_one()
            for name in (
                "synchronous_commit",
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
                "TimeZone",
            )
        }
    assert shown == {
        "synchronous_commit": "on",
        "statement_timeout": "10s",
        "lock_timeout": "8s",
        "idle_in_transaction_session_timeout": "1min",
        "TimeZone": "UTC",
    }


async def test_bells_ring_after_the_commit_and_never_on_rollback(database_url: str) -> None:
    rung: list[frozenset[str]] = []
    database = Database(database_url, pool_size=1, committed=rung.append)
    try:
        async with rolled_back(database) as conn:
            ring_on_commit(conn, "lost")
        async with database.transaction() as conn:
            ring_on_commit(conn, "a", "b")
            assert rung == []
        async with database.transaction():
            pass
        assert rung == [frozenset({"a", "b"})]
    finally:
        await database.aclose()


async def test_deadlocks_are_transient_and_refused_values_are_not(database: Database) -> None:
    async with database.transaction() as conn:
        await conn.execute(text("INSERT INTO effect VALUES ('a', 1), ('b', 1)"))
    update = text("UPDATE effect SET applied = applied + 1 WHERE record = :record")
    met = asyncio.Barrier(2)

    async def cross(first: str, second: str) -> BaseException | None:
        try:
            async with database.transaction() as conn:
                await conn.execute(update, {"record": first})
                await met.wait()
                await conn.execute(update, {"record": second})
        except DatabaseError as error:
            return error
        return None

    errors = [error for error in await asyncio.gather(cross("a", "b"), cross("b", "a")) if error]
    assert len(errors) == 1
    assert is_transient(errors[0])
    assert not is_away(errors[0])
    for value in ("nul \x00", "lone \ud800"):
        with pytest.raises(DatabaseError) as caught:
            async with database.transaction() as conn:
                await conn.execute(text("INSERT INTO effect VALUES (CAST(:v AS text), 1)"), {"v": value})
        assert is_refused_value(caught.value)
        assert not is_transient(caught.value)
    with pytest.raises(DatabaseError) as caught:
        async with database.transaction() as conn:
            await conn.execute(text("INSERT INTO effect VALUES ('a', CAST(:v AS bigint))"), {"v": 2**70})
    assert is_refused_value(caught.value)


async def test_errors_of_the_body_pass_through_unchanged(database: Database) -> None:
    for error in (FileNotFoundError("attachment"), HubError("request.invalid"), ValueError("x")):
        with pytest.raises(type(error)) as caught:
            async with database.transaction():
                raise error
        assert caught.value is error


async def test_a_full_pool_is_overload(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kernel.database.POOL_WAIT_SECONDS", 0.1)
    database = Database(database_url, pool_size=1)
    try:
        async with database.read():
            with pytest.raises(HubError) as caught:
                await database.ping()
        assert caught.value.code == "system.overloaded"
        await database.ping()
    finally:
        await database.aclose()


async def test_a_killed_database_is_reported_as_away_and_used_again_when_it_is_back(
    postgres: Postgres, database: Database, database_url: str
) -> None:
    bell = Bell(database_url)
    stop = asyncio.Event()
    listening = asyncio.create_task(bell.run(stop))
    await until(lambda: is_so(bell.connected))
    await database.ping()
    codes: list[str] = []

    async def write() -> None:
        while not stop.is_set():
            try:
                async with database.transaction() as conn:
                    await conn.execute(text("INSERT INTO effect SELECT 'x', 1 FROM pg_sleep(0.005)"))
            except HubError as error:
                codes.append(error.code)
                await asyncio.sleep(0.02)

    writers = [asyncio.create_task(write()) for _ in range(6)]
    await asyncio.to_thread(postgres.kill)
    await until(lambda: is_so(codes))
    with pytest.raises(HubError):
        await database.ping()
    await until(lambda: is_so(not bell.connected))
    await asyncio.to_thread(postgres.start)
    await until(lambda: answers(database))
    await until(lambda: is_so(bell.connected))
    stop.set()
    await asyncio.gather(listening, *writers)
    assert set(codes) == {"system.storage_unavailable"}
    before = await rows(database)
    async with database.transaction() as conn:
        await conn.execute(text("INSERT INTO effect VALUES ('after', 1)"))
    assert await rows(database) == before + 1


async def answers(database: Database) -> bool:
    try:
        await database.ping()
    except HubError:
        return False
    return True


async def test_a_bell_wakes_other_processes_and_misses_nothing_between_look_and_wait(database_url: str) -> None:
    here, there = Bell(database_url), Bell(database_url)
    stop = asyncio.Event()
    running = [asyncio.create_task(bell.run(stop)) for bell in (here, there)]
    try:
        await until(lambda: is_so(here.connected and there.connected))
        ticket = there.ticket("outbox")
        here.ring("outbox", "other")
        assert await there.wait_since(ticket, 5)
        assert await there.wait_since(ticket, 0), "a ticket is good until a new one is taken"
        assert not await there.wait_since(there.ticket("outbox"), 0.05)
        ticket = here.ticket("outbox")
        here.ring("outbox")
        assert await here.wait_since(ticket, 0), "in the process at once"
        began = time.monotonic()
        waiting = asyncio.create_task(there.wait("outbox", 5))
        await asyncio.sleep(0)
        here.ring("outbox")
        assert await waiting
        assert time.monotonic() - began < 1
    finally:
        stop.set()
        await asyncio.gather(*running)


async def test_a_lease_has_one_holder_and_a_rising_fence(database: Database) -> None:
    one, two = Leases(database, "one", ttl_seconds=0.2), Leases(database, "two", ttl_seconds=0.2)
    first = await one.acquire("relay")
    assert first is not None
    assert await two.acquire("relay") is None
    await one.renew(first)
    second = await until(lambda: two.acquire("relay"))
    assert second.fence == first.fence + 1
    with pytest.raises(LeaseLost):
        await one.renew(first)
    await one.release(first)
    assert await one.acquire("relay") is None, "releasing a lost lease takes nothing from its holder"
    await two.release(second)
    third = await one.acquire("relay")
    assert third is not None
    assert third.fence == second.fence + 1
