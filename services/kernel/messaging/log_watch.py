"""Notices that the broker lost its log, and has everything that was in it sent again.

The database knows cluster id and *generation* of the log. Whoever sees a loss raises the generation by
compare-and-set, in one transaction with `log_lost` of every source; each process then sees the new generation,
replaces its producers and reads from the beginning (relay, consumers and copies compare `generation` themselves).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy import text

from contracts.problems import HubError
from services.kernel.bulk import Writes
from services.kernel.connection import Connection
from services.kernel.database import Database
from services.kernel.leases import Lease
from services.kernel.messaging.kafka import Admin
from services.kernel.messaging.records import Ack, BrokerAway
from services.kernel.pause import pause
from services.kernel.supervisor import Part

POLL_SECONDS = 2.0

_log = structlog.get_logger(__name__)

_KNOWN = text("SELECT cluster_id, generation FROM broker")
_FIRST = text("""
    INSERT INTO broker (cluster_id, generation) VALUES (:cluster_id, 1) ON CONFLICT (singleton) DO NOTHING
""")
_RAISE = text("""
    UPDATE broker SET generation = generation + 1, cluster_id = :cluster_id WHERE generation = :generation
    RETURNING generation
""")
_NO_LIMIT = text("SET LOCAL statement_timeout = 0")
_FORGET = text("DELETE FROM log_position")

# Is the lease still held, is the log still the one that was written to, did every offset rise? Only if all is `sound`
# anything is written.
_GIVEN = """
    held AS (
        SELECT FROM lease WHERE name = :lease AND fence = :fence FOR SHARE
    ), same AS (
        SELECT FROM broker WHERE generation = :generation FOR SHARE
    ), acks AS (
        SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:firsts AS bigint[]),
                             CAST(:lasts AS bigint[])) AS a(topic, log_partition, first_offset, last_offset)
    ), before AS (
        SELECT p.topic, p.log_partition, p.last_offset FROM log_position p JOIN acks a USING (topic, log_partition)
         WHERE p.log_generation = :generation
    ), fallen AS (
        SELECT FROM acks a JOIN before b USING (topic, log_partition) WHERE a.first_offset <= b.last_offset
    ), sound AS MATERIALIZED (
        SELECT FROM held, same WHERE NOT EXISTS (SELECT FROM fallen)
    ), moved AS (
        INSERT INTO log_position (topic, log_partition, log_generation, last_offset)
        SELECT topic, log_partition, :generation, last_offset FROM acks
         WHERE EXISTS (SELECT FROM sound) ORDER BY topic, log_partition
        ON CONFLICT (topic, log_partition)
        DO UPDATE SET last_offset = excluded.last_offset, log_generation = excluded.log_generation
    )
"""
_ASKED = """
    EXISTS (SELECT FROM held) AS held, EXISTS (SELECT FROM same) AS same, EXISTS (SELECT FROM fallen) AS fell
"""
SOUND = "EXISTS (SELECT FROM sound)"
"""The condition of every write that goes with acks."""


class Losing(Protocol):
    """Something whose records were in the log."""

    async def log_lost(self, conn: Connection) -> None: ...


@dataclass(frozen=True, slots=True)
class Position:
    """What came of recording acks."""

    held: bool
    same: bool
    fell: bool


class LogWatch:
    """One per process. `ensure_topics` makes the topics this program owns; it may be called any number of times."""

    def __init__(
        self,
        database: Database,
        admin: Admin,
        sources: Sequence[Losing],
        *,
        ensure_topics: Callable[[], Awaitable[object]],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._database = database
        self._admin = admin
        self._sources = sources
        self._ensure_topics = ensure_topics
        self._poll_seconds = poll_seconds
        self._topics_made_for = 0
        self._answered_at: float | None = None
        self.generation = 0
        """0 until the cluster has answered once; nothing is sent or read before that."""

    async def run(self, stop: asyncio.Event) -> None:
        """Worker: compares the cluster with what the database knows of it."""
        away = False
        while not stop.is_set():
            try:
                await self.check()
                if away:
                    _log.info("broker.checked_again")
                away = False
            except (BrokerAway, HubError) as error:
                if not away:
                    what = "broker" if isinstance(error, BrokerAway) else "database"
                    _log.warning("broker.not_checked", away=what, error=str(error))
                away = True
            await pause(stop, self._poll_seconds if self.generation else min(self._poll_seconds, 0.2))

    async def check(self) -> None:
        """One comparison; on a changed cluster the loss is recorded before this returns."""
        cluster_id = await self._admin.cluster_id()
        self._answered_at = time.monotonic()
        async with self._database.read() as conn:
            known = (await conn.execute(_KNOWN)).one_or_none()
        if known is None:
            async with self._database.transaction() as conn:
                await conn.execute(_FIRST, {"cluster_id": cluster_id})
                known = (await conn.execute(_KNOWN)).one()
        generation = known.generation
        if known.cluster_id != cluster_id:
            generation = await self._raise(generation, cluster_id, "cluster id changed")
        if self._topics_made_for != generation:
            await self._ensure_topics()
            self._topics_made_for = generation
        self.generation = generation

    async def lost(self, generation: int, reason: str) -> None:
        """Records a loss seen in the log of `generation`; does nothing if somebody else has done so."""
        cluster_id = await self._admin.cluster_id()
        await self._raise(generation, cluster_id, reason)
        await self.check()

    async def record(
        self, conn: Connection, acks: Sequence[Ack], generation: int, *, lease: Lease, writes: Writes
    ) -> Position:
        """Stores the highest acknowledged offset per partition, and with it, in one statement, `writes`, each of which
        is made only if `SOUND`. Unless all is well nothing is written."""
        spans: dict[tuple[str, int], tuple[int, int]] = {}
        for ack in acks:
            place = (ack.outgoing.topic, ack.partition)
            first, last = spans.get(place, (ack.offset, ack.offset))
            spans[place] = (min(first, ack.offset), max(last, ack.offset))
        values = {
            "lease": lease.name,
            "fence": lease.fence,
            "generation": generation,
            "topics": [topic for topic, _ in spans],
            "partitions": [partition for _, partition in spans],
            "firsts": [first for first, _ in spans.values()],
            "lasts": [last for _, last in spans.values()],
        }
        row = await writes.run_given(conn, _GIVEN, _ASKED, values)
        return Position(row.held, row.same, row.fell)

    def part(self) -> Part:
        age = None if self._answered_at is None else time.monotonic() - self._answered_at
        ok = age is not None and age < 5 * self._poll_seconds
        detail = "never answered" if age is None else f"answered {age:.0f} s ago, log generation {self.generation}"
        return Part("kafka", ok, detail, critical=False)

    async def _raise(self, generation: int, cluster_id: str, reason: str) -> int:
        async with self._database.transaction() as conn:
            await conn.execute(_NO_LIMIT)
            raised = (
                await conn.execute(_RAISE, {"generation": generation, "cluster_id": cluster_id})
            ).scalar_one_or_none()
            if raised is not None:
                await conn.execute(_FORGET)
                for source in self._sources:
                    await source.log_lost(conn)
        if raised is None:
            async with self._database.read() as conn:
                return int((await conn.execute(_KNOWN)).one().generation)
        _log.error("log.lost", cause=reason, generation=raised)
        return int(raised)
