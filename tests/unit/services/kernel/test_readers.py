"""How far readers are, asked beside the sending: silence keeps back what it is about, and nothing else."""

import asyncio
from collections.abc import Collection
from typing import cast

from services.kernel.messaging.kafka import Admin
from services.kernel.messaging.readers import Readers
from services.kernel.messaging.records import Ack, BrokerAway, Outgoing, TopicPartition, Unread

READERS = {"a": "first", "b": "second"}
A0, A1, B0 = TopicPartition("a", 0), TopicPartition("a", 1), TopicPartition("b", 0)
NOW, LATER = 7, 10**9


class Cluster:
    """An admin's answers; what is None is silent."""

    def __init__(self) -> None:
        self.offsets: dict[str, dict[TopicPartition, int] | None] = {"first": {A0: 3, A1: 4}, "second": {B0: 1}}
        self.ends: dict[TopicPartition, tuple[int, int]] | None = {A0: (0, 5), A1: (0, 4), B0: (0, 2)}
        self.frozen: asyncio.Event | None = None

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        if self.frozen is not None:
            await self.frozen.wait()
        found = self.offsets[group]
        if found is None:
            raise BrokerAway(group)
        return found

    async def bounds(self, topics: Collection[str]) -> dict[TopicPartition, tuple[int, int]]:
        if self.ends is None:
            raise BrokerAway("bounds")
        return {place: ends for place, ends in self.ends.items() if place.topic in topics}


def readers_of(cluster: Cluster) -> Readers:
    return Readers(cast(Admin, cluster), READERS)


async def asked(readers: Readers) -> Unread | None:
    readers.ask()
    await asyncio.wait(readers.asked, timeout=5)
    return readers.answer()


async def test_each_answer_is_given_once() -> None:
    readers = readers_of(Cluster())
    assert readers.answer() is None
    assert await asked(readers) == {A0: range(3, 5), A1: range(4, 4), B0: range(1, 2)}
    assert readers.answer() is None


async def test_where_nobody_is_waited_for_there_is_an_answer_too() -> None:
    assert await asked(Readers(cast(Admin, Cluster()), {})) == {}


async def test_a_partition_nobody_leads_is_waited_for_alone() -> None:
    cluster = Cluster()
    cluster.ends = {A0: (0, 5), B0: (0, 2)}
    unread = await asked(readers_of(cluster))
    assert unread is not None
    assert {place: (NOW in offsets, LATER in offsets) for place, offsets in unread.items()} == {
        A0: (False, False),
        A1: (True, True),
        B0: (False, False),
    }


async def test_a_group_that_cannot_be_asked_is_waited_for_alone() -> None:
    cluster = Cluster()
    cluster.offsets["second"] = None
    unread = await asked(readers_of(cluster))
    assert unread is not None
    assert (unread[A0], 0 in unread[B0], LATER in unread[B0]) == (range(3, 5), True, True)


async def test_a_partition_without_a_commit_is_not_waited_for() -> None:
    cluster = Cluster()
    cluster.offsets["first"] = {A0: 3}
    assert A1 not in (await asked(readers_of(cluster)) or {})


async def test_no_answer_is_none() -> None:
    cluster = Cluster()
    readers = readers_of(cluster)
    cluster.ends = None
    assert await asked(readers) is None
    cluster = Cluster()
    cluster.offsets = {"first": None, "second": None}
    assert await asked(readers_of(cluster)) is None


async def test_what_was_sent_since_the_question_is_unread_whatever_its_answer_shows() -> None:
    cluster = Cluster()
    cluster.frozen = asyncio.Event()
    readers = readers_of(cluster)
    message = Outgoing("a", "key", b"", ())
    readers.sent([Ack(message, 1, 100)])
    readers.ask()
    readers.sent([Ack(message, 0, 9), Ack(message, 0, 8)])
    assert readers.answer() is None, "nobody waits for it"
    cluster.frozen.set()
    await asyncio.wait(readers.asked, timeout=5)
    assert readers.answer() == {A0: range(3, 10), A1: range(4, 4), B0: range(1, 2)}


async def test_what_was_asked_in_another_time_is_forgotten() -> None:
    cluster = Cluster()
    cluster.frozen = asyncio.Event()
    readers = readers_of(cluster)
    readers.ask()
    await readers.forget()
    assert (readers.asked, readers.answer()) == (set(), None)
    cluster.frozen.set()
    assert await asked(readers) is not None
