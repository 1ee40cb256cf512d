"""The embedded Kafka is a real broker that can lose everything and says so by its cluster id."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka, cluster_of, new_cluster_id
from deploy.local.ports import free_port
from deploy.local.processes import start_mark


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Kafka]:
    port = free_port()
    broker = Kafka(tmp_path / "Hoà Bình, tỉnh" / "kafka", port, free_port({port}))
    try:
        yield broker
    finally:
        broker.kill()


def test_is_the_same_cluster_after_kill_9_and_another_after_a_wipe(broker: Kafka) -> None:
    assert broker.cluster_id is None
    broker.start()
    first, pid = broker.cluster_id, broker.pid
    assert first is not None
    assert pid is not None
    assert cluster_of(broker.port) == first

    broker.kill()
    assert start_mark(pid) is None
    assert cluster_of(broker.port) is None
    broker.start()
    assert cluster_of(broker.port) == first

    broker.stop()
    broker.wipe()
    assert broker.cluster_id is None
    broker.start()
    assert cluster_of(broker.port) not in (None, first)


def test_listens_on_this_machine_only(kafka: Kafka) -> None:
    assert cluster_of(kafka.port) == kafka.cluster_id
    for address in {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), kafka.port, socket.AF_INET)}:
        if not str(address).startswith("127."):
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, kafka.port), timeout=2)


def test_formats_itself_again_when_that_was_interrupted(broker: Kafka) -> None:
    half = broker.home / "fresh" / "data"
    half.mkdir(parents=True)
    (half / "meta.properties").write_text("cluster.id=half\n")

    broker.start()

    assert broker.cluster_id not in (None, "half")


def test_cluster_ids_are_22_letters_that_kafka_takes() -> None:
    drawn = {new_cluster_id() for _ in range(500)}
    assert len(drawn) == 500
    assert {len(one) for one in drawn} == {22}
    assert not [one for one in drawn if one.startswith("-")]
