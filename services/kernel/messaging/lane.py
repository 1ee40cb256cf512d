"""The work of some partitions: what was fetched of each waits in order and is given out in chunks, one at a time."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.kernel.messaging.records import Record, TopicPartition
from services.kernel.pause import pause

CHUNK_RECORDS = 500
CHUNK_BYTES = 4 * 1024 * 1024
QUEUE_BYTES = 2 * CHUNK_BYTES
QUEUE_RECORDS = 4 * CHUNK_RECORDS


@dataclass(slots=True)
class _Queue:
    """What waits of one partition, each with its size."""

    records: deque[tuple[Record, int]] = field(default_factory=deque)
    bytes: int = 0


class Lane:
    """A chunk holds records of any of its partitions, each in order. They take turns, so that one with much to do does
    not hold up the others.

    `alone` names the partition of a lane that has only one. `closing` is set when the partitions are given up: what is
    in work is finished, the rest is forgotten. `retrying` says after what.
    """

    def __init__(self, alone: TopicPartition | None = None) -> None:
        self.alone = alone
        self.closing = asyncio.Event()
        self.retrying = ""
        self._queues: OrderedDict[TopicPartition, _Queue] = OrderedDict()  # of those that have something, next first
        self._records = 0
        self._bytes = 0
        self._filled = asyncio.Event()

    def add(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        if not records:
            return
        sized = [(record, record.size) for record in records]
        added = sum(size for _, size in sized)
        queue = self._queues.setdefault(partition, _Queue())
        queue.records.extend(sized)
        queue.bytes += added
        self._bytes += added
        self._records += len(sized)
        self._filled.set()

    def take_out(self, partition: TopicPartition) -> list[Record]:
        """What waits of the partition, which waits here no more."""
        queue = self._queues.pop(partition, None) or _Queue()
        self._bytes -= queue.bytes
        self._records -= len(queue.records)
        return [record for record, _ in queue.records]

    def crowding(self) -> list[TopicPartition]:
        """Of a full lane the partitions that have their even part of it or more; the others may go on."""
        if self._records < QUEUE_RECORDS and self._bytes < QUEUE_BYTES:
            return []
        many = len(self._queues)
        return [
            partition
            for partition, queue in self._queues.items()
            if len(queue.records) * many >= QUEUE_RECORDS or queue.bytes * many >= QUEUE_BYTES
        ]

    def has_room(self, partition: TopicPartition) -> bool:
        """Whether more of a partition that was crowding may come."""
        half_empty = self._records <= QUEUE_RECORDS // 2 and self._bytes <= QUEUE_BYTES // 2
        return half_empty or partition not in self._queues

    async def next_chunk(self) -> list[Record]:
        """Whatever gathered, up to the limits; empty when the lane is closing."""
        while not self._queues and not self.closing.is_set():
            self._filled.clear()
            await self._filled.wait()
        if self.closing.is_set():
            return []
        chunk: list[Record] = []
        room = CHUNK_BYTES
        while self._queues and len(chunk) < CHUNK_RECORDS:
            partition, queue = next(iter(self._queues.items()))
            record, size = queue.records[0]
            if chunk and size > room:
                break
            queue.records.popleft()
            queue.bytes -= size
            room -= size
            chunk.append(record)
            if queue.records:
                self._queues.move_to_end(partition)
            else:
                del self._queues[partition]
        self._bytes -= CHUNK_BYTES - room
        self._records -= len(chunk)
        return chunk

    def close(self) -> None:
        self.closing.set()
        self._filled.set()

    async def rest(self, seconds: float) -> bool:
        """Waits before a repeat; True when the lane is closing."""
        return await pause(self.closing, seconds)


class Lanes:
    """Which lane each partition goes by: always the same of the `count` shared ones as long as it is ours, except while
    it is set aside in a lane of its own. Partitions of one number go together in all topics: a subject lies in them."""

    def __init__(self, count: int) -> None:
        self._shared = [Lane() for _ in range(count)]
        self._by_number: dict[int, Lane] = {}
        self._aside: dict[TopicPartition, Lane] = {}

    def of(self, partition: TopicPartition) -> Lane:
        if aside := self._aside.get(partition):
            return aside
        if partition.partition not in self._by_number:  # as they come, for a group may deal them out in any pattern
            self._by_number[partition.partition] = self._shared[len(self._by_number) % len(self._shared)]
        return self._by_number[partition.partition]

    def set_aside(self, records: Sequence[Record]) -> list[Lane]:
        """A lane for each partition of these, with them and what waits behind them; they must be out of their lane."""
        parts: dict[TopicPartition, list[Record]] = {}
        for record in records:
            parts.setdefault(place(record), []).append(record)
        lanes = []
        for partition, part in parts.items():
            lane = Lane(alone=partition)
            lane.add(partition, part + self.of(partition).take_out(partition))
            self._aside[partition] = lane
            lanes.append(lane)
        return lanes

    def join_again(self, partition: TopicPartition) -> Lane:
        """The partition goes by its shared lane again, with what waits of it; nothing of it may be in work."""
        waiting = self._aside.pop(partition).take_out(partition)
        lane = self.of(partition)
        lane.add(partition, waiting)
        return lane


def place(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
