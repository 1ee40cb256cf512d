"""One program's kernel parts joined for a test, and the small tools tests wait and write with."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

import uuid_utils
from sqlalchemy import text

from contracts.envelope import Envelope, from_record
from services.kernel.bell import Bell
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.kernel.database import Database
from services.kernel.leases import Leases
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import Admin, Producer, Reader
from services.kernel.messaging.log_watch import LogWatch
from services.kernel.messaging.outbox import Outbox, Rungs
from services.kernel.messaging.outbox_source import OutboxSource
from services.kernel.messaging.records import Identity, Record, TopicSpec
from services.kernel.messaging.relay import Relay, Source
from services.kernel.messaging.retry import UNROUTED, UNSETTLED
from services.kernel.supervisor import Supervisor

T = TypeVar("T")

TOPIC = "ingest.commune"
GROUP = "gateway"
SOURCE = "urn:lienthong:test:commune"
MOMENT = datetime(2024, 6, 3, 1, 0, tzinfo=UTC)


async def until(
    condition: Callable[[], Awaitable[T | None]], *, seconds: float = 20.0, every: float = 0.02, what: str = ""
) -> T:
    """Polls until the condition is truthy; fails loudly at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition.__name__}")
        await asyncio.sleep(every)


class _Undone(Exception):
    pass


@asynccontextmanager
async def rolled_back(database: Database) -> AsyncIterator[Connection]:
    """A transaction that fails at its end."""
    try:
        async with database.transaction() as conn:
            yield conn
            raise _Undone
    except _Undone:
        return


class Scene:
    """A program with an outbox and a relay, which may have further sources `before` it; tests add consumers."""

    def __init__(
        self,
        url: str,
        cluster: Cluster,
        *,
        partitions: int = 3,
        retry_scale: float = 1000.0,
        before: Sequence[Source] = (),
    ) -> None:
        self.url = url
        self.cluster = cluster
        self.bell = Bell(url)
        self.database = Database(url, committed=lambda names: self.bell.ring(*names))
        self.admin = Admin(cluster)
        self.producer = Producer(cluster, send_seconds=4)
        self.outbox = Outbox(SOURCE, unsettled=UNSETTLED.scaled(retry_scale))
        self.source = OutboxSource(unrouted=UNROUTED.scaled(retry_scale), unsettled=UNSETTLED.scaled(retry_scale))
        self.specs = [TopicSpec(TOPIC, partitions)]
        self.watch = LogWatch(
            self.database, self.admin, [self.source], ensure_topics=self.ensure_topics, poll_seconds=0.5
        )
        self.leases = Leases(self.database, secrets.token_hex(4), ttl_seconds=2)
        self.relay = Relay(
            self.database,
            [*before, self.source],
            producer=self.producer,
            admin=self.admin,
            watch=self.watch,
            leases=self.leases,
            bell=self.bell,
            readers={TOPIC: GROUP},
        )
        self.supervisor = Supervisor(drain_seconds=10)

    async def ensure_topics(self) -> None:
        await self.admin.create_topics(self.specs)

    def start(self, *, relay: bool = True) -> None:
        self.supervisor.add("bell", self.bell.run)
        self.supervisor.add("log watch", self.watch.run, state=self.watch.part)
        if relay:
            self.supervisor.add("relay", self.relay.run, state=self.relay.part)
        self.supervisor.start()

    async def aclose(self) -> None:
        await self.supervisor.stop()
        await self.producer.aclose()
        await self.admin.aclose()
        await self.database.aclose()

    async def write(self, subjects: Sequence[str], *, organ: str = "H28.1") -> list[Envelope]:
        """One transaction that numbers and appends one fact per subject named."""
        async with self.database.transaction() as conn:
            return await self.append(conn, subjects, organ=organ)

    async def append(self, conn: Connection, subjects: Sequence[str], *, organ: str = "H28.1") -> list[Envelope]:
        numbers = await self.outbox.number(conn, [(subject, organ) for subject in subjects])
        envelopes = [
            Envelope(
                id=str(uuid_utils.uuid7()),
                source=SOURCE,
                type="dossier.submitted",
                subject=subject,
                sender=organ,
                time=MOMENT,
                sequence=number,
                partitionkey=subject,
                value=b'{"n":%d}' % number,
            )
            for subject, number in zip(subjects, numbers, strict=True)
        ]
        await self.add(conn, envelopes)
        return envelopes

    async def add(self, conn: Connection, envelopes: Sequence[Envelope]) -> None:
        writes = Writes()
        self.outbox.append(writes, TOPIC, envelopes)
        await writes.run(conn)

    @asynccontextmanager
    async def climbing(self, envelopes: Sequence[Envelope]) -> AsyncIterator[Rungs]:
        """One transaction that moves facts on."""
        reads, writes = Reads(), Writes()
        async with self.database.transaction() as conn:
            rungs = self.outbox.rungs(reads, [Identity(SOURCE, envelope.id) for envelope in envelopes])
            await reads.run(conn)
            yield rungs
            rungs.write(writes)
            await writes.run(conn)

    async def count(self, condition: str = "true") -> int:
        async with self.database.read() as conn:
            return int((await conn.execute(text(f"SELECT count(*) FROM outbox WHERE {condition}"))).scalar_one())


async def read_all(cluster: Cluster, topic: str) -> list[Record]:
    """Everything that is in the topic now, per partition in order."""
    reader = Reader(cluster, [topic])
    records: list[Record] = []
    try:
        await reader.start()
        while not reader.caught_up:
            records += await reader.poll(0.2)
        return records
    finally:
        await reader.stop()


def facts_of(records: Sequence[Record]) -> dict[str, list[int]]:
    """Sequences by subject, in the order of the log."""
    found: dict[str, list[int]] = {}
    for record in records:
        envelope = from_record(record.headers, record.value)
        found.setdefault(envelope.subject, []).append(envelope.sequence or 0)
    return found


def accepted(numbers: Sequence[int]) -> int:
    """How far a reader gets that takes only the next number and drops what is beyond a gap."""
    last = 0
    for number in numbers:
        if number == last + 1:
            last = number
    return last


async def is_so(value: object) -> bool:
    return bool(value)
