"""Carries rows to the broker in order: take, send, and only then take their marks off.

One relay is active per database (a lease with a fencing number). Nothing it does can lose a row: a crash or doubt at
any point means that rows are sent again, and their readers know them.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from typing import Protocol

import structlog

from contracts.problems import HubError
from services.kernel.bell import Bell, Ticket
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection, DatabaseError
from services.kernel.database import Database, is_away, is_transient
from services.kernel.leases import Lease, LeaseLost, Leases
from services.kernel.messaging.kafka import Admin, Producer
from services.kernel.messaging.log_watch import LogWatch
from services.kernel.messaging.outbox import BELL
from services.kernel.messaging.readers import Readers
from services.kernel.messaging.records import Ack, BrokerAway, LogLost, Outgoing, SendFailure, Unread
from services.kernel.messaging.retry import backoff
from services.kernel.pause import end, pause
from services.kernel.supervisor import Part

CHUNK = 500
FEW = 5
"""What fills a chunk makes more records than this, whatever bounds it: a source that gives fewer has no more."""
POLL_SECONDS = 1.0
TIMERS_SECONDS = 1.0
TIMERS_REST = 4.0  # times as long as a sweep took: a large backlog must not keep the relay from sending
HOLD_LIMIT_SECONDS = 60.0
AWAY_LIMIT_SECONDS = 2.0

_log = structlog.get_logger(__name__)


class Source(Protocol):
    """Rows to be sent: they are the outbox of whoever wrote them."""

    @property
    def name(self) -> str: ...

    def take(self, reads: Reads, limit: int, held: Collection[str]) -> Callable[[], list[Outgoing]]:
        """Adds to the reads of all sources: the first rows to send, in the order of their ids, without the keys in
        `held`. What is returned makes records of them, once they are read. They are found by the least id, for which
        there is an index: a backlog leaves much behind that is not to be read every time."""

    def acknowledge(self, writes: Writes, acks: Sequence[Ack]) -> None:
        """Adds to the writes of all sources, each of which is made only if `SOUND`: the broker holds these. A row that
        was asked for again since it was taken stays to be sent."""

    async def fall_due(self, conn: Connection, unread: Unread) -> int:
        """About once a second: marks rows whose time has come, but for those whose record is still unread."""

    async def log_lost(self, conn: Connection) -> None:
        """The log is gone: what is not settled is to be sent again, and positions are forgotten."""


Taken = tuple[list[tuple[Source, Sequence[Outgoing]]], Exception | None]
"""What each source has to send, in their order, and why the first that cannot be read cannot."""


class Relay:
    """`readers` names the group that reads each topic, so that timers can wait for it."""

    def __init__(
        self,
        database: Database,
        sources: Sequence[Source],
        *,
        producer: Producer,
        admin: Admin,
        watch: LogWatch,
        leases: Leases,
        bell: Bell,
        readers: Mapping[str, str],
        lease: str = "relay",
    ) -> None:
        self._database = database
        self._sources = sources
        self._producer = producer
        self._watch = watch
        self._leases = leases
        self._bell = bell
        self._readers = Readers(admin, readers)
        self._lease_name = lease
        self._generation = 0
        self._fence = 0
        self._timers_at = 0.0
        self._held: dict[tuple[str, str], tuple[int, float]] = {}  # source and key → failures, not before
        self._failures = 0
        self._detail = "starting"

    async def run(self, stop: asyncio.Event) -> None:
        """Worker: leads while it holds the lease, stands by otherwise."""
        waking = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                try:
                    if not await self._leases.lead(self._lease_name, stop, lambda lease: self._turn(lease, stop)):
                        self._detail = "standing by"
                        await pause(stop, POLL_SECONDS)
                except LeaseLost:
                    _log.warning("relay.lease_lost")
                except HubError as error:
                    await self._away(stop, "database", error.code)
                finally:
                    self._bell.let_out(BELL)
        finally:
            await end(waking)
            await self._readers.forget()
        self._producer.replace()

    def part(self) -> Part:
        detail = self._detail
        if self._held:
            detail += f"; {len(self._held)} keys held back by errors"
        return Part("relay", not self._failures and not self._held, detail, critical=False)

    async def _turn(self, lease: Lease, stop: asyncio.Event) -> None:
        if self._fence != lease.fence:
            self._bell.keep_in(BELL)  # nobody else waits for it
            self._producer.replace()
            await self._readers.forget()
            self._fence = lease.fence
        try:
            await self._round(lease)
        except (BrokerAway, LogLost, HubError) as error:
            await self._away(stop, type(error).__name__, str(error))
        except DatabaseError as error:
            if not is_transient(error):
                raise
            await self._away(stop, "database", type(error).__name__)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._bell.ring(BELL)

    async def _round(self, lease: Lease) -> None:
        """Sends what there is; waits for the bell when there is nothing."""
        ticket = self._bell.ticket(BELL)
        if not self._watch.generation:
            raise BrokerAway("the cluster has not answered yet")
        if self._generation != self._watch.generation:
            self._producer.replace()
            await self._readers.forget()
            self._generation = self._watch.generation
        more = await self._carry(lease)
        due = await self._timers()
        self._failures = 0
        self._detail = "leading"
        if not more and not due:
            await self._rest(ticket)

    async def _carry(self, lease: Lease) -> bool:
        """A chunk of each source, sent together and recorded together; returns whether there may be more already: what
        came since the read rings. A source that cannot be read does not keep the others from being sent; its error
        comes afterwards."""
        chunks, broken = await self._take()
        moved = await self._send(chunks, lease) if chunks else 0
        if broken is not None:
            raise broken
        return bool(moved) and any(len(messages) >= FEW for _, messages in chunks)

    async def _send(self, chunks: Sequence[tuple[Source, Sequence[Outgoing]]], lease: Lease) -> int:
        results = iter(await self._producer.send([message for _, messages in chunks for message in messages]))
        outcome = [(source, list(islice(results, len(messages)))) for source, messages in chunks]
        acks = [(source, [each for each in found if isinstance(each, Ack)]) for source, found in outcome]
        moved = [ack for _, found in acks for ack in found]
        if moved:
            self._readers.sent(moved)
            await self._record([(source, found) for source, found in acks if found], lease)
        failures = [(source, [each for each in found if isinstance(each, SendFailure)]) for source, found in outcome]
        for source, failed in failures:
            self._hold(source, failed)
        away = next((failure for _, failed in failures for failure in failed if failure.away), None)
        if away is not None:
            raise BrokerAway(away.reason)
        return len(moved)

    async def _take(self) -> Taken:
        """Of all sources in one statement or, when the database refuses that, of each by itself."""
        try:
            return await self._take_of(self._sources)
        except DatabaseError as error:
            if is_away(error) or len(self._sources) == 1:
                raise
        chunks, broken = [], None
        for source in self._sources:
            try:
                taken, wrong = await self._take_of([source])
            except DatabaseError as error:
                taken, wrong = [], error
            chunks += taken
            broken = broken or wrong
        return chunks, broken

    async def _take_of(self, sources: Sequence[Source]) -> Taken:
        reads = Reads()
        offers = [(source, source.take(reads, CHUNK, self._keys_held(source))) for source in sources]
        async with self._database.glance() as conn:
            await reads.run(conn)
        chunks: list[tuple[Source, Sequence[Outgoing]]] = []
        broken: Exception | None = None
        for source, offered in offers:
            try:
                messages = offered()
            except ValueError as error:  # what it holds cannot be unsealed or read
                broken = broken or error
            else:
                chunks += [(source, messages)] if messages else []
        return chunks, broken

    async def _record(self, taken: Sequence[tuple[Source, Sequence[Ack]]], lease: Lease) -> None:
        acks = [ack for _, found in taken for ack in found]
        for attempt in range(5):
            writes = Writes()
            for source, found in taken:
                source.acknowledge(writes, found)
            try:
                async with self._database.single() as conn:
                    position = await self._watch.record(conn, acks, self._generation, lease=lease, writes=writes)
                if not position.held:
                    raise LeaseLost(lease.name)
                if not position.same:
                    raise LogLost("the log was replaced while it was written to")
                if position.fell:
                    raise LogLost("an acknowledged offset was not above the last one")
                break
            except LogLost as error:
                await self._watch.lost(self._generation, str(error))
                raise
            except DatabaseError as error:
                if not is_transient(error) or attempt == 4:
                    raise
        for source, found in taken:
            for ack in found:
                self._held.pop((source.name, ack.outgoing.key), None)

    async def _timers(self) -> int:
        """Moves rows whose time has come, knowing how far their readers are; seldom where that takes long."""
        unread = self._readers.answer()
        if unread is None:
            if time.monotonic() >= self._timers_at:
                self._timers_at = time.monotonic() + TIMERS_SECONDS
                self._readers.ask()
            return 0
        began, due = time.monotonic(), 0
        try:
            for source in self._sources:
                async with self._database.transaction() as conn:
                    due += await source.fall_due(conn, unread)
        finally:
            now = time.monotonic()
            self._timers_at = max(self._timers_at, now + TIMERS_REST * (now - began))
        return due

    async def _rest(self, ticket: Ticket) -> None:
        """Until there is something to send, or an answer about the readers."""
        bell = asyncio.create_task(self._bell.wait_since(ticket, POLL_SECONDS))
        try:
            await asyncio.wait({bell, *self._readers.asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(bell)

    def _keys_held(self, source: Source) -> list[str]:
        now = time.monotonic()
        return [key for (name, key), (_, until) in self._held.items() if name == source.name and until > now]

    def _hold(self, source: Source, failures: Sequence[SendFailure]) -> None:
        """A record the broker will not take holds back its key alone, and is tried again ever more seldom."""
        for failure in {failure.outgoing.key: failure for failure in failures if not failure.away}.values():
            place = (source.name, failure.outgoing.key)
            count = self._held.get(place, (0, 0.0))[0] + 1
            until = time.monotonic() + backoff(count, first=1.0, limit=HOLD_LIMIT_SECONDS)
            self._held[place] = (count, until)
            _log.error("record.refused", source=source.name, topic=failure.outgoing.topic, cause=failure.reason)

    async def _away(self, stop: asyncio.Event, what: str, detail: str) -> None:
        self._failures += 1
        self._detail = f"{what}: {detail}"[:200]
        if self._failures == 1:
            _log.warning("relay.interrupted", what=what, detail=detail)
        await pause(stop, backoff(self._failures, limit=AWAY_LIMIT_SECONDS))
