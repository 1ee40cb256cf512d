"""The relay against a real broker: order, nothing lost when it is killed, one leader, a log that is lost."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence

import pytest
from sqlalchemy import text

from deploy.local.kafka import Kafka
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.kernel.crypto import SealBroken
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.records import Ack, Outgoing, TopicPartition, Unread
from services.kernel.messaging.sending import Result
from tests.integration.kernel.scene import TOPIC, Scene, accepted, facts_of, is_so, read_all, until


async def all_sent(scene: Scene) -> bool:
    return await scene.count("pending") == 0


async def test_facts_reach_the_log_in_order_and_soon_after_their_commit(scene: Scene) -> None:
    scene.start()
    await scene.write(["warm"])
    await until(lambda: all_sent(scene), what="first fact sent")
    began = time.monotonic()
    await scene.write(["a", "b", "a"])
    await until(lambda: all_sent(scene), every=0.002)
    took = time.monotonic() - began
    for _ in range(20):
        await scene.write(["a", "b"])
    await until(lambda: all_sent(scene))
    facts = facts_of(await read_all(scene.cluster, TOPIC))
    assert facts == {"warm": [1], "a": list(range(1, 23)), "b": list(range(1, 22))}
    assert took < 0.5, "woken by the bell, not by the poll"
    assert await scene.count("state = 'sent' AND log_offset >= 0 AND log_generation = 1") == await scene.count()


async def test_nobody_waits_for_what_the_readers_have_passed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that does not answer how far they are takes records all the same."""
    asked, answering = asyncio.Event(), asyncio.Event()

    async def frozen(group: str) -> dict[TopicPartition, int]:
        asked.set()
        await answering.wait()
        return {}

    monkeypatch.setattr(scene.admin, "committed", frozen)
    scene.start()
    await until(lambda: is_so(asked.is_set()), what="the question")
    await scene.write(["a", "b", "a"])
    await until(lambda: all_sent(scene), what="facts sent")
    assert not answering.is_set()


async def test_nothing_is_lost_or_reordered_when_the_broker_is_killed(scene: Scene, kafka: Kafka) -> None:
    scene.start()
    await scene.write(["a", "b"])
    await until(lambda: all_sent(scene))

    async def write() -> None:
        for _ in range(60):
            await scene.write(["a", "b", "c"])
            await asyncio.sleep(0.01)

    writing = asyncio.create_task(write())
    await asyncio.to_thread(kafka.kill)
    await writing
    assert await scene.count("pending") > 0
    await until(lambda: is_so(not scene.relay.part().ok))
    await asyncio.to_thread(kafka.start)
    await until(lambda: all_sent(scene), seconds=30)
    facts = facts_of(await read_all(scene.cluster, TOPIC))
    assert {subject: accepted(numbers) for subject, numbers in facts.items()} == {"a": 61, "b": 61, "c": 60}
    await until(lambda: is_so(scene.relay.part().ok))
    assert scene.watch.generation == 1, "a restart is no loss"


async def test_a_wiped_broker_is_noticed_and_gets_everything_again(scene: Scene, kafka: Kafka) -> None:
    scene.start()
    await scene.write(["a", "b", "a"])
    await until(lambda: all_sent(scene))
    await asyncio.to_thread(kafka.wipe)
    await scene.write(["b"])
    await asyncio.to_thread(kafka.start)

    async def complete() -> bool:
        return scene.watch.generation == 2 and await all_sent(scene)

    await until(complete, seconds=30)
    facts = facts_of(await read_all(scene.cluster, TOPIC))
    assert {subject: accepted(numbers) for subject, numbers in facts.items()} == {"a": 2, "b": 2}
    assert await scene.count("log_generation = 2") == 4


async def test_an_offset_that_does_not_rise_is_a_lost_log(scene: Scene) -> None:
    scene.start()
    await scene.write(["a"])
    await until(lambda: all_sent(scene))
    async with scene.database.transaction() as conn:
        await conn.execute(text("UPDATE log_position SET last_offset = 1000"))
    await scene.write(["a"])

    async def raised() -> bool:
        return scene.watch.generation == 2 and await all_sent(scene)

    await until(raised)
    facts = facts_of(await read_all(scene.cluster, TOPIC))
    assert accepted(facts["a"]) == 2
    assert facts["a"].count(1) == 2


async def test_one_relay_leads_and_the_other_takes_over(scene: Scene, database_url: str, cluster: Cluster) -> None:
    scene.start()
    await scene.write(["a"])
    await until(lambda: all_sent(scene))
    other = Scene(database_url, cluster)
    try:
        other.start()
        await until(lambda: is_so("standing by" in other.relay.part().detail))
        await scene.supervisor.stop()
        await other.write(["a", "a"])
        await until(lambda: all_sent(other))
        await until(lambda: is_so("leading" in other.relay.part().detail))
    finally:
        await other.aclose()
    assert facts_of(await read_all(cluster, TOPIC)) == {"a": [1, 2, 3]}


async def test_the_ack_of_a_leader_that_stood_still_is_fenced(
    scene: Scene, database_url: str, cluster: Cluster
) -> None:
    """Its records are in the log and its ack comes when another one leads: the mark is taken off by that one only."""
    stood, going_on = asyncio.Event(), asyncio.Event()
    send = scene.producer.send

    async def slowly(messages: Sequence[Outgoing]) -> list[Result]:
        results = await send(messages)
        stood.set()
        await going_on.wait()
        return results

    scene.producer.send = slowly  # type: ignore[method-assign]
    scene.start()
    await scene.write(["a"])
    await stood.wait()
    async with scene.database.transaction() as conn:
        await conn.execute(text("UPDATE lease SET expires_at = now() - interval '1 hour'"))
    other = Scene(database_url, cluster)
    try:
        blocked = Gate(other)
        other.start()
        await until(lambda: is_so(blocked.asked > 0), what="another leads")
        going_on.set()
        await until(lambda: is_so("standing by" in scene.relay.part().detail), what="the first stands by")
        assert await scene.count("pending AND state = 'unsent' AND attempts = 0") == 1
        blocked.go_on()
        await until(lambda: all_sent(other))
    finally:
        await other.aclose()
    assert await scene.count("state = 'sent' AND attempts = 1") == 1
    assert facts_of(await read_all(cluster, TOPIC)) == {"a": [1, 1]}


class Gate:
    """Keeps a scene's relay from taking rows until told otherwise."""

    def __init__(self, scene: Scene) -> None:
        self.asked = 0
        self._take = scene.source.take
        self._free = False
        scene.source.take = self.take  # type: ignore[method-assign]

    def take(self, reads: Reads, limit: int, held: Collection[str]) -> Callable[[], list[Outgoing]]:
        self.asked += 1
        return self._take(reads, limit, held) if self._free else list

    def go_on(self) -> None:
        self._free = True


class Unreadable:
    """A source whose first row nobody can read."""

    name = "unreadable"

    def __init__(self, statement: str = "SELECT ROW(1)") -> None:
        self.asked = 0
        self._statement = statement

    def take(self, reads: Reads, limit: int, held: Collection[str]) -> Callable[[], list[Outgoing]]:
        self.asked += 1
        reads.add(self._statement, {})
        return self._open

    def _open(self) -> list[Outgoing]:
        raise SealBroken("sealed under a key that is not in the key file")

    def acknowledge(self, writes: Writes, acks: Sequence[Ack]) -> None:
        raise AssertionError("nothing of it was sent")

    async def fall_due(self, conn: Connection, unread: Unread) -> int:
        return 0

    async def log_lost(self, conn: Connection) -> None:
        pass


@pytest.mark.parametrize("statement", ["SELECT ROW(1)", "SELECT ROW(1 / 0)"], ids=["unsealable", "refused"])
async def test_a_source_that_cannot_be_read_holds_up_no_other(
    database_url: str, cluster: Cluster, statement: str
) -> None:
    unreadable = Unreadable(statement)
    scene = Scene(database_url, cluster, before=[unreadable])
    try:
        scene.start()
        for _ in range(3):
            await scene.write(["a", "b"])
            await until(lambda: all_sent(scene), what="facts sent beside what cannot be read")
    finally:
        await scene.aclose()
    assert unreadable.asked >= 3
    assert facts_of(await read_all(cluster, TOPIC)) == {"a": [1, 2, 3], "b": [1, 2, 3]}


async def test_a_record_that_is_too_large_holds_back_its_key_alone(scene: Scene) -> None:
    scene.start()
    written = await scene.write(["a", "b"])
    await until(lambda: all_sent(scene))
    async with scene.database.transaction() as conn:
        big = (await scene.append(conn, ["a"]))[0]
        await conn.execute(
            text("UPDATE outbox SET value = :v WHERE envelope_id = :id"), {"v": b"x" * 2_000_000, "id": big.id}
        )
        await scene.append(conn, ["a", "b"])
    await until(lambda: _held(scene))
    assert facts_of(await read_all(scene.cluster, TOPIC)) == {"a": [1], "b": [1, 2]}
    assert not scene.relay.part().ok
    async with scene.database.transaction() as conn:
        await conn.execute(text("UPDATE outbox SET value = :v WHERE envelope_id = :id"), {"v": b"{}", "id": big.id})
    await until(lambda: all_sent(scene))
    assert facts_of(await read_all(scene.cluster, TOPIC))["a"] == [1, 2, 3]
    assert len(written) == 2


async def _held(scene: Scene) -> bool:
    return "held back" in scene.relay.part().detail and await scene.count("pending") == 2
