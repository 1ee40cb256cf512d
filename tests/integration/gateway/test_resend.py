"""Hops are sent again by the protocol's rule, and never wait for ever for an office that has nothing to commit."""

import random
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from contracts.protocol import Rung, Sending, hops_to_send, is_unread, unread
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from services.kernel.bell import Bell
from services.kernel.leases import Leases
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import Admin, Producer
from services.kernel.messaging.log_watch import LogWatch
from services.kernel.messaging.records import TopicPartition, TopicSpec
from services.kernel.messaging.relay import Relay
from services.kernel.supervisor import Supervisor
from tests.integration.gateway.conftest import DEPARTMENT, Bench
from tests.integration.gateway.test_ingest import act, submitted
from tests.integration.kernel.scene import read_all, until

TOPIC = "deliver.province"
STARTS, ENDS = {0: 0, 1: 0, 2: 5, 3: 0}, {0: 9, 1: 8, 2: 9, 3: 3}
PASSED = {1: 4, 2: 2, 3: 1}  # nobody has committed partition 0; 2 expired in part; 3 was cut; 4 is no more


@dataclass(frozen=True)
class Row:
    """A hop as far as sending goes."""

    pending: bool
    done: bool
    due: bool
    place: tuple[int, int]

    @property
    def sending(self) -> Sending:
        partition, offset = self.place
        ahead = is_unread(
            offset, passed=PASSED.get(partition), start=STARTS.get(partition, 0), end=ENDS.get(partition, 0)
        )
        rung = Rung.UNSENT if self.pending else Rung.SETTLED if self.done else Rung.SENT
        return Sending(rung, self.due, ahead)


def draw(rng: random.Random) -> list[Row]:
    partition = rng.randrange(5)
    rows = []
    for _ in range(rng.randint(1, 6)):
        pending, done = rng.random() < 0.15, rng.random() < 0.25
        here = partition if rng.random() < 0.9 else rng.randrange(5)
        rows.append(Row(pending, done and not pending, rng.random() < 0.4, (here, rng.randrange(10))))
    return rows


async def store(bench: Bench, lines: Sequence[Sequence[Row]]) -> None:
    columns = [
        (f"s{n}", number, row.pending, row.done, row.due, *row.place)
        for n, line in enumerate(lines)
        for number, row in enumerate(line, 1)
    ]
    names = ("subjects", "numbers", "pendings", "dones", "dues", "partitions", "offsets")
    async with bench.database.transaction() as conn:
        await conn.execute(
            text("""
                INSERT INTO hop (source, transfer_id, subject, office, hopsequence, recipients, pending, done, due_at,
                                 log_partition, log_offset)
                SELECT 'test', subject || number, subject, 'province', number, 'x', pending, done,
                       now() + CASE WHEN due THEN interval '-1 s' ELSE interval '1 h' END, log_partition, log_offset
                  FROM unnest(CAST(:subjects AS text[]), CAST(:numbers AS bigint[]), CAST(:pendings AS bool[]),
                              CAST(:dones AS bool[]), CAST(:dues AS bool[]), CAST(:partitions AS int[]),
                              CAST(:offsets AS bigint[]))
                       AS r(subject, number, pending, done, due, log_partition, log_offset)
            """),
            dict(zip(names, (list(column) for column in zip(*columns, strict=True)), strict=True)),
        )


async def test_the_statement_marks_what_the_pure_rule_sends(bench: Bench) -> None:
    rng = random.Random(20240603)
    lines = [draw(rng) for _ in range(400)]
    await store(bench, lines)
    ahead = {TopicPartition(TOPIC, p): unread(passed=PASSED[p], start=STARTS[p], end=ENDS[p]) for p in sorted(PASSED)}
    async with bench.database.transaction() as conn:
        await bench.hops.fall_due(conn, ahead)
    pending = {(row["subject"], row["hopsequence"] - 1) for row in await bench.rows("SELECT * FROM hop WHERE pending")}
    wanted = {(f"s{n}", place) for n, line in enumerate(lines) for place in hops_to_send([row.sending for row in line])}
    assert pending == wanted
    assert 200 < len(wanted) < sum(map(len, lines)) - 200


class Line:
    """A gateway's hops with the relay that carries them, to a topic of one partition."""

    def __init__(self, bench: Bench, url: str, cluster: Cluster) -> None:
        self.bench, self.cluster = bench, cluster
        self.admin, self.producer = Admin(cluster), Producer(cluster, send_seconds=4)
        self.watch = LogWatch(bench.database, self.admin, [bench.hops], ensure_topics=self.topics, poll_seconds=0.5)
        bell = Bell(url)
        relay = Relay(
            bench.database,
            [bench.hops],
            producer=self.producer,
            admin=self.admin,
            watch=self.watch,
            leases=Leases(bench.database, secrets.token_hex(4), ttl_seconds=2),
            bell=bell,
            readers={TOPIC: "office.province"},
        )
        self.supervisor = Supervisor(drain_seconds=10)
        self.supervisor.add("bell", bell.run)
        self.supervisor.add("log watch", self.watch.run, state=self.watch.part)
        self.supervisor.add("relay", relay.run, state=relay.part)

    async def topics(self) -> None:
        await self.admin.create_topics([TopicSpec(TOPIC, 1)])

    async def sent(self) -> bool:
        return not await self.bench.rows("SELECT id FROM hop WHERE pending")

    async def numbers(self) -> list[int]:
        return [int(dict(r.headers)["ce_hopsequence"]) for r in await read_all(self.cluster, TOPIC)]

    async def make_due(self, number: int) -> None:
        async with self.bench.database.transaction() as conn:
            await conn.execute(
                text("UPDATE hop SET due_at = now() - interval '1 s' WHERE hopsequence = :number"), {"number": number}
            )

    async def aclose(self) -> None:
        await self.supervisor.stop()
        await self.producer.aclose()
        await self.admin.aclose()


@pytest.fixture
async def line(bench: Bench, postgres: Postgres, kafka: Kafka) -> AsyncIterator[Line]:
    [name] = await bench.rows("SELECT current_database() AS name")
    line = Line(bench, postgres.url(name["name"]), Cluster(kafka.bootstrap, prefix=f"t{secrets.token_hex(3)}."))
    yield line
    await line.aclose()


async def test_an_office_that_never_committed_is_not_waited_for(line: Line) -> None:
    await line.bench.take(
        submitted(deciding_organ=DEPARTMENT), act("dossier.status-changed", 2, action="accept", status=2, epoch=1)
    )
    line.supervisor.start()
    await until(line.sent)
    assert await line.numbers() == [1, 2]
    await line.make_due(2)

    async def repeated() -> bool:
        return await line.numbers() == [1, 2, 2]

    await until(repeated, every=0.2)
    await line.make_due(1)

    async def whole() -> bool:
        return await line.numbers() == [1, 2, 2, 1, 2]

    await until(whole, every=0.2)
