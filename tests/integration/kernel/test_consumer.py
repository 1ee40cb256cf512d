"""The consumer against a real broker: each effect once, whatever dies, joins, fails or is lost in between."""

import asyncio
import sys
import time
from collections import Counter

from contracts.problems import HubError
from deploy.local.kafka import Kafka
from services.kernel.errors import RetryLater
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.consumer import Consumer, Handler, Membership
from services.kernel.messaging.kafka import GroupConsumer
from services.kernel.messaging.limits import DeadLetterLimit
from services.kernel.messaging.records import BrokerAway, Record, TopicPartition
from tests.integration.kernel.readers import Noting, Once, effects, label
from tests.integration.kernel.scene import GROUP, TOPIC, Scene, is_so, until

SESSION_SECONDS = 40.0


def add_consumer(scene: Scene, handler: Handler, *, limit: DeadLetterLimit | None = None) -> Consumer:
    consumer = Consumer(
        scene.cluster, Membership(GROUP, [TOPIC]), handler, database=scene.database, watch=scene.watch, limit=limit
    )
    scene.supervisor.add("consumer", consumer.run, state=consumer.part)
    return consumer


async def applied(scene: Scene, expected: int) -> bool:
    return len(await effects(scene.database)) >= expected


async def test_records_are_applied_in_order_and_offsets_committed(scene: Scene) -> None:
    handler = Noting()
    add_consumer(scene, handler)
    scene.start()
    await scene.write([f"s{n % 7}" for n in range(700)])
    await until(lambda: applied(scene, 700))
    found = await effects(scene.database)
    for subject in (f"s{n}" for n in range(7)):
        assert [f for f in found if f.startswith(f"{subject}/")] == [f"{subject}/{n}" for n in range(1, 101)]
    assert len(handler.chunks) < 100, "records travel in chunks"

    async def committed() -> bool:
        ends = {place: end for place, (_, end) in (await scene.admin.bounds([TOPIC])).items()}
        return sum(ends.values()) == 700 and await scene.admin.committed(GROUP) == ends

    await until(committed)
    took = [await _carried(scene, total) for total in range(701, 706)]
    assert min(took) < 0.5, "nothing on the way polls"


async def _carried(scene: Scene, total: int) -> float:
    """The seconds one more record takes to its effect."""
    began = time.monotonic()
    await scene.write(["s0"])
    await until(lambda: applied(scene, total), every=0.002)
    return time.monotonic() - began


async def test_a_consumer_killed_between_commit_and_offsets_leaves_each_effect_once(
    scene: Scene, database_url: str, cluster: Cluster
) -> None:
    scene.start()
    for _ in range(6):
        await scene.write([f"s{n}" for n in range(40)])
    await until(lambda: is_so(scene.watch.generation))
    for _ in range(3):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.kernel.readers", database_url, cluster.bootstrap, cluster.prefix
        )
        try:
            assert await asyncio.wait_for(child.wait(), 20) == -9, "it dies after its second commit"
        finally:
            if child.returncode is None:
                child.kill()
        await scene.write([f"s{n}" for n in range(40)])
    membership = Membership(GROUP, [TOPIC], instance_id="the-one")
    survivor = Consumer(cluster, membership, Once(), database=scene.database, watch=scene.watch)
    stop = asyncio.Event()
    running = asyncio.create_task(survivor.run(stop))
    await until(lambda: applied(scene, 9 * 40))
    stop.set()
    await running
    assert set(Counter(await effects(scene.database)).values()) == {1}


async def test_nothing_is_lost_or_read_twice_when_a_second_member_joins_and_leaves(
    scene: Scene, database_url: str, cluster: Cluster
) -> None:
    add_consumer(scene, Noting(seconds=0.05))
    scene.start()
    await scene.write([f"s{n}" for n in range(50)])
    await until(lambda: applied(scene, 1))
    other = Scene(database_url, cluster)
    second = Noting(seconds=0.05)
    add_consumer(other, second)
    try:
        other.start(relay=False)
        written = 50
        while not second.chunks:
            await scene.write([f"s{n}" for n in range(50)])
            written += 50
            await asyncio.sleep(0.02)
        await other.supervisor.stop()
    finally:
        await other.aclose()
    await scene.write([f"s{n}" for n in range(50)])
    await until(lambda: applied(scene, written + 50))
    counts = Counter(await effects(scene.database))
    assert len(counts) == written + 50
    assert set(counts.values()) == {1}


async def test_poison_is_found_by_halving_and_buried_and_stops_nobody(scene: Scene) -> None:
    def check(record: Record) -> None:
        if label(record) in ("s1/3", "s4/2"):
            raise ValueError("nobody thought of this")
        if label(record) == "s2/1":
            raise HubError("request.invalid")

    consumer = add_consumer(scene, Noting(check))
    scene.start()
    await scene.write([f"s{n % 6}" for n in range(60)])
    await until(lambda: applied(scene, 60))
    found = await effects(scene.database)
    assert sorted(f for f in found if f.startswith("buried")) == ["buried s1/3", "buried s2/1", "buried s4/2"]
    assert set(Counter(found).values()) == {1}
    assert [f.removeprefix("buried ") for f in found if "s1/" in f] == [f"s1/{n}" for n in range(1, 11)]
    await until(lambda: is_so(consumer.part().ok))


async def test_a_member_that_stops_leaves_its_partitions_to_the_others_at_once(scene: Scene) -> None:
    """Also one with a name of its own in the group, which is not missed before its session is over."""
    scene.start()
    members: list[tuple[Consumer, asyncio.Event, asyncio.Task[None]]] = []
    for name in ("one", "two"):
        membership = Membership(GROUP, [TOPIC], name, SESSION_SECONDS)
        consumer = Consumer(scene.cluster, membership, Noting(), database=scene.database, watch=scene.watch)
        stop = asyncio.Event()
        members.append((consumer, stop, asyncio.create_task(consumer.run(stop))))
    (first, stop_first, running_first), (second, stop_second, running_second) = members
    try:
        await until(lambda: is_so({_owned(first), _owned(second)} == {1, 2}), seconds=30, what="three are shared")
        began = time.monotonic()
        stop_first.set()
        await running_first
        await until(lambda: is_so(_owned(second) == 3), seconds=SESSION_SECONDS, what="all are the second's")
        assert time.monotonic() - began < SESSION_SECONDS / 2
    finally:
        stop_first.set()
        stop_second.set()
        await asyncio.gather(running_first, running_second)


def _owned(consumer: Consumer) -> int:
    words = consumer.part().detail.split()
    return int(words[-2]) if words[-1] == "partitions" else 0


async def test_a_bad_release_stops_instead_of_emptying_the_topic(scene: Scene) -> None:
    def check(record: Record) -> None:
        raise KeyError("broken code")

    consumer = add_consumer(scene, Noting(check), limit=DeadLetterLimit(allowed=5))
    scene.start()
    await scene.write([f"s{n % 6}" for n in range(60)])
    await until(lambda: is_so("too many" in consumer.part().detail))
    assert not consumer.part().ok
    await scene.supervisor.stop()
    assert len(await effects(scene.database)) == 5


async def test_what_cannot_be_done_now_waits_without_holding_up_other_partitions(scene: Scene) -> None:
    first = {"until": time.monotonic() + 3600}

    def check(record: Record) -> None:
        if label(record).startswith("slow/") and time.monotonic() < first["until"]:
            raise RetryLater("attachment not there yet", seconds=0.05)

    consumer = add_consumer(scene, Noting(check))
    scene.start()
    await scene.write(["slow", *(f"s{n}" for n in range(30)), "slow"])
    await until(lambda: is_so("retrying" in consumer.part().detail))
    await until(lambda: applied(scene, 15), what="the other partitions go on")
    first["until"] = 0.0
    await until(lambda: applied(scene, 32))
    found = await effects(scene.database)
    assert len(found) == len(set(found)) == 32
    assert found.index("slow/1") < found.index("slow/2")
    await until(lambda: is_so(consumer.part().ok))


async def test_after_a_wipe_everything_unsettled_arrives_again_and_acts_once(scene: Scene, kafka: Kafka) -> None:
    add_consumer(scene, Once())
    scene.start()
    await scene.write([f"s{n}" for n in range(30)])
    await until(lambda: applied(scene, 30))
    await asyncio.to_thread(kafka.wipe)
    await scene.write([f"s{n}" for n in range(30)])
    await asyncio.to_thread(kafka.start)
    await until(lambda: applied(scene, 60), seconds=30)
    await scene.write([f"s{n}" for n in range(30)])
    await until(lambda: applied(scene, 90), seconds=30)
    assert set(Counter(await effects(scene.database)).values()) == {1}
    assert scene.watch.generation == 2


async def test_a_committed_offset_beyond_the_log_is_a_loss_and_all_is_read_from_the_beginning(scene: Scene) -> None:
    """As when the topic was deleted and made again: the cluster's id is the same."""
    handler = Noting()
    add_consumer(scene, handler)
    await scene.ensure_topics()
    member = GroupConsumer(scene.cluster, GROUP, [TOPIC], drain=nothing)
    try:
        await until(lambda: started(member))
        await member.poll(0.1)
        await member.commit({TopicPartition(TOPIC, partition): 500 for partition in range(3)})
    finally:
        await member.stop()
    scene.start()
    await scene.write(["a", "b"])
    await until(lambda: is_so(scene.watch.generation >= 2), seconds=30)
    await until(lambda: applied(scene, 2))
    await scene.write(["a"])
    await until(lambda: applied(scene, 3))
    assert set(await effects(scene.database)) == {"a/1", "b/1", "a/2"}


async def nothing() -> None:
    return None


async def started(member: GroupConsumer) -> bool:
    try:
        await member.start()
    except BrokerAway:
        return False
    return True
