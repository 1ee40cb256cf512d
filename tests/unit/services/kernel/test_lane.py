"""Chunks of a lane: in order, bounded, and gone when the partition is given up."""

import asyncio

from services.kernel.messaging.lane import CHUNK_BYTES, CHUNK_RECORDS, Lane
from services.kernel.messaging.records import Record, TopicPartition

HERE = TopicPartition("t", 0)


def records(count: int, size: int = 1, *, first: int = 0) -> list[Record]:
    return [Record("t", 0, first + n, "k", b"x" * size, ()) for n in range(count)]


async def test_chunks_are_bounded_by_number_and_bytes_and_keep_order() -> None:
    lane = Lane(HERE)
    lane.add(records(CHUNK_RECORDS + 1))
    lane.add(records(3, CHUNK_BYTES // 2, first=1000))
    chunks = [[record.offset for record in await lane.next_chunk()] for _ in range(3)]
    assert chunks == [[*range(CHUNK_RECORDS)], [CHUNK_RECORDS, 1000], [1001, 1002]]


async def test_a_record_larger_than_a_chunk_travels_alone() -> None:
    lane = Lane(HERE)
    lane.add(records(2, CHUNK_BYTES + 1))
    assert len(await lane.next_chunk()) == 1
    assert len(await lane.next_chunk()) == 1


async def test_fullness_follows_what_waits() -> None:
    lane = Lane(HERE)
    lane.add(records(4 * CHUNK_RECORDS))
    assert lane.full
    for _ in range(2):
        await lane.next_chunk()
    assert lane.half_empty
    assert not lane.full


async def test_closing_forgets_what_waits_and_wakes_who_waits() -> None:
    lane = Lane(HERE)
    waiting = asyncio.create_task(lane.next_chunk())
    await asyncio.sleep(0)
    lane.close()
    assert await waiting == []
    lane.add(records(1))
    assert await lane.next_chunk() == []
    assert await lane.rest(60)
