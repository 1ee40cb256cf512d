"""Chunks of a lane: of all its partitions in turn, each in order, bounded, and gone when they are given up."""

import asyncio

from services.kernel.messaging.lane import CHUNK_BYTES, CHUNK_RECORDS, QUEUE_RECORDS, Lane, Lanes, place
from services.kernel.messaging.records import Record, TopicPartition

HERE = TopicPartition("t", 0)
THERE = TopicPartition("t", 1)


def records(count: int, size: int = 1, *, first: int = 0, of: TopicPartition = HERE) -> list[Record]:
    return [Record(of.topic, of.partition, first + n, "k", b"x" * size, ()) for n in range(count)]


def offsets(chunk: list[Record], of: TopicPartition = HERE) -> list[int]:
    return [record.offset for record in chunk if place(record) == of]


async def test_chunks_are_bounded_by_number_and_bytes_and_keep_order() -> None:
    lane = Lane()
    lane.add(HERE, records(CHUNK_RECORDS + 1))
    lane.add(HERE, records(3, CHUNK_BYTES // 2, first=1000))
    chunks = [offsets(await lane.next_chunk()) for _ in range(3)]
    assert chunks == [[*range(CHUNK_RECORDS)], [CHUNK_RECORDS, 1000], [1001, 1002]]


async def test_a_record_larger_than_a_chunk_travels_alone() -> None:
    lane = Lane()
    lane.add(HERE, records(2, CHUNK_BYTES + 1))
    assert len(await lane.next_chunk()) == 1
    assert len(await lane.next_chunk()) == 1


async def test_a_chunk_spans_partitions_and_a_backlog_of_one_holds_up_no_other() -> None:
    lane = Lane()
    lane.add(HERE, records(3 * CHUNK_RECORDS))
    lane.add(THERE, records(20, of=THERE))
    first = await lane.next_chunk()
    assert offsets(first, THERE) == [*range(20)]
    lane.add(THERE, records(20, of=THERE, first=20))
    lane.add(HERE, records(1, first=3 * CHUNK_RECORDS))
    second, *others = [await lane.next_chunk() for _ in range(3)]
    assert offsets(second, THERE) == [*range(20, 40)]
    assert len(first) == len(second) == CHUNK_RECORDS
    assert [n for chunk in (first, second, *others) for n in offsets(chunk)] == [*range(3 * CHUNK_RECORDS + 1)]


async def test_a_full_lane_is_crowded_by_those_alone_that_have_much_of_it() -> None:
    lane = Lane()
    lane.add(THERE, records(5, of=THERE))
    lane.add(HERE, records(QUEUE_RECORDS - 6))
    assert lane.crowding() == []
    lane.add(HERE, records(1, first=QUEUE_RECORDS))
    assert lane.crowding() == [HERE]
    assert not lane.has_room(HERE)
    await lane.next_chunk()
    assert not lane.has_room(HERE)
    await lane.next_chunk()
    assert lane.has_room(HERE)
    assert lane.crowding() == []


async def test_a_full_lane_counts_bytes_too_and_what_was_taken_out_does_not_fill_it() -> None:
    lane = Lane()
    lane.add(HERE, records(1, of=HERE))
    lane.add(THERE, records(2, CHUNK_BYTES, of=THERE))
    assert lane.crowding() == [THERE]
    assert len(lane.take_out(THERE)) == 2
    assert lane.crowding() == []
    assert lane.has_room(THERE)
    assert [place(record) for record in await lane.next_chunk()] == [HERE]


async def test_closing_forgets_what_waits_and_wakes_who_waits() -> None:
    lane = Lane()
    waiting = asyncio.create_task(lane.next_chunk())
    await asyncio.sleep(0)
    lane.close()
    assert await waiting == []
    lane.add(HERE, records(1))
    assert await lane.next_chunk() == []
    assert await lane.rest(60)


async def test_partitions_keep_their_lane_and_are_dealt_out_evenly_in_whatever_pattern_they_come() -> None:
    lanes = Lanes(2)
    even = [TopicPartition(topic, number) for number in range(0, 12, 2) for topic in ("t", "u")]
    found = [lanes.of(partition) for partition in even]
    assert [lanes.of(partition) for partition in even] == found
    assert {lane: found.count(lane) for lane in found} == dict.fromkeys(found, 6)
    assert len(set(found)) == 2
    assert all(lanes.of(TopicPartition("t", number)) is lanes.of(TopicPartition("u", number)) for number in (0, 2, 4))


async def test_a_partition_set_aside_takes_all_that_waits_along_and_comes_back_in_order() -> None:
    lanes = Lanes(1)
    shared = lanes.of(HERE)
    shared.add(HERE, records(2))
    shared.add(THERE, records(1, of=THERE))
    chunk = await shared.next_chunk()
    shared.add(HERE, records(2, first=2))
    shared.add(THERE, records(1, first=1, of=THERE))
    here, there = lanes.set_aside(chunk)
    assert (here.alone, there.alone) == (HERE, THERE)
    assert lanes.of(HERE) is here
    lanes.of(HERE).add(HERE, records(1, first=4))
    assert offsets(await here.next_chunk()) == [0, 1, 2, 3, 4]
    here.add(HERE, records(2, first=5))
    assert lanes.join_again(HERE) is shared
    assert lanes.of(HERE) is shared
    shared.add(HERE, records(1, first=7))
    assert offsets(await shared.next_chunk()) == [5, 6, 7]
    assert offsets(await there.next_chunk(), THERE) == [0, 1]
