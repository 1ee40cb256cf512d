"""What the clients of kafka.py have in common and is no client: deadlines, sizes, names, reading of answers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.records import BrokerAway, Record, TopicPartition

START_SECONDS = 10.0
SEND_SECONDS = 10.0
STOP_SECONDS = 5.0
REBALANCE_SECONDS = 30.0
DRAIN_SECONDS = 20.0  # below REBALANCE_SECONDS, so that the group still waits for us
BATCH_BYTES = 400 * 1024  # a batch holds one record of the largest size and stays below Kafka's limit of 1 MiB
READING: dict[str, Any] = {
    "enable_auto_commit": False,
    "auto_offset_reset": "none",  # anything else would reset a lost log silently
    "max_partition_fetch_bytes": 1024 * 1024,
    "fetch_max_wait_ms": 500,
    "metadata_max_age_ms": 30_000,
}

TOPIC_EXISTS = 36
EARLIEST, LATEST = -2, -1

Places = Mapping[str, list[int]]
"""Partitions by topic, with physical names."""

Bounds = dict[tuple[str, int], tuple[int, int]]
"""First offset and the one after the last, by physical topic and partition."""


class Names:
    """Between logical and physical names, and between the library's values and ours."""

    def __init__(self, cluster: Cluster, partition: Callable[[str, int], Any]) -> None:
        self._cluster = cluster
        self._partition = partition

    def record(self, raw: Any) -> Record:
        return Record(
            topic=self._cluster.logical(raw.topic),
            partition=raw.partition,
            offset=raw.offset,
            key=(raw.key or b"").decode("utf-8", "replace"),
            value=raw.value,
            headers=raw.headers,
            timestamp_ms=raw.timestamp,
        )

    def ours(self, raw: Any) -> TopicPartition:
        return TopicPartition(self._cluster.logical(raw.topic), raw.partition)

    def theirs(self, partition: TopicPartition) -> Any:
        return self._partition(self._cluster.physical(partition.topic), partition.partition)


async def discard(producer: Any) -> None:
    """Ends a producer at once: its own `stop()` would wait, for ever, for what it could not deliver."""
    producer._closed = True
    task = producer._sender.sender_task
    await producer.client.close()
    for _ in range(2):  # the first cancel lets requests end, the second ends those that wait for metadata
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=1)


def made_in(response: Any) -> list[str]:
    """Names of the topics that were made as asked; those that were there already are none of them."""
    for name, code, *_ in response.topic_errors:
        if code not in (0, TOPIC_EXISTS):
            raise BrokerAway(f"{name}: error {code}")
    return [name for name, code, *_ in response.topic_errors if not code]


def by_leader(topics: Iterable[Mapping[str, Any]]) -> dict[int, Places]:
    """Partitions of described topics by the node that leads them; those nobody leads now are left out."""
    led: dict[int, dict[str, list[int]]] = {}
    for topic in topics:
        for partition in topic["partitions"]:
            if partition["leader"] >= 0:
                led.setdefault(partition["leader"], {}).setdefault(topic["topic"], []).append(partition["partition"])
    return dict(led)


def at(places: Places, moment: int) -> list[tuple[str, list[tuple[int, int]]]]:
    """The question for the offsets of these at a moment, as the protocol has it."""
    return [(topic, [(number, moment) for number in numbers]) for topic, numbers in places.items()]


def offsets_in(response: Any) -> dict[tuple[str, int], int]:
    """The answer to it; a partition that the node cannot speak for is left out."""
    return {
        (topic, number): offset
        for topic, answers in response.topics
        for number, code, _, offset, *_ in answers
        if not code
    }


async def bounds_at(ask: Callable[[Any], Awaitable[Any]], places: Places) -> Bounds:
    """Both questions, asked of the node that leads these."""
    starts, ends = [offsets_in(await ask(at(places, moment))) for moment in (EARLIEST, LATEST)]
    return {place: (starts[place], ends[place]) for place in starts.keys() & ends.keys()}
