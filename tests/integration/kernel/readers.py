"""Handlers that note what they did in the `effect` table, and a program that dies between its two commits."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import text

from contracts.envelope import from_record
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.kernel.database import Database
from services.kernel.messaging import inbox
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.consumer import Consumer, Membership
from services.kernel.messaging.records import Record
from tests.integration.kernel.scene import GROUP, TOPIC, Scene

_NOTE = text("INSERT INTO effect (record, applied) SELECT r, 1 FROM unnest(CAST(:records AS text[])) AS u(r)")


def label(record: Record) -> str:
    envelope = from_record(record.headers, record.value)
    return f"{envelope.subject}/{envelope.sequence}"


async def note(conn: Connection, labels: Sequence[str]) -> None:
    await conn.execute(_NOTE, {"records": list(labels)})


async def effects(database: Database) -> list[str]:
    async with database.read() as conn:
        return list((await conn.execute(text("SELECT record FROM effect ORDER BY n"))).scalars())


async def locked(conn: Connection, subjects: Sequence[str]) -> dict[str, int]:
    """Their last hops, once they are locked."""
    await inbox.lock_subjects(conn, subjects)
    reads = Reads()
    last = inbox.last_hops(reads, subjects)
    await reads.run(conn)
    return dict(last)


async def advance(conn: Connection, hops: Mapping[str, int]) -> None:
    writes = Writes()
    inbox.advance(writes, hops)
    await writes.run(conn)


class Noting:
    """Applies each record as often as it comes. `check` may raise for the poison and the troubles of a test."""

    def __init__(self, check: Callable[[Record], None] = lambda _: None, *, seconds: float = 0.0) -> None:
        self._check = check
        self._seconds = seconds
        self.chunks: list[int] = []

    async def prepare(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(self._seconds)

    async def apply(self, conn: Connection, records: Sequence[Record]) -> None:
        for record in records:
            self._check(record)
        await note(conn, [label(record) for record in records])

    async def bury(self, conn: Connection, record: Record, error: Exception) -> None:
        await note(conn, [f"buried {label(record)}"])

    def committed(self, records: Sequence[Record]) -> None:
        self.chunks.append(len(records))


class Once(Noting):
    """Applies a fact only when it is the next of its subject, as an office does."""

    async def apply(self, conn: Connection, records: Sequence[Record]) -> None:
        facts = [from_record(record.headers, record.value) for record in records]
        last = await locked(conn, [fact.subject for fact in facts])
        applied = []
        for fact in facts:
            if fact.sequence == last[fact.subject] + 1:
                last[fact.subject] = fact.sequence
                applied.append(f"{fact.subject}/{fact.sequence}")
        await note(conn, applied)
        await advance(conn, last)


class Dying(Once):
    """Kills its process after the commit of its second chunk, before the offsets."""

    def committed(self, records: Sequence[Record]) -> None:
        super().committed(records)
        if len(self.chunks) == 2:
            os.kill(os.getpid(), signal.SIGKILL)


async def _main(url: str, bootstrap: str, prefix: str) -> None:
    scene = Scene(url, Cluster(bootstrap, prefix=prefix))
    membership = Membership(GROUP, [TOPIC], instance_id="the-one")
    consumer = Consumer(scene.cluster, membership, Dying(), database=scene.database, watch=scene.watch)
    scene.supervisor.add("consumer", consumer.run, state=consumer.part)
    scene.start(relay=False)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
