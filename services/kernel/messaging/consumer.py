"""Reads topics as a member of a group: a few lanes share the partitions, per chunk one transaction, then the offsets.

A chunk has three outcomes: done, retried later (polling goes on meanwhile), or cut in halves until the record that
cannot be applied is found and buried as a dead letter. Poison never stops a partition, and what must wait for a reason
of its own is set aside with its partition, in a lane of its own, and holds up no other. Records come at least once;
that an effect happens once is the handler's part, by the numbers it records in the same transaction.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from contracts.problems import HubError
from services.kernel.connection import Connection
from services.kernel.database import Database, is_away, is_transient
from services.kernel.errors import RetryLater
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import GroupConsumer
from services.kernel.messaging.lane import Lane, Lanes, place
from services.kernel.messaging.limits import DeadLetterLimit
from services.kernel.messaging.log_watch import LogWatch
from services.kernel.messaging.records import BrokerAway, LogLost, Record, TopicPartition
from services.kernel.messaging.retry import backoff
from services.kernel.pause import end, pause, unless
from services.kernel.supervisor import Part

POLL_SECONDS = 0.5
SILENT_SECONDS = 60.0
WAIT_SECONDS = 0.1
AWAY_LIMIT_SECONDS = 2.0
COMMIT_SECONDS = 0.5
REPEATS = 2
REPEAT_SECONDS = 0.1
LANES = 2
"""One computes while the other waits for the database."""
PATIENCE_SECONDS = 2.0
"""So long partitions wait for each other: what is still not prepared then, or still in somebody's way, goes aside."""

_log = structlog.get_logger(__name__)


class Handler(Protocol):
    """What is done with records: of several partitions, each in order and in one chunk at a time; chunks of other
    partitions are in work beside it. The same records may come again at any time, also after they were applied."""

    async def prepare(self, records: Sequence[Record]) -> None:
        """Network and files, before the transaction. May raise `RetryLater`, and may be cancelled and called again."""

    async def apply(self, conn: Connection, records: Sequence[Record]) -> None:
        """All effects of the chunk, in order, in the one transaction. Does not commit."""

    async def bury(self, conn: Connection, record: Record, error: Exception) -> None:
        """Keeps the record that cannot be applied as a dead letter; must not depend on what made it fail."""

    def committed(self, records: Sequence[Record]) -> None:
        """After the commit: ring bells. Must not fail."""


class _GivenUp(Exception):
    """The lane's partitions belong to somebody else now; what was not committed is read again there."""


class _Held(Exception):
    """Something among these must wait, and not all that comes behind them with it."""


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
        lanes: int = LANES,
    ) -> None:
        self._cluster = cluster
        self._membership = membership
        self._handler = handler
        self._database = database
        self._watch = watch
        self._limit = limit or DeadLetterLimit()
        self._generation = 0
        self._group: GroupConsumer | None = None
        self._number_of_lanes = lanes
        self._lanes = Lanes(lanes)
        self._tasks: dict[Lane, asyncio.Task[None]] = {}
        self._paused: set[TopicPartition] = set()
        self._offsets: dict[TopicPartition, int] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._abandoned: set[asyncio.Future[None]] = set()
        self._uncommitted = asyncio.Event()
        self._polled_at: float | None = None

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
        retrying = next((lane.retrying for lane in self._tasks if lane.retrying), "")
        if tripped:
            detail = "stopped: too many unexpected errors"
        elif retrying:
            detail += f", retrying after {retrying}"
        ok = silent is not None and silent < SILENT_SECONDS and not tripped and not retrying
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
            await end(committer)
            if self._closing:
                await asyncio.wait(set(self._closing))
            await group.stop(leave=stop.is_set())
        if not committer.cancelled():
            committer.result()

    async def _poll(self, group: GroupConsumer, generation: int) -> None:
        try:
            fetched = await group.poll(POLL_SECONDS)
        except LogLost as error:
            await self._watch.lost(generation, str(error))
            return
        self._polled_at = time.monotonic()
        for partition, records in fetched.items():
            lane = self._lanes.of(partition)
            lane.add(partition, records)
            if lane not in self._tasks:
                self._open(lane)
        for lane, task in self._tasks.items():
            if task.done():
                task.result()  # a lane ends by itself only with an error nobody can deal with here
            for partition in lane.crowding():
                group.pause(partition)
                self._paused.add(partition)

    def _open(self, lane: Lane) -> None:
        self._tasks[lane] = asyncio.create_task(self._run_lane(lane, self._offsets))

    async def _run_lane(self, lane: Lane, offsets: dict[TopicPartition, int]) -> None:
        try:
            while chunk := await lane.next_chunk():
                self._resume(lane)
                await self._finish(lane, chunk, offsets)
                if lane.alone and not lane.closing.is_set():
                    del self._tasks[lane]
                    self._resume(self._lanes.join_again(lane.alone))
                    return
        except _GivenUp:
            pass

    def _resume(self, lane: Lane) -> None:
        for partition in list(self._paused):
            if self._group and self._lanes.of(partition) is lane and lane.has_room(partition):
                self._group.resume(partition)
                self._paused.discard(partition)

    async def _finish(self, lane: Lane, chunk: list[Record], offsets: dict[TopicPartition, int]) -> None:
        """Applies or buries every record, in order of each partition, or sets aside what must wait."""
        pieces = [chunk]
        while pieces:
            piece = pieces.pop()
            middle = len(piece) // 2
            try:
                error = await self._until_done(lane, partial(self._apply, lane, piece))
                if error is not None and middle:
                    pieces += [piece[middle:], piece[:middle]]
                    continue
                if error is not None:
                    await self._repeat_or_bury(lane, piece[0], error)
            except _Held as held:
                self._set_aside(lane, [record for each in (piece, *reversed(pieces)) for record in each], held)
                return
            offsets.update((place(record), record.offset + 1) for record in piece)
            self._uncommitted.set()
            self._limit.count_done(len(piece), time.monotonic())

    def _set_aside(self, lane: Lane, records: list[Record], held: _Held) -> None:
        if lane.closing.is_set():
            raise _GivenUp from held
        lanes = self._lanes.set_aside(records)
        _log.info("partitions.set_aside", topic=records[0].topic, partitions=len(lanes), error=str(held))
        for aside in lanes:
            self._open(aside)

    async def _repeat_or_bury(self, lane: Lane, record: Record, error: Exception | None) -> None:
        for _ in range(REPEATS):  # a race may look like poison
            if isinstance(error, HubError) or error is None:
                break
            if await lane.rest(REPEAT_SECONDS):
                raise _GivenUp
            error = await self._until_done(lane, partial(self._apply, lane, [record]))
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
        """None when it is done, else the error that no repetition helps against. Only what all must wait for, or one
        that is alone anyway, is waited for here."""
        attempts, began = 0, time.monotonic()
        while True:
            try:
                await action()
            except _Held:
                raise
            except Exception as error:
                seconds = _seconds_to_wait(error, attempts)
                if seconds is None:
                    lane.retrying = ""
                    return error
                if not lane.alone and _waits_aside(error, time.monotonic() - began):
                    raise _Held(type(error).__name__) from error
                attempts += 1
                lane.retrying = type(error).__name__
                if attempts == 1:
                    topic = lane.alone.topic if lane.alone else None
                    _log.warning("chunk.postponed", group=self._membership.group, topic=topic, error=lane.retrying)
                if await lane.rest(seconds):
                    raise _GivenUp from error
            else:
                lane.retrying = ""
                return None

    async def _apply(self, lane: Lane, records: Sequence[Record]) -> None:
        await self._prepare(lane, records)
        async with self._database.transaction() as conn:
            await self._handler.apply(conn, records)
        self._handler.committed(records)

    async def _prepare(self, lane: Lane, records: Sequence[Record]) -> None:
        if lane.alone:
            await self._handler.prepare(records)
            return
        preparing = asyncio.ensure_future(self._handler.prepare(records))
        done: set[asyncio.Future[None]] = set()
        try:
            done, _ = await asyncio.wait({preparing}, timeout=PATIENCE_SECONDS)
        finally:
            if not done:  # nor waited for while it clears up: a store that hangs may hang at that, too
                self._abandoned.add(preparing)
                preparing.add_done_callback(self._forget)
                preparing.cancel()
        if not done:
            raise _Held("not prepared yet")
        preparing.result()

    def _forget(self, preparing: asyncio.Future[None]) -> None:
        self._abandoned.discard(preparing)
        if not preparing.cancelled():
            preparing.exception()  # looked at, so that nobody is told of it: the records are prepared anew

    async def _bury(self, record: Record, error: Exception) -> None:
        async with self._database.transaction() as conn:
            await self._handler.bury(conn, record, error)
        self._handler.committed([record])

    async def _drain(self) -> None:
        """Lets every lane finish its chunk, commits, and forgets the lanes.

        A lane that is later than the caller's deadline notes its offset where nobody commits it.
        """
        lanes, self._tasks = self._tasks, {}
        offsets, self._offsets = self._offsets, {}
        self._lanes = Lanes(self._number_of_lanes)
        self._paused = set()
        for lane, task in lanes.items():
            lane.close()
            self._closing.add(task)
            task.add_done_callback(self._lane_closed)
        if self._closing:
            await asyncio.wait(set(self._closing))
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
        """At once, and then what gathered for a moment in one commit; a late or lost commit is harmless."""
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
            await asyncio.sleep(COMMIT_SECONDS)


def _waits_aside(error: Exception, waited: float) -> bool:
    """Not when the database is away: that is no partition's own matter."""
    return isinstance(error, RetryLater) or (is_transient(error) and waited > PATIENCE_SECONDS)


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
