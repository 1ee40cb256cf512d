"""Several embedded brokers are one cluster: what one of them held the others hold too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.local.kafka_cluster import KafkaCluster, replicas_of
from deploy.local.processes import await_condition
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import Admin, Producer, Reader
from services.kernel.messaging.records import Ack, BrokerAway, Outgoing, Record, TopicPartition, TopicSpec
from services.kernel.messaging.topics import specs
from services.kernel.settings import Settings
from tests.integration.kernel.scene import until

TOPIC = "held"
SYNC_SECONDS = 60.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[KafkaCluster]:
    cluster = KafkaCluster(tmp_path / "kafka", 3)
    try:
        yield cluster
    finally:
        cluster.kill()


async def test_what_was_acknowledged_outlives_any_broker(cluster: KafkaCluster) -> None:
    cluster.start()
    known = Cluster(cluster.bootstrap)
    admin, producer = Admin(known), Producer(known)
    try:
        await admin.create_topics([TopicSpec(TOPIC, 3, 3, {"min.insync.replicas": "2"})])
        assert await_condition(cluster.in_sync, SYNC_SECONDS)
        sent = [str(number) for number in range(30)]
        results = await producer.send([Outgoing(TOPIC, key, key.encode(), ()) for key in sent])
        assert all(isinstance(result, Ack) for result in results)

        first = cluster.leader(TOPIC, 0)
        cluster.kill(first)
        assert await_condition(lambda: cluster.leader(TOPIC, 0) not in (-1, first), SYNC_SECONDS)
        assert {record.key for record in await _read(known)} == set(sent)
        assert len(await until(lambda: _bounds(admin))) == 3

        cluster.start_again(first)
        assert await_condition(cluster.in_sync, SYNC_SECONDS)
        assert cluster.alive
    finally:
        await producer.aclose()
        await admin.aclose()


def test_is_another_cluster_after_a_wipe(cluster: KafkaCluster) -> None:
    cluster.start()
    first = cluster.cluster_id
    assert first is not None
    assert {node.cluster_id for node in cluster.nodes.values()} == {first}
    cluster.wipe()
    assert cluster.cluster_id is None


def test_records_have_three_replicas_at_most() -> None:
    assert [replicas_of(nodes) for nodes in (1, 2, 3, 5)] == [1, 2, 3, 3]


@pytest.mark.parametrize(
    ("local", "setting", "replication", "in_sync"),
    [(True, None, 1, "1"), (False, None, 3, "2"), (True, 3, 3, "2"), (False, 1, 1, "1")],
)
def test_the_topics_of_the_hub_are_held_by_as_many_brokers_as_is_set(
    local: bool, setting: int | None, replication: int, in_sync: str
) -> None:
    wanted = specs(Settings(program="gateway", local=local, kafka_replication=setting))
    assert {spec.replication for spec in wanted} == {replication}
    assert {spec.configs["min.insync.replicas"] for spec in wanted} == {in_sync}


async def _bounds(admin: Admin) -> dict[TopicPartition, tuple[int, int]] | None:
    """None when the one that was asked first is the one that is gone: who asks then asks again."""
    with suppress(BrokerAway):
        return await admin.bounds([TOPIC])
    return None


async def _read(known: Cluster) -> list[Record]:
    reader, records = Reader(known, [TOPIC]), list[Record]()
    try:
        await reader.start()
        while not reader.caught_up:
            records += await reader.poll(0.2)
    finally:
        await reader.stop()
    return records
