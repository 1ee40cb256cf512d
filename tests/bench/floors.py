"""Bare work beside which the hub is measured: rows, records and files, on the same servers and as durable, no rules.

Every floor is bounded by count and by time, and ends what it started. What moves records does so in processes of
their own, as the hub does: `python -m tests.bench.floors pipe|leg …`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import sys
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from itertools import count as numbers_from
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy import make_url

from contracts.topology import TOPICS
from services.kernel.database import driver_dsn
from tests.bench.bare import SESSION, child

BATCH: Final = 500
PARTITIONS: Final = TOPICS["ingest.commune"].partitions["local"]
FETCH_BYTES: Final = 1024 * 1024
SEND_BYTES: Final = 400 * 1024
POLL_MS: Final = 200
FEED: Final = 5_000
"""Records of the pipe's input that are on their way at once."""
MOST_SECONDS: Final = 60.0
LEGS: Final = ("commune", "gateway", "province")
WAY: Final = (
    ("commune", "ingest_commune"),
    ("gateway", "deliver_province"),
    ("province", "ingest_province"),
    ("gateway", "deliver_commune"),
)
"""Who sends what, in the order it goes."""
DOSSIERS: Final = """
    DROP TABLE IF EXISTS floor_dossier;
    CREATE TABLE floor_dossier (code text PRIMARY KEY, body jsonb NOT NULL)
"""
INSERT_DOSSIERS: Final = "INSERT INTO floor_dossier (code, body) SELECT * FROM unnest($1::text[], $2::jsonb[])"
ROWS: Final = """
    DROP TABLE IF EXISTS floor_row;
    CREATE TABLE floor_row (code text PRIMARY KEY, body bytea NOT NULL)
"""
INSERT_ROWS: Final = "INSERT INTO floor_row (code, body) SELECT * FROM unnest($1::text[], $2::bytea[])"


@dataclass(frozen=True, slots=True)
class Written:
    """Rows a dossier leaves in one database, updates counted as rows, and the bytes of a row."""

    rows: float
    row_bytes: int


@dataclass(frozen=True, slots=True)
class Sent:
    """Records of a topic for each dossier, a part of one where many share a record, and the bytes of a value."""

    records: float
    value_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a dossier's journey from commune to province and back costs in rows and records."""

    commune: Written
    gateway: Written
    province: Written
    ingest_commune: Sent
    deliver_province: Sent
    ingest_province: Sent
    """Receipts of the province."""
    deliver_commune: Sent
    """Receipts for the commune."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a leg makes, in the whole run, of all that arrives from `source` ("": of the dossiers themselves)."""

    source: str
    arriving: int
    rows: int
    target: str = ""
    leaving: int = 0
    value_bytes: int = 0


def steps_of(shape: Shape, count: int, prefix: str = "") -> dict[str, list[Step]]:
    """Of each leg. Commune and gateway see a dossier twice, and write half of their rows each time."""
    rows = {leg: round(getattr(shape, leg).rows * count) for leg in LEGS}
    first = {"commune": rows["commune"] // 2, "gateway": rows["gateway"] // 2, "province": rows["province"]}
    found: dict[str, list[Step]] = {leg: [] for leg in LEGS}
    source, arriving = "", count
    for leg, name in (*WAY, ("commune", "")):
        some = first[leg] if not found[leg] else rows[leg] - first[leg]
        step = Step(source=source, arriving=arriving, rows=some)
        if name:
            sent: Sent = getattr(shape, name)
            source, arriving = prefix + name, max(1, round(sent.records * count))
            step = replace(step, target=source, leaving=arriving, value_bytes=sent.value_bytes)
        found[leg].append(step)
    return found


class Portion:
    """Splits `whole` over so many arrivals, in whole numbers; all of it is given when all have come."""

    def __init__(self, arriving: int, whole: int) -> None:
        self._arriving = arriving
        self._whole = whole
        self._came = self._given = 0

    @property
    def over(self) -> bool:
        return self._came >= self._arriving

    def next(self, came: int) -> int:
        self._came += came
        due = self._whole * self._came // self._arriving - self._given
        self._given += due
        return due


# what is measured -------------------------------------------------------------------------------------------------


async def made_database(url: str, name: str = "bench_floor") -> str:
    """URL of a database of this name on the server of another one; it is made when absent."""
    async with _connected(url) as connection:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}"')
    return make_url(url).set(database=name).render_as_string(hide_password=False)


async def unnest(
    dsn: str, bodies: Sequence[bytes], at_once: int, *, rows: int | None = None, seconds: float = 5.0
) -> float:
    """Rows/s of one connection that inserts and commits so many a statement; with `rows` the bodies come again."""
    wanted = len(bodies) if rows is None else rows
    texts = cycle([body.decode() for body in bodies])
    async with _connected(dsn) as connection:
        await connection.execute(DOSSIERS)
        insert = await connection.prepare(INSERT_DOSSIERS)
        done, began = 0, time.perf_counter()
        while done < wanted and time.perf_counter() - began < seconds:
            some = min(at_once, wanted - done)
            await insert.fetch([f"{number:024}" for number in range(done, done + some)], list(islice(texts, some)))
            done += some
        taken = time.perf_counter() - began
        await connection.execute("DROP TABLE floor_dossier")
    return done / taken


async def pipe(bootstrap: str, records: int, value_bytes: int) -> float:
    """Records/s of one process that reads a topic and writes another, both full of such records; until the last
    record is acknowledged and the offsets are committed."""
    async with _topics(bootstrap, ("in", "out")) as prefix:
        told = json.dumps({"bootstrap": bootstrap, "prefix": prefix, "records": records, "value_bytes": value_bytes})
        async with asyncio.timeout(MOST_SECONDS), child(__name__, "pipe", told) as process:
            return records / float(await _line(process))


async def journey(dsn_by_leg: Mapping[str, str], bootstrap: str, shape: Shape, count: int) -> float:
    """Dossiers/s of bare loops that write as many rows and move as many records as `count` journeys of this shape,
    one process for each leg; from the first insert to the last commit at the commune."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(MOST_SECONDS))
        prefix = await stack.enter_async_context(_topics(bootstrap, [name for _, name in WAY]))
        processes = []
        for leg, steps in steps_of(shape, count, prefix).items():
            told = {"dsn": dsn_by_leg[leg], "bootstrap": bootstrap, "steps": [asdict(step) for step in steps]}
            told["row_bytes"] = getattr(shape, leg).row_bytes
            processes.append(await stack.enter_async_context(child(__name__, "leg", json.dumps(told))))
        await _lines(processes)
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
        seconds, *_ = await _lines(processes)
        return count / float(seconds)


async def copy_with_fsync(folder: Path, size: int, count: int) -> float:
    """MB/s (of a million bytes) of copying a file in this folder, each copy on disk before the next begins."""
    return await asyncio.to_thread(_copy, folder, size, count)


def _copy(folder: Path, size: int, count: int) -> float:
    origin, copy = folder / f"floor-{uuid4()}", folder / f"floor-{uuid4()}"
    origin.write_bytes(_bytes(size))
    taken, done = 0.0, 0
    try:
        while done < count and taken < MOST_SECONDS:
            began = time.perf_counter()
            with origin.open("rb") as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target, FETCH_BYTES)
                target.flush()
                os.fsync(target.fileno())
            taken += time.perf_counter() - began
            done += 1
            copy.unlink()
    finally:
        origin.unlink()
        copy.unlink(missing_ok=True)
    return size * done / taken / 1e6


async def _lines(processes: Iterable[Process]) -> list[str]:
    """The next of each; fails as soon as one of them has ended without it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_line(process)) for process in processes]
    return [task.result() for task in tasks]


async def _line(process: Process) -> str:
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode().strip()
    assert line, f"a floor's process ended: {await process.wait()}"
    return line


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(driver_dsn(dsn), server_settings=SESSION)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _topics(bootstrap: str, names: Iterable[str]) -> AsyncIterator[str]:
    """Topics like those of the hub, gone afterwards; what their names begin with."""
    prefix = f"bench-{uuid4().hex[:8]}."
    made = [NewTopic(prefix + name, PARTITIONS, 1) for name in names]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        await admin.create_topics(made)
        try:
            yield prefix
        finally:
            await admin.delete_topics([topic.name for topic in made])
    finally:
        await admin.close()


# the processes ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _consuming(bootstrap: str, topics: Sequence[str]) -> AsyncIterator[Any]:
    """A consumer at the beginning of all partitions, paused."""
    places = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=f"{topics[0]}-floor",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await consumer.start()
    try:
        consumer.assign(places)
        consumer.pause(*places)
        for place in places:
            await consumer.position(place)
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def _producing(bootstrap: str, topics: Iterable[str]) -> AsyncIterator[Any]:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=0, max_batch_size=SEND_BYTES
    )
    await producer.start()
    try:
        for topic in topics:
            await producer.partitions_for(topic)
        yield producer
    finally:
        await producer.stop()


async def _send(producer: Any, topic: str, keys: Iterable[bytes], value: bytes) -> None:
    """Returns when all are acknowledged."""
    await asyncio.gather(*[await producer.send(topic, value, key) for key in keys])


async def _pipe(told: Mapping[str, Any]) -> None:
    origin, target = told["prefix"] + "in", told["prefix"] + "out"
    records, value = told["records"], _bytes(told["value_bytes"])
    async with _producing(told["bootstrap"], (origin, target)) as producer:
        for first in range(0, records, FEED):
            keys = (b"%024d" % number for number in range(first, min(first + FEED, records)))
            await _send(producer, origin, keys, value)
        async with _consuming(told["bootstrap"], [origin]) as consumer:
            came, began = 0, time.perf_counter()
            consumer.resume(*consumer.assignment())
            while came < records:
                fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
                batch = [record for some in fetched.values() for record in some]
                if batch:
                    sent = [await producer.send(target, record.value, record.key) for record in batch]
                    await asyncio.gather(*sent)
                    await consumer.commit()
                    came += len(batch)
            print(time.perf_counter() - began, flush=True)


class Leg:
    """One process of the journey."""

    def __init__(self, steps: Iterable[Step], row: bytes, producer: Any) -> None:
        self._steps = {step.source: step for step in steps}
        self._rows = {step.source: Portion(step.arriving, step.rows) for step in self._steps.values()}
        self._records = {source: Portion(step.arriving, step.leaving) for source, step in self._steps.items()}
        self._values = {source: _bytes(step.value_bytes) for source, step in self._steps.items()}
        self._row = row
        self._producer = producer
        self._numbers = numbers_from()

    async def enter(self, connection: Any) -> None:
        """All dossiers, so many at once."""
        left = self._steps[""].arriving
        while left:
            some = min(BATCH, left)
            await self._advance(connection, {"": some})
            left -= some

    async def forward(self, connection: Any, consumer: Any) -> None:
        """All that other legs send."""
        consumer.resume(*consumer.assignment())
        while not all(rows.over for source, rows in self._rows.items() if source):
            came: Counter[str] = Counter()
            for place, records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)).items():
                came[place.topic] += len(records)
            if came:
                await self._advance(connection, came)
                await consumer.commit()

    async def _advance(self, connection: Any, came: Mapping[str, int]) -> None:
        """Their rows in one transaction, then their records."""
        if rows := sum(self._rows[source].next(some) for source, some in came.items()):
            codes = [f"{number:024}" for number in islice(self._numbers, rows)]
            await connection.execute(INSERT_ROWS, codes, [self._row] * rows)
        for source, some in came.items():
            keys = [b"%024d" % number for number in islice(self._numbers, self._records[source].next(some))]
            await _send(self._producer, self._steps[source].target, keys, self._values[source])


async def _leg(told: Mapping[str, Any]) -> None:
    """Says `ready`, waits for a line, and says how many seconds all of it took."""
    steps = [Step(**step) for step in told["steps"]]
    sources = [step.source for step in steps if step.source]
    async with AsyncExitStack() as stack:
        targets = [step.target for step in steps if step.target]
        producer = await stack.enter_async_context(_producing(told["bootstrap"], targets))
        consumer = await stack.enter_async_context(_consuming(told["bootstrap"], sources))
        entering, forwarding = [await stack.enter_async_context(_connected(told["dsn"])) for _ in range(2)]
        await forwarding.execute(ROWS)
        leg = Leg(steps, _bytes(told["row_bytes"]), producer)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            group.create_task(leg.forward(forwarding, consumer))
            if len(sources) < len(steps):
                group.create_task(leg.enter(entering))
        print(time.perf_counter() - began, flush=True)


def _bytes(size: int) -> bytes:
    """That do not compress."""
    return random.Random(size).randbytes(size)


if __name__ == "__main__":
    uvloop.run({"pipe": _pipe, "leg": _leg}[sys.argv[1]](json.loads(sys.argv[2])))
