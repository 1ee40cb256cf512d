"""Producer, group consumer, reader and admin on aiokafka: the only file that knows it.

Everything here has a time-out, raises only `BrokerAway` or `LogLost`, and may be used again after the broker was
killed or wiped. Reading and writing use logical topic names; the cluster's prefix is added and removed here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.codec import has_lz4
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from aiokafka.protocol.offset import OffsetRequest

from services.kernel.messaging.clients import (
    BATCH_BYTES,
    DRAIN_SECONDS,
    READING,
    REBALANCE_SECONDS,
    SEND_SECONDS,
    START_SECONDS,
    STOP_SECONDS,
    Bounds,
    Names,
    Places,
    bounds_at,
    by_leader,
    discard,
    made_in,
)
from services.kernel.messaging.cluster import REQUEST_SECONDS, Cluster
from services.kernel.messaging.records import Ack, BrokerAway, LogLost, Outgoing, Record, TopicPartition, TopicSpec
from services.kernel.messaging.sending import Result, Sending


class Producer:
    """Idempotent, acknowledged by all replicas. After any doubt the connection is thrown away for a new one."""

    def __init__(self, cluster: Cluster, *, send_seconds: float = SEND_SECONDS) -> None:
        self._cluster = cluster
        self._send_seconds = send_seconds
        self._producer: AIOKafkaProducer | None = None
        self._discarded: set[asyncio.Task[None]] = set()

    async def send(self, messages: Sequence[Outgoing]) -> list[Result]:
        """Sends all, pipelined, in the order given; one result each, within the time-out.

        After a failure later messages of the same key are not acknowledged either, even if they got through.
        Not for use by two tasks at once.
        """
        sending = Sending(messages)
        try:
            producer = await self._started()
        except BrokerAway as error:
            return sending.all_failed(str(error))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._send_seconds):
                await self._enqueue(producer, sending)
                await sending.wait()
        results = sending.results()
        if not all(isinstance(result, Ack) for result in results):
            self.replace()
        return results

    def replace(self) -> None:
        """Forgets the present connection; what it had not yet delivered must be sent again."""
        producer, self._producer = self._producer, None
        if producer is not None:
            task = asyncio.create_task(discard(producer))
            self._discarded.add(task)
            task.add_done_callback(self._discarded.discard)

    async def aclose(self) -> None:
        self.replace()
        if self._discarded:
            await asyncio.wait(set(self._discarded), timeout=STOP_SECONDS)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                **self._cluster.options(),
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                max_batch_size=BATCH_BYTES,
                compression_type="lz4" if has_lz4() else None,
            )
            try:
                with _broker_errors():
                    async with asyncio.timeout(START_SECONDS):
                        await self._producer.start()
            except BaseException:
                self.replace()
                raise
        return self._producer

    async def _enqueue(self, producer: AIOKafkaProducer, sending: Sending) -> None:
        for message in sending.remaining():
            try:
                future = await producer.send(
                    self._cluster.physical(message.topic),
                    value=message.value,
                    key=message.key.encode(),
                    headers=list(message.headers),
                )
            except MessageSizeTooLargeError as error:
                sending.refused(message, type(error).__name__)
            except KafkaError as error:  # no leader, no topic, a broken producer: the rest would wait for the same
                sending.broken(type(error).__name__)
            else:
                sending.queued(message, future)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Called by aiokafka's coordination task. Takes no lock that the polling loop could hold."""

    def __init__(self, owner: "GroupConsumer") -> None:
        self._owner = owner

    async def on_partitions_revoked(self, revoked: Iterable[KafkaPartition]) -> None:
        await self._owner.give_up()

    async def on_partitions_assigned(self, assigned: Iterable[KafkaPartition]) -> None:
        self._owner.take_over(assigned)


class GroupConsumer:
    """One member of a consumer group that commits only what it is told to.

    `drain` is awaited, with a deadline, before partitions are given up: it must finish and commit what is in work.
    `rewind` reads every partition from its beginning the first time it is assigned, whatever is committed.
    Where nothing is, the place reading begins at is committed: whoever sends there sees that somebody reads.
    """

    def __init__(
        self,
        cluster: Cluster,
        group: str,
        topics: Collection[str],
        *,
        drain: Callable[[], Awaitable[None]],
        rewind: bool = False,
        instance_id: str | None = None,
        session_seconds: float = 6.0,
    ) -> None:
        self._names = Names(cluster, KafkaPartition)
        self._drain = drain
        self._rewind = rewind
        self._seen: set[KafkaPartition] = set()
        self._to_rewind: set[KafkaPartition] = set()
        self._consumer = AIOKafkaConsumer(
            **cluster.options(),
            **READING,
            group_id=cluster.physical(group),
            group_instance_id=instance_id,
            session_timeout_ms=int(session_seconds * 1000),
            heartbeat_interval_ms=int(session_seconds * 1000 / 3),
            rebalance_timeout_ms=int(REBALANCE_SECONDS * 1000),
        )
        self._consumer.subscribe([cluster.physical(topic) for topic in topics], listener=_Listener(self))

    async def start(self) -> None:
        with _broker_errors():
            async with asyncio.timeout(START_SECONDS + REBALANCE_SECONDS):
                await self._consumer.start()
        self._join_again_if_misled()

    def _join_again_if_misled(self) -> None:
        """A static member in the place of its forerunner gets that one's partitions and is not told that it leads the
        group: topics its forerunner did not know (it met a wiped broker before they were made again) would never be
        read by anyone. Joining once more tells it; where another member leads, nothing changes."""
        coordinator = self._consumer._coordinator
        if coordinator._group_subscription is None and not self._has_all():
            self._seen.clear()
            coordinator.request_rejoin()

    def _has_all(self) -> bool:
        there = {topic: self._consumer.partitions_for_topic(topic) for topic in self._consumer.subscription()}
        wanted = {KafkaPartition(topic, number) for topic, numbers in there.items() for number in numbers or ()}
        return all(there.values()) and wanted <= self._consumer.assignment()

    async def poll(self, timeout: float) -> dict[TopicPartition, list[Record]]:
        """What has arrived, per partition in order; empty after `timeout`. Raises `LogLost` once per loss seen."""
        await self._rewind_new()
        try:
            # No task of its own (as `wait_for` makes): between taking records out and returning them nothing else
            # may run, or they could be returned after their partition was given up.
            with _broker_errors():
                async with asyncio.timeout(timeout + REBALANCE_SECONDS):
                    fetched = await self._consumer.getmany(timeout_ms=int(timeout * 1000))
        except NoOffsetForPartitionError as error:
            self._to_rewind.add(error.args[0])
            return {}
        except OffsetOutOfRangeError as error:
            self._to_rewind.update(error.args[0])
            raise LogLost("fetch out of range") from error
        return {self._names.ours(raw): [self._names.record(r) for r in rs] for raw, rs in fetched.items()}

    def pause(self, partition: TopicPartition) -> None:
        with suppress(IllegalStateError):
            self._consumer.pause(self._names.theirs(partition))

    def resume(self, partition: TopicPartition) -> None:
        with suppress(IllegalStateError):
            self._consumer.resume(self._names.theirs(partition))

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commits next offsets of partitions that are still ours; what others own is left to them."""
        assigned = self._consumer.assignment()
        mine = {self._names.theirs(p): o for p, o in offsets.items() if self._names.theirs(p) in assigned}
        if mine:
            with suppress(CommitFailedError, IllegalStateError), _broker_errors():
                async with asyncio.timeout(REQUEST_SECONDS):
                    await self._consumer.commit(mine)

    def owned(self) -> int:
        """How many partitions are ours."""
        return len(self._consumer.assignment())

    async def stop(self, *, leave: bool = False) -> None:
        """With `leave` the others have its partitions at once; by itself aiokafka lets a static member stay."""
        if leave:
            self._consumer._coordinator._group_instance_id = None
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._consumer.stop()

    async def give_up(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._drain()

    def take_over(self, assigned: Iterable[KafkaPartition]) -> None:
        if self._rewind:
            self._to_rewind |= set(assigned) - self._seen
            self._seen |= set(assigned)

    async def _rewind_new(self) -> None:
        partitions = self._to_rewind & self._consumer.assignment()
        self._to_rewind.clear()
        if not partitions:
            return
        with _broker_errors(), suppress(IllegalStateError):
            if await self._consumer.seek_to_beginning(*partitions):
                async with asyncio.timeout(REQUEST_SECONDS):
                    new = [raw for raw in partitions if await self._consumer.committed(raw) is None]
                    starts = {self._names.ours(raw): await self._consumer.position(raw) for raw in new}
                await self.commit(starts)


class Reader:
    """Reads all partitions of some topics from the beginning, outside any group."""

    def __init__(self, cluster: Cluster, topics: Collection[str]) -> None:
        self._names = Names(cluster, KafkaPartition)
        self.ends: dict[TopicPartition, int] = {}
        physical = (cluster.physical(topic) for topic in topics)
        self._consumer = AIOKafkaConsumer(*physical, **cluster.options(), **READING, group_id=None)

    async def start(self) -> None:
        """Fixes the ends that `caught_up` is measured against. All topics must exist."""
        with _broker_errors():
            async with asyncio.timeout(START_SECONDS):
                await self._consumer.start()
                partitions = self._consumer.assignment()
                await self._consumer.seek_to_beginning(*partitions)
                ends = await self._consumer.end_offsets(list(partitions))
        self.ends = {self._names.ours(raw): offset for raw, offset in ends.items()}

    async def poll(self, timeout: float) -> list[Record]:
        """What has arrived; raises `LogLost` when the log is shorter than what was read."""
        try:
            with _broker_errors():
                async with asyncio.timeout(timeout + REQUEST_SECONDS):
                    fetched = await self._consumer.getmany(timeout_ms=int(timeout * 1000))
        except NoOffsetForPartitionError as error:  # a partition that was added meanwhile
            with _broker_errors():
                await self._consumer.seek_to_beginning(error.args[0])
            return []
        except OffsetOutOfRangeError as error:
            raise LogLost("fetch out of range") from error
        await self._drop_reached()
        return [self._names.record(raw) for records in fetched.values() for raw in records]

    @property
    def caught_up(self) -> bool:
        """True once everything that was there at the start has been given out."""
        return not self.ends

    async def stop(self) -> None:
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._consumer.stop()

    async def _drop_reached(self) -> None:
        with _broker_errors():
            async with asyncio.timeout(REQUEST_SECONDS):
                for partition, end in list(self.ends.items()):
                    if await self._consumer.position(self._names.theirs(partition)) >= end:
                        del self.ends[partition]


class Admin:
    """Asks the cluster about itself and makes topics; connects again whenever needed."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._names = Names(cluster, KafkaPartition)
        self._client: AIOKafkaAdminClient | None = None
        self._lock = asyncio.Lock()

    async def cluster_id(self) -> str:
        return str((await self._ask(lambda client: client.describe_cluster()))["cluster_id"])

    async def topics(self) -> set[str]:
        """Logical names of the topics under our prefix."""
        names = await self._ask(lambda client: client.list_topics())
        return {self._cluster.logical(name) for name in names if name.startswith(self._cluster.prefix)}

    async def create_topics(self, specs: Iterable[TopicSpec]) -> list[str]:
        """Makes those that are not there; returns their names. Existing ones are not changed."""
        physical = self._cluster.physical
        new = [NewTopic(physical(s.name), s.partitions, s.replication, topic_configs=dict(s.configs)) for s in specs]
        if not new:
            return []
        response = await self._ask(lambda client: client.create_topics(new))
        return [self._cluster.logical(name) for name in made_in(response)]

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """The next offset the group will read, for every partition it has committed."""
        offsets = await self._ask(lambda client: client.list_consumer_group_offsets(self._cluster.physical(group)))
        return {self._names.ours(raw): found.offset for raw, found in offsets.items() if found.offset >= 0}

    async def bounds(self, topics: Collection[str]) -> dict[TopicPartition, tuple[int, int]]:
        """First offset and the one after the last of every partition of those topics that somebody speaks for: one
        question for the leaders, and two to each of them, at once."""
        if not topics:
            return {}
        return dict(await self._ask(lambda client: self._bounds(client, [*map(self._cluster.physical, topics)])))

    async def _bounds(self, client: AIOKafkaAdminClient, topics: list[str]) -> dict[TopicPartition, tuple[int, int]]:
        led = by_leader(await client.describe_topics(topics))
        answers = await asyncio.gather(*(_bounds_at(client, leader, wanted) for leader, wanted in led.items()))
        if None in answers:  # what is known of that node may be outdated
            await self.aclose()
        found = (pair for answer in answers if answer for pair in answer.items())
        return {self._names.ours(KafkaPartition(*place)): bounds for place, bounds in found}

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await client.close()

    async def _ask(self, question: Callable[[AIOKafkaAdminClient], Awaitable[Any]]) -> Any:
        async with self._lock:
            try:
                with _broker_errors():
                    async with asyncio.timeout(START_SECONDS):
                        if self._client is None:
                            self._client = AIOKafkaAdminClient(**self._cluster.options())
                            await self._client.start()
                        return await question(self._client)
            except BrokerAway:
                await self.aclose()
                raise


async def _bounds_at(client: AIOKafkaAdminClient, leader: int, wanted: Places) -> Bounds | None:
    """What one node answers about the partitions it leads; None while it is silent."""
    try:
        with _broker_errors():
            async with asyncio.timeout(REQUEST_SECONDS):
                return await bounds_at(lambda q: client._send_request_to_node(leader, OffsetRequest(-1, 0, q)), wanted)
    except BrokerAway:
        return None


@contextmanager
def _broker_errors() -> Iterator[None]:
    """One name for all ways a broker is away. aiokafka trips over its own state while a cluster has no controller."""
    try:
        yield
    except (CommitFailedError, IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError):
        raise
    except (KafkaError, OSError, AssertionError, AttributeError, KeyError) as error:
        raise BrokerAway(str(error) or type(error).__name__) from error
