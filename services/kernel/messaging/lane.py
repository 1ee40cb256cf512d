"""The work of one partition: a queue of what was fetched, given out in chunks, one at a time."""

import asyncio
from collections import deque

from services.kernel.messaging.records import Record, TopicPartition
from services.kernel.pause import pause

CHUNK_RECORDS = 500
CHUNK_BYTES = 4 * 1024 * 1024
QUEUE_BYTES = 2 * CHUNK_BYTES
QUEUE_RECORDS = 4 * CHUNK_RECORDS


class Lane:
    """`closing` is set when the partition is given up: what is in work is finished, the rest is forgotten."""

    def __init__(self, partition: TopicPartition) -> None:
        self.partition = partition
        self.closing = asyncio.Event()
        self.paused = False
        self._queue: deque[Record] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def add(self, records: list[Record]) -> None:
        self._queue.extend(records)
        self._bytes += sum(record.size for record in records)
        self._filled.set()

    @property
    def full(self) -> bool:
        return len(self._queue) >= QUEUE_RECORDS or self._bytes >= QUEUE_BYTES

    @property
    def half_empty(self) -> bool:
        return len(self._queue) <= QUEUE_RECORDS // 2 and self._bytes <= QUEUE_BYTES // 2

    async def next_chunk(self) -> list[Record]:
        """Whatever gathered, up to the limits; empty when the lane is closing."""
        while not self._queue and not self.closing.is_set():
            self._filled.clear()
            await self._filled.wait()
        if self.closing.is_set():
            return []
        chunk: list[Record] = []
        size = 0
        while self._queue and len(chunk) < CHUNK_RECORDS:
            if chunk and size + self._queue[0].size > CHUNK_BYTES:
                break
            record = self._queue.popleft()
            size += record.size
            chunk.append(record)
        self._bytes -= size
        return chunk

    def close(self) -> None:
        self.closing.set()
        self._filled.set()

    async def rest(self, seconds: float) -> bool:
        """Waits before a repeat; True when the lane is closing."""
        return await pause(self.closing, seconds)
