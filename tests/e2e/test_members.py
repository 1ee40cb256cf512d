"""A process that lives through a wipe of the log joins the new cluster before its topics are made again."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import Admin, GroupConsumer
from services.kernel.messaging.records import BrokerAway, TopicSpec
from tests.e2e.topics import Topics

TOPIC, GROUP, MEMBER = "topic", "group", "member"
PARTITIONS = 3
WAIT_SECONDS = 40.0


@pytest.fixture
async def broker() -> AsyncIterator[Kafka]:
    """One of its own, to be wiped."""
    with tempfile.TemporaryDirectory(prefix="lienthong-members-") as folder:
        port = free_port()
        broker = Kafka(Path(folder) / "kafka", port, free_port({port}))
        try:
            await asyncio.to_thread(broker.start)
            yield broker
        finally:
            await asyncio.to_thread(broker.stop)


async def test_a_static_member_reads_what_its_forerunner_did_not_know(broker: Kafka) -> None:
    """Who takes the place of a static member is given that one's partitions: here none, and nobody else would read."""
    cluster = Cluster(broker.bootstrap)
    admin, topics = Admin(cluster), Topics(broker.bootstrap)
    await admin.create_topics([TopicSpec(TOPIC, PARTITIONS)])
    forerunner, follower = _member(cluster), _member(cluster, rewind=True)
    try:
        await forerunner.start()
        await _polls(forerunner, lambda: len(forerunner._consumer.assignment()) == PARTITIONS)
        await asyncio.to_thread(broker.wipe)
        await asyncio.to_thread(broker.start)
        await _polls(forerunner, lambda: not forerunner._consumer.assignment())
        await forerunner.stop()
        await admin.create_topics([TopicSpec(TOPIC, PARTITIONS)])
        await topics.put_raw((), b"here", topic=TOPIC)
        await follower.start()
        assert await _polls(follower, lambda: False) == [b"here"]
    finally:
        await forerunner.stop()
        await follower.stop()
        await admin.aclose()
        await topics.aclose()


def _member(cluster: Cluster, *, rewind: bool = False) -> GroupConsumer:
    async def drain() -> None:
        """Nothing is in work."""

    return GroupConsumer(cluster, GROUP, [TOPIC], drain=drain, rewind=rewind, instance_id=MEMBER)


async def _polls(member: GroupConsumer, enough: Callable[[], bool]) -> list[bytes | None]:
    """Until it is enough or something is read; what was read."""
    end = time.monotonic() + WAIT_SECONDS
    while not enough():
        assert time.monotonic() < end, "nothing is read"
        try:
            found = await member.poll(0.2)
        except BrokerAway:
            continue
        if found:
            return [record.value for records in found.values() for record in records]
    return []
