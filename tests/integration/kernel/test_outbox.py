"""The outbox on a real database: numbers, rungs, tails, and the proof of the cursor."""

import asyncio
import random
import time
from collections import defaultdict

import pytest
from sqlalchemy import text

from contracts.envelope import from_record
from services.kernel.bulk import Writes
from services.kernel.connection import Connection, DatabaseError
from services.kernel.database import Database
from services.kernel.messaging.records import Ack, Identity, Outgoing, TopicPartition
from tests.integration import relaying
from tests.integration.kernel.readers import advance, locked
from tests.integration.kernel.scene import SOURCE, TOPIC, Scene, rolled_back

FENCE = 1


@pytest.fixture
async def leading(scene: Scene) -> Scene:
    """A scene whose relay lease, broker and log rows stand, so that acks can be recorded by hand."""
    await scene.leases.acquire("relay")
    async with scene.database.transaction() as conn:
        await conn.execute(text("INSERT INTO broker (cluster_id, generation) VALUES ('x', 1)"))
        await conn.execute(text("INSERT INTO log_position VALUES (:topic, 0, 1, 9)"), {"topic": TOPIC})
    return scene


async def take(scene: Scene, limit: int = 500) -> list[Outgoing]:
    async with scene.database.read() as conn:
        return await relaying.take(scene.source, conn, limit)


async def acknowledge(scene: Scene, messages: list[Outgoing], *, first: int = 0, fence: int = FENCE) -> None:
    acks = [Ack(message, 0, first + place) for place, message in enumerate(messages)]
    async with scene.database.transaction() as conn:
        await relaying.acknowledge(scene.source, conn, acks, fence)


def sequences(messages: list[Outgoing]) -> list[tuple[str, int | None]]:
    return [(message.key, from_record(message.headers, message.value).sequence) for message in messages]


async def test_numbers_are_gapless_per_subject_and_organ(scene: Scene) -> None:
    async with scene.database.transaction() as conn:
        assert await scene.outbox.number(conn, [("a", "x"), ("b", "x"), ("a", "x"), ("a", "y")]) == [1, 1, 2, 1]
    async with rolled_back(scene.database) as conn:
        assert await scene.outbox.number(conn, [("a", "x")]) == [3]
    async with scene.database.transaction() as conn:
        assert await scene.outbox.number(conn, [("a", "x"), ("b", "x")]) == [3, 2]


async def test_rows_are_given_out_in_order_and_byte_identical(leading: Scene) -> None:
    written = await leading.write(["a", "b", "a"])
    taken = await take(leading)
    assert [from_record(message.headers, message.value) for message in taken] == written
    assert await take(leading) == taken
    await acknowledge(leading, taken)
    assert await take(leading) == []


async def test_acks_under_an_old_fence_change_nothing(leading: Scene) -> None:
    await leading.write(["a"])
    taken = await take(leading)
    await acknowledge(leading, taken, fence=FENCE + 1)
    assert await take(leading) == taken


async def test_an_ack_does_not_hide_a_row_that_was_asked_for_again_meanwhile(leading: Scene) -> None:
    await leading.write(["a", "a"])
    await acknowledge(leading, await take(leading))
    await leading.write(["a"])
    in_flight = await take(leading)
    async with leading.database.transaction() as conn:
        assert await leading.outbox.tail_from(conn, "a", "H28.1", 2) == [2, 3]
    await acknowledge(leading, in_flight)
    assert sequences(await take(leading)) == [("a", 2), ("a", 3)]


async def test_receipts_climb_in_any_order_and_repeat_harmlessly(leading: Scene) -> None:
    written = await leading.write(["a", "b", "c"])
    first, second, third = (Identity(SOURCE, envelope.id) for envelope in written)
    await acknowledge(leading, await take(leading))
    async with leading.climbing(written) as rungs:
        assert rungs.settled([first]) == {first}
        assert rungs.routed([first, second]) == {second}
    async with leading.climbing(written) as rungs:
        assert rungs.settled([first]) == set()
        assert rungs.routed([second]) == set()
        assert rungs.refused({third: '{"step": "schema"}', first: "{}"}) == {third}
    async with leading.climbing(written) as rungs:
        assert rungs.settled([third]) == set()
        assert rungs.routed([Identity("urn:other", first.id)]) == set()
    assert await leading.count("state = 'settled' AND routed_at IS NOT NULL AND closed_at IS NOT NULL") == 1
    assert await leading.count("state = 'refused' AND verdict LIKE '%schema%'") == 1
    assert await leading.count("state = 'routed' AND due_at > now() + interval '1 minute'") == 1


async def test_of_what_is_told_at_once_the_last_rung_is_written(leading: Scene) -> None:
    written = await leading.write(["a", "b", "c"])
    first, second, third = (Identity(SOURCE, envelope.id) for envelope in written)
    async with leading.climbing(written) as rungs:
        assert rungs.routed([first, second, third]) == {first, second, third}
        assert rungs.settled([first]) == {first}
        assert rungs.settled([first]) == set()
        assert rungs.closed({second: '{"step": "sequence"}', first: "{}"}) == {second}
    assert await leading.count("state = 'settled' AND verdict IS NULL AND NOT pending") == 1
    assert await leading.count("state = 'closed' AND verdict LIKE '%sequence%' AND closed_at IS NOT NULL") == 1
    assert await leading.count("state = 'routed' AND attempts = 1 AND closed_at IS NULL") == 1


async def test_a_first_number_is_refused_where_there_is_one_already(leading: Scene) -> None:
    await leading.write(["a"])
    for pairs in ([("b", "H28.1"), ("a", "H28.1")], [("b", "H28.1"), ("b", "H28.1")]):
        writes = Writes()
        leading.outbox.start(writes, pairs)
        with pytest.raises(DatabaseError) as refused:
            async with leading.database.single() as conn:
                await writes.run(conn)
        assert refused.value.sqlstate == "23505"
    writes = Writes()
    leading.outbox.start(writes, [("b", "H28.1"), ("a", "H28.2")])
    async with leading.database.single() as conn:
        await writes.run(conn)
    async with leading.database.transaction() as conn:
        assert await leading.outbox.number(conn, [("a", "H28.1"), ("b", "H28.1"), ("a", "H28.2")]) == [2, 2, 2]


async def age(scene: Scene, condition: str = "true") -> None:
    async with scene.database.transaction() as conn:
        await conn.execute(text(f"UPDATE outbox SET due_at = now() - interval '1 second' WHERE {condition}"))


async def fall_due(scene: Scene, committed: int) -> int:
    """With a reader that has come so far in a log of ten records."""
    async with scene.database.transaction() as conn:
        return await scene.source.fall_due(conn, {TopicPartition(TOPIC, 0): range(committed, 10)})


async def test_a_whole_tail_falls_due_but_only_when_its_reader_has_passed_its_first(leading: Scene) -> None:
    await leading.write(["a", "a", "b", "a"])
    await acknowledge(leading, await take(leading))
    assert await fall_due(leading, 4) == 0, "not yet due"
    await age(leading, "key = 'a' AND sequence = 2")
    assert await fall_due(leading, 0) == 0, "its first is at offset 0, not yet passed"
    assert await fall_due(leading, 1) == 3
    assert sequences(await take(leading)) == [("a", 1), ("a", 2), ("a", 3)]


async def test_routed_facts_are_asked_for_again_one_by_one(leading: Scene) -> None:
    written = await leading.write(["a", "a"])
    await acknowledge(leading, await take(leading))
    async with leading.climbing(written) as rungs:
        rungs.routed(Identity(SOURCE, envelope.id) for envelope in written)
    await age(leading, "sequence = 2")
    assert await fall_due(leading, 2) == 1
    taken = await take(leading)
    assert sequences(taken) == [("a", 2)]
    await acknowledge(leading, taken, first=7)
    assert await leading.count("state = 'routed' AND due_at > now() + interval '1 minute'") == 2
    second = "due_at > now() + make_interval(secs => 0.9 * 600 * 1000)"
    assert await leading.count(f"sequence = 2 AND {second}") == 1, "the second wait of the schedule"


async def test_a_lost_log_makes_everything_unsettled_due_and_forgets_positions(leading: Scene) -> None:
    written = await leading.write(["a", "a", "a", "b"])
    await acknowledge(leading, await take(leading))
    async with leading.climbing(written) as rungs:
        rungs.settled([Identity(SOURCE, written[0].id)])
        rungs.routed([Identity(SOURCE, written[1].id)])
    async with leading.database.transaction() as conn:
        await leading.source.log_lost(conn)
    assert sequences(await take(leading)) == [("a", 2), ("a", 3), ("b", 1)]
    assert await leading.count("log_offset IS NULL AND state IN ('routed', 'unsent')") == 3


async def test_receipts_are_deleted_once_the_broker_has_them(leading: Scene) -> None:
    fact = (await leading.write(["a"]))[0]
    receipt = type(fact)(
        id=fact.id.replace(fact.id[:4], "ffff"), source=SOURCE, type="receipt.handed-over", subject="a", time=fact.time
    )
    async with leading.database.transaction() as conn:
        await leading.add(conn, [receipt])
    await acknowledge(leading, await take(leading))
    assert await leading.count() == 1


async def test_chunks_are_bounded_by_bytes(leading: Scene) -> None:
    big = (await leading.write(["a"]))[0]
    async with leading.database.transaction() as conn:
        await conn.execute(text("UPDATE outbox SET value = :v"), {"v": b" " * 5_000_000})
        await conn.execute(
            text(
                "INSERT INTO outbox (source, envelope_id, topic, key, subject, organ, type, headers, "
                "value, digest, sequence) SELECT source, envelope_id || n, topic, key, subject, organ, "
                "type, headers, value, digest, 1 + n FROM outbox, generate_series(1, 4) n"
            )
        )
    assert [len(message.value or b"") for message in await take(leading)] == [5_000_000, 5_000_000]
    assert big.sequence == 1


async def test_locking_subjects_gives_their_last_hops_and_never_goes_back(database: Database) -> None:
    async with database.transaction() as conn:
        assert await locked(conn, ["b", "a", "b"]) == {"a": 0, "b": 0}
        await advance(conn, {"a": 3})
    async with database.transaction() as conn:
        assert await locked(conn, ["a", "c"]) == {"a": 3, "c": 0}
        await advance(conn, {"a": 2, "c": 1})
    async with database.transaction() as conn:
        assert await locked(conn, ["a", "c"]) == {"a": 3, "c": 1}


async def test_locks_in_opposite_order_do_not_deadlock(database: Database) -> None:
    names = [f"s{n}" for n in range(20)]

    async def work(order: list[str]) -> None:
        for _ in range(15):
            async with database.transaction() as conn:
                hops = await locked(conn, order)
                await advance(conn, {name: hop + 1 for name, hop in hops.items()})

    await asyncio.gather(*(work(names[::direction]) for direction in (1, -1, 1, -1)))
    async with database.transaction() as conn:
        assert set((await locked(conn, names)).values()) == {60}


WRITERS, SUBJECTS, SECONDS = 12, 6, 2.5


async def _write_until(scene: Scene, deadline: float, rng: random.Random) -> None:
    while time.monotonic() < deadline:
        subject = f"s{rng.randrange(SUBJECTS)}"
        try:
            async with scene.database.transaction() as conn:
                await scene.append(conn, [subject])
                await asyncio.sleep(rng.random() * 0.004)  # work between the number and the commit
                if rng.random() < 0.05:
                    raise InterruptedError
        except InterruptedError:
            continue


async def _read_by_id(conn: Connection, last: int) -> list[tuple[int, str, int]]:
    rows = await conn.execute(
        text("SELECT id, subject, sequence FROM outbox WHERE id > :last ORDER BY id LIMIT 500"), {"last": last}
    )
    return [(row.id, row.subject, row.sequence) for row in rows]


async def test_the_mark_loses_and_reorders_nothing_where_a_cursor_by_id_does(leading: Scene) -> None:
    """Twelve writers on six subjects with rollbacks; both forms watch the same rows."""
    marked: dict[str, list[int]] = defaultdict(list)
    by_id: set[tuple[str, int]] = set()
    deadline = time.monotonic() + SECONDS
    writers = [asyncio.create_task(_write_until(leading, deadline, random.Random(seed))) for seed in range(WRITERS)]

    async def watch_marks() -> None:
        while True:
            done = all(writer.done() for writer in writers)
            taken = await take(leading)
            await acknowledge(leading, taken)
            for subject, sequence in sequences(taken):
                assert sequence is not None
                marked[subject].append(sequence)
            if done and not taken:
                return

    async def watch_ids() -> None:
        last = 0
        while True:
            done = all(writer.done() for writer in writers)
            async with leading.database.read() as conn:
                rows = await _read_by_id(conn, last)
            by_id.update((subject, sequence) for _, subject, sequence in rows)
            last = rows[-1][0] if rows else last
            if done and not rows:
                return

    await asyncio.gather(*writers, watch_marks(), watch_ids())
    async with leading.database.read() as conn:
        committed = {(s, n) for s, n in await conn.execute(text("SELECT subject, sequence FROM outbox"))}
    assert len(committed) > 200
    assert {(subject, n) for subject, numbers in marked.items() for n in numbers} == committed
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in marked.values())
    assert by_id < committed, "the planted form should have skipped rows that committed late"
