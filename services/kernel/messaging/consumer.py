"""Reads topics as a member of a group: per partition one lane, per chunk one transaction, then the offsets.

A chunk has three outcomes: done, retried later (polling goes on meanwhile), or cut in halves until the record that
cannot be applied is found and buried as a dead letter. Poison never stops a partition. Records come at least once;
that an effect happens once is the handler's part, by the numbers it records in the same transaction.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.problems import HubError
from services.kernel.database import Database, is_away, is_transient
from services.kernel.errors import RetryLater
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import GroupConsumer
from services.kernel.messaging.lane import Lane
from services.kernel.messaging.limits import DeadLetterLimit
from services.kernel.messaging.log_watch import LogWatch
from services.kernel.messaging.records import BrokerAway, LogLost, Record, TopicPartition
from services.kernel.messaging.retry import backoff
from services.kernel.pause import pause, unless
from services.kernel.supervisor import Part

POLL_SECONDS = 0.5
SILENT_SECONDS = 60.0
WAIT_SECONDS = 0.1
AWAY_LIMIT_SECONDS = 2.0
REPEATS = 2
REPEAT_SECONDS = 0.1

_log = structlog.get_logger(__name__)


class Handler(Protocol):
    """What is done with records. The same records may come again at any time, also after they were applied."""

    async def prepare(self, records: Sequence[Record]) -> None:
        """Network and files, before the transaction. May raise `RetryLater`."""

    async def apply(self, conn: AsyncConnection, records: Sequence[Record]) -> None:
        """All effects of the chunk, in order, in the one transaction. Does not commit."""

    async def bury(self, conn: AsyncConnection, record: Record, error: Exception) -> None:
        """Keeps the record that cannot be applied as a dead letter; must not depend on what made it fail."""

    def committed(self, records: Sequence[Record]) -> None:
        """After the commit: ring bells. Must not fail."""


class _GivenUp(Exception):
    """The lane's partition belongs to somebody else now; what was not committed is read again there."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Who we are in which group, reading what."""

    group: str
    topics: Collection[str]
    instance_id: str | None = None
    session_seconds: float = 6.0


class Consumer:
    """A worker. Starts a new membership whenever the broker was away or the log was lost."""

    def __init__(
        self,
        cluster: Cluster,
        membership: Membership,
        handler: Handler,
        *,
        database: Database,
        watch: LogWatch,
        limit: DeadLetterLimit | None = None,
    ) -> None:
        self._cluster = cluster
        self._membership = membership
        self._handler = handler
        self._database = database
        self._watch = watch
        self._limit = limit or DeadLetterLimit()
        self._generation = 0
        self._group: GroupConsumer | None = None
        self._lanes: dict[TopicPartition, tuple[Lane, asyncio.Task[None]]] = {}
        self._offsets: dict[TopicPartition, int] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._uncommitted = asyncio.Event()
        self._polled_at: float | None = None
        self._retrying = ""

    async def run(self, stop: asyncio.Event) -> None:
        """Worker: until `stop`, then finishes the chunks in work and commits their offsets."""
        failures = 0
        while not stop.is_set():
            if not self._watch.generation:
                await pause(stop, WAIT_SECONDS)
                continue
            polled = self._polled_at
            try:
                await self._session(stop)
            except BrokerAway as error:
                failures = 1 if self._polled_at != polled else failures + 1
                if failures == 1:
                    _log.warning("consumer.interrupted", group=self._membership.group, error=str(error))
                await pause(stop, backoff(failures, limit=AWAY_LIMIT_SECONDS))

    def part(self) -> Part:
        """Bad after a minute without a fetch or an empty poll, while a chunk is retried, or when it stopped."""
        now = time.monotonic()
        silent = None if self._polled_at is None else now - self._polled_at
        owned = 0 if self._group is None else self._group.owned()
        detail = "never polled" if silent is None else f"polled {silent:.0f} s ago, {owned} partitions"
        tripped = self._limit.tripped(now)
        if tripped:
            detail = "stopped: too many unexpected errors"
        elif self._retrying:
            detail += f", retrying after {self._retrying}"
        ok = silent is not None and silent < SILENT_SECONDS and not tripped and not self._retrying
        return Part(f"consumer {self._membership.group}", ok, detail, critical=False)

    async def _session(self, stop: asyncio.Event) -> None:
        """One membership, until `stop`, a loss of the log or an error."""
        generation = self._watch.generation
        member = self._membership
        self._group = group = GroupConsumer(
            self._cluster,
            member.group,
            member.topics,
            drain=self._drain,
            rewind=self._generation not in (0, generation),
            instance_id=member.instance_id,
            session_seconds=member.session_seconds,
        )
        committer = asyncio.create_task(self._commit_offsets(group))
        try:
            if not await unless(stop, group.start()):
                return
            self._generation = generation
            while not stop.is_set() and self._watch.generation == generation and not committer.done():
                await self._poll(group, generation)
        finally:
            await self._drain()
            committer.cancel()
            await asyncio.wait({committer, *self._closing})
            await group.stop(leave=stop.is_set())
        if not committer.cancelled():
            committer.result()

    async def _poll(self, group: GroupConsumer, generation: int) -> None:
        try:
            waiting = any(lane.paused for lane, _ in self._lanes.values())
            fetched = await group.poll(POLL_SECONDS / 10 if waiting else POLL_SECONDS)
        except LogLost as error:
            await self._watch.lost(generation, str(error))
            return
        self._polled_at = time.monotonic()
        for partition, records in fetched.items():
            lane, _ = self._lanes.get(partition) or self._open_lane(partition)
            lane.add(records)
        for partition, (lane, task) in self._lanes.items():
            if task.done():
                task.result()  # a lane ends by itself only with an error nobody can deal with here
            if lane.full and not lane.paused:
                group.pause(partition)
                lane.paused = True
            elif lane.paused and lane.half_empty:
                group.resume(partition)
                lane.paused = False

    def _open_lane(self, partition: TopicPartition) -> tuple[Lane, asyncio.Task[None]]:
        lane = Lane(partition)
        task = asyncio.create_task(self._run_lane(lane, self._offsets))
        self._lanes[partition] = (lane, task)
        return self._lanes[partition]

    async def _run_lane(self, lane: Lane, offsets: dict[TopicPartition, int]) -> None:
        try:
            while chunk := await lane.next_chunk():
                await self._finish(lane, chunk)
                offsets[lane.partition] = chunk[-1].offset + 1
                self._uncommitted.set()
                self._limit.count_done(len(chunk), time.monotonic())
        except _GivenUp:
            pass

    async def _finish(self, lane: Lane, records: list[Record]) -> None:
        """Applies or buries every record, in order."""
        error = await self._until_done(lane, lambda: self._apply(records))
        if error is None:
            return
        if len(records) > 1:
            middle = len(records) // 2
            await self._finish(lane, records[:middle])
            await self._finish(lane, records[middle:])
            return
        record = records[0]
        for _ in range(REPEATS):  # a race may look like poison
            if isinstance(error, HubError) or error is None:
                break
            if await lane.rest(REPEAT_SECONDS):
                raise _GivenUp
            error = await self._until_done(lane, lambda: self._apply(records))
        if error is not None:
            await self._give_up(lane, record, error)

    async def _give_up(self, lane: Lane, record: Record, error: Exception) -> None:
        if not isinstance(error, HubError):
            self._limit.count_buried(time.monotonic())
        _log.error(
            "record.buried",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            error=type(error).__name__,
            exc_info=None if isinstance(error, HubError) else error,
        )
        failure = await self._until_done(lane, lambda: self._bury(record, error))
        if failure is not None:
            raise failure

    async def _until_done(self, lane: Lane, action: Callable[[], Awaitable[None]]) -> Exception | None:
        """None when it is done, else the error that no repetition helps against."""
        attempts = 0
        while True:
            try:
                await action()
            except Exception as error:
                seconds = _seconds_to_wait(error, attempts)
                if seconds is None:
                    return error
                attempts += 1
                self._retrying = type(error).__name__
                if attempts == 1:
                    _log.warning("chunk.postponed", topic=lane.partition.topic, error=type(error).__name__)
                if await lane.rest(seconds):
                    raise _GivenUp from error
            else:
                if attempts:
                    self._retrying = ""
                return None

    async def _apply(self, records: Sequence[Record]) -> None:
        await self._handler.prepare(records)
        async with self._database.transaction() as conn:
            await self._handler.apply(conn, records)
        self._handler.committed(records)

    async def _bury(self, record: Record, error: Exception) -> None:
        async with self._database.transaction() as conn:
            await self._handler.bury(conn, record, error)
        self._handler.committed([record])

    async def _drain(self) -> None:
        """Lets every lane finish its chunk, commits, and forgets the lanes.

        A lane that is later than the caller's deadline notes its offset where nobody commits it.
        """
        lanes, self._lanes = self._lanes, {}
        offsets, self._offsets = self._offsets, {}
        for lane, task in lanes.values():
            lane.close()
            self._closing.add(task)
            task.add_done_callback(self._lane_closed)
        if self._closing:
            await asyncio.wait(set(self._closing))
        self._retrying = ""
        if self._group is not None and offsets:
            try:
                await self._group.commit(offsets)
            except BrokerAway:
                _log.info("offsets.not_committed", group=self._membership.group)

    def _lane_closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("lane.failed", group=self._membership.group, error=type(task.exception()).__name__)

    async def _commit_offsets(self, group: GroupConsumer) -> None:
        """Commits what gathered while the commit before was under way; a late or lost commit is harmless."""
        while True:
            await self._uncommitted.wait()
            self._uncommitted.clear()
            offsets = dict(self._offsets)
            try:
                await group.commit(offsets)
            except BrokerAway:
                await asyncio.sleep(POLL_SECONDS)
                self._uncommitted.set()
                continue
            for partition, offset in offsets.items():
                if self._offsets.get(partition) == offset:
                    del self._offsets[partition]


def _seconds_to_wait(error: Exception, attempts: int) -> float | None:
    if isinstance(error, RetryLater):
        return error.seconds
    if isinstance(error, HubError):
        return backoff(attempts) if error.problem.retryable else None
    if is_transient(error):
        return backoff(attempts, first=0.02, limit=1.0)
    if is_away(error):
        return backoff(attempts)
    return None
