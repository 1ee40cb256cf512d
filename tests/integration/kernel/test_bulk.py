"""What goes together in one statement: reads of one moment, and writes that hang on a condition."""

from typing import Any

from sqlalchemy import text

from services.kernel.bulk import Reads, Writes, planned_once
from services.kernel.database import Database

EFFECTS = "SELECT ROW(record, applied) FROM effect WHERE record = ANY(CAST(:records AS text[])) ORDER BY record"


async def effects(database: Database, *records: str) -> None:
    writes = Writes()
    for number, record in enumerate(records):
        writes.add("INSERT INTO effect VALUES (:record, CAST(:n AS int))", {"record": record, "n": number})
    async with database.single() as conn:
        await writes.run(conn)


async def test_reads_come_apart_again_each_in_its_order(database: Database) -> None:
    await effects(database, "a", "b", "c")
    reads, taken = Reads(), list[tuple[Any, ...]]()
    two = reads.add(EFFECTS, {"records": ["b", "a"]})
    none = reads.add(EFFECTS, {"records": ["x"]})
    reads.add(EFFECTS, {"records": ["c"]}, taken.extend)
    async with database.single() as conn:
        await reads.run(conn)
        await reads.run(conn)  # nothing is left to read, which is no statement
    assert ([tuple(row) for row in two], list(none)) == ([("a", 0), ("b", 1)], [])
    assert [tuple(row) for row in taken] == [("c", 2)]


async def test_writes_may_hang_on_what_is_given_and_are_made_or_not_made_together(database: Database) -> None:
    async def write(fence: int) -> Any:
        writes = Writes()
        for record in ("a", "b"):
            change = "INSERT INTO effect SELECT CAST(:record AS text), 1 WHERE EXISTS (SELECT FROM sound)"
            writes.add(change, {"record": record})
        given = "sound AS MATERIALIZED (SELECT FROM lease WHERE fence = :fence)"
        async with database.single() as conn:
            return await writes.run_given(conn, given, "EXISTS (SELECT FROM sound) AS made", {"fence": fence})

    async def count() -> int:
        async with database.glance() as conn:
            return int((await conn.execute(text("SELECT count(*) FROM effect"))).scalar_one())

    async with database.single() as conn:
        await conn.execute(text("INSERT INTO lease VALUES ('relay', 'x', 3, now())"))
    assert ((await write(2)).made, await count()) == (False, 0)
    assert ((await write(3)).made, await count()) == (True, 2)


async def test_a_plan_that_suits_any_values_is_kept(database: Database) -> None:
    """PostgreSQL plans anew for ever where the values at hand promise a cheaper plan."""
    by_key = planned_once("SELECT fence FROM lease WHERE name = ANY(CAST(:names AS text[]))")
    kept = text("SELECT custom_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT fence FROM lease%'")
    async with database.transaction() as conn:
        await conn.execute(text("INSERT INTO lease SELECT 'n' || n, 'x', n, now() FROM generate_series(1, 3000) n"))
        for number in range(20):
            found = await conn.execute(by_key, {"names": [f"n{number + 1}"]})
            assert found.scalar_one() == number + 1
        assert (await conn.execute(kept)).scalar_one() == 5
