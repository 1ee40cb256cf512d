"""Sending again never waits for ever: for a group without a commit, a log that was cut, a subject without a pause."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from contracts.envelope import from_record
from contracts.protocol import Rung, Sending, is_unread, to_send, unread
from deploy.local.kafka import Kafka
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import GroupConsumer
from services.kernel.messaging.records import BrokerAway, Identity, LogLost, Record, TopicPartition
from tests.integration.kernel.scene import GROUP, SOURCE, TOPIC, Scene, accepted, facts_of, read_all, until

PLACE = TopicPartition(TOPIC, 0)
SHORT, LONG = 0.1, 1000.0  # of the protocol's schedules


# the statement and the pure rule


@dataclass(frozen=True)
class Row:
    """One row of the outbox as far as sending goes; `place` None = never sent, or forgotten."""

    state: str
    due: bool
    place: tuple[int, int] | None

    @property
    def rung(self) -> Rung:
        return {"unsent": Rung.UNSENT, "sent": Rung.SENT, "routed": Rung.ROUTED}.get(self.state, Rung.SETTLED)


STARTS, ENDS = {0: 0, 1: 0, 2: 5, 3: 0}, {0: 9, 1: 8, 2: 9, 3: 3}
PASSED = {1: 4, 2: 2, 3: 1}  # nobody has committed partition 0; 2 expired in part; 3 was cut; 4 is no more


def expected(rows: Sequence[Row]) -> list[int]:
    sendings = [
        Sending(
            row.rung,
            row.due,
            row.place is not None
            and is_unread(
                row.place[1],
                passed=PASSED.get(row.place[0]),
                start=STARTS.get(row.place[0], 0),
                end=ENDS.get(row.place[0], 0),
            ),
        )
        for row in rows
    ]
    return to_send(sendings)


def draw(rng: random.Random) -> list[Row]:
    """A tail as it may come about: mostly of one partition, with what is done before what is not."""
    partition = rng.randrange(5)
    rows = []
    for _ in range(rng.randint(1, 6)):
        state = rng.choices(["unsent", "sent", "routed", "settled"], [1, 5, 2, 1])[0]
        here = partition if rng.random() < 0.9 else rng.randrange(5)
        known = state == "sent" or (state != "unsent" and rng.random() < 0.8)
        rows.append(Row(state, rng.random() < 0.4, (here, rng.randrange(10)) if known else None))
    return rows


async def store(scene: Scene, tails: Sequence[Sequence[Row]]) -> None:
    columns = [
        (f"s{n // 2}", f"organ{n % 2}", number, row.state, row.due, *(row.place or (None, None)))
        for n, tail in enumerate(tails)
        for number, row in enumerate(tail, 1)
    ]
    names = ("subjects", "organs", "sequences", "states", "dues", "partitions", "offsets")
    async with scene.database.transaction() as conn:
        await conn.execute(
            text("""
                INSERT INTO outbox (source, envelope_id, topic, key, subject, organ, type, headers, value, digest,
                                    sequence, state, pending, due_at, log_partition, log_offset)
                SELECT 'test', subject || organ || sequence, 'ingest.commune', subject, subject, organ, 't', '[]', '',
                       '', sequence, state, state = 'unsent',
                       now() + CASE WHEN due THEN interval '-1 s' ELSE interval '1 h' END, log_partition, log_offset
                  FROM unnest(CAST(:subjects AS text[]), CAST(:organs AS text[]), CAST(:sequences AS bigint[]),
                              CAST(:states AS text[]), CAST(:dues AS bool[]), CAST(:partitions AS int[]),
                              CAST(:offsets AS bigint[]))
                       AS r(subject, organ, sequence, state, due, log_partition, log_offset)
            """),
            dict(zip(names, (list(column) for column in zip(*columns, strict=True)), strict=True)),
        )
        await conn.execute(
            text("INSERT INTO log_position SELECT 'ingest.commune', p, 1, 9 FROM generate_series(0, 4) AS p")
        )


async def test_the_statements_mark_what_the_pure_rule_sends(scene: Scene) -> None:
    rng = random.Random(20240603)
    tails = [draw(rng) for _ in range(400)]
    await store(scene, tails)
    ahead = {TopicPartition(TOPIC, p): unread(passed=PASSED[p], start=STARTS[p], end=ENDS[p]) for p in sorted(PASSED)}
    async with scene.database.transaction() as conn:
        await scene.source.fall_due(conn, ahead)
    async with scene.database.read() as conn:
        rows = await conn.execute(text("SELECT subject, organ, sequence FROM outbox WHERE pending"))
        pending = {(row.subject, row.organ, row.sequence - 1) for row in rows}
    wanted = {(f"s{n // 2}", f"organ{n % 2}", place) for n, tail in enumerate(tails) for place in expected(tail)}
    assert pending == wanted
    assert 200 < len(wanted) < sum(map(len, tails)) - 200


# on a real broker


@pytest.fixture
async def hasty(database_url: str, cluster: Cluster) -> AsyncIterator[Scene]:
    """A program that sends again soon, to a topic of one partition."""
    scene = Scene(database_url, cluster, partitions=1, retry_scale=SHORT)
    yield scene
    await scene.aclose()


@pytest.fixture
async def patient(database_url: str, cluster: Cluster) -> AsyncIterator[Scene]:
    """A program that sends again when a test says so."""
    scene = Scene(database_url, cluster, partitions=1, retry_scale=LONG)
    yield scene
    await scene.aclose()


class Reading:
    """A live member of the group that reads for another program: it knows nothing of the sender's database."""

    def __init__(self, cluster: Cluster, *, behind: int = 0) -> None:
        self._behind = behind
        self.group = GroupConsumer(cluster, GROUP, [TOPIC], drain=self._drain)
        self.read: list[Record] = []
        self.losses = 0
        self.stopping = False

    async def _drain(self) -> None:
        return

    async def run(self) -> None:
        while not self.stopping:
            try:
                fetched = await self.group.poll(0.1)
            except LogLost:
                self.losses += 1
                continue
            except BrokerAway:
                await asyncio.sleep(0.1)
                continue
            for partition, records in fetched.items():
                self.read += records
                with suppress(BrokerAway):
                    await self.group.commit({partition: max(records[-1].offset + 1 - self._behind, 0)})

    def times(self, subject: str) -> list[int]:
        found = [from_record(record.headers, record.value) for record in self.read]
        return [envelope.sequence or 0 for envelope in found if envelope.subject == subject]


@asynccontextmanager
async def reading(cluster: Cluster, *, behind: int = 0) -> AsyncIterator[Reading]:
    reader = Reading(cluster, behind=behind)
    await reader.group.start()
    task = asyncio.create_task(reader.run())
    try:
        yield reader
    finally:
        reader.stopping = True
        await task
        await reader.group.stop()


async def sent(scene: Scene) -> bool:
    return await scene.count("pending") == 0


async def committed(scene: Scene, offset: int) -> bool:
    try:
        return (await scene.admin.committed(GROUP)).get(PLACE) == offset
    except BrokerAway:
        return False


async def all_read(scene: Scene) -> bool:
    [(_, end)] = (await scene.admin.bounds([TOPIC])).values()
    return end > 0 and await committed(scene, end)


async def make_due(scene: Scene) -> None:
    async with scene.database.transaction() as conn:
        await conn.execute(text("UPDATE outbox SET due_at = now() - interval '1 second'"))


async def test_a_group_that_never_committed_is_not_waited_for(hasty: Scene) -> None:
    hasty.start()
    await hasty.write(["a", "a"])

    async def doubled() -> bool:
        return facts_of(await read_all(hasty.cluster, TOPIC)).get("a", []).count(1) > 1

    await until(lambda: sent(hasty))
    await until(doubled, every=0.2)
    facts = facts_of(await read_all(hasty.cluster, TOPIC))
    assert facts["a"][:4] == [1, 2, 1, 2]


async def test_nor_is_it_by_a_routed_fact(patient: Scene) -> None:
    patient.start()
    [fact] = await patient.write(["a"])
    await until(lambda: sent(patient))
    async with patient.climbing([fact]) as rungs:
        rungs.routed([Identity(SOURCE, fact.id)])
    await make_due(patient)

    async def asked() -> bool:
        return await patient.count("state = 'routed' AND log_offset = 1") == 1

    await until(asked)


async def test_what_is_yet_to_be_read_is_not_sent_again(hasty: Scene) -> None:
    """The guard still holds: while the reader is away the log does not grow."""
    hasty.start()
    await hasty.write(["a"])
    async with reading(hasty.cluster):
        await until(lambda: all_read(hasty))
    async with hasty.database.transaction() as conn:
        await conn.execute(text("UPDATE outbox SET state = 'settled', pending = false"))
    await hasty.write(["b"])
    await until(lambda: sent(hasty))
    [before] = (await hasty.admin.bounds([TOPIC])).values()

    async def overdue() -> bool:
        return await hasty.count("state = 'sent' AND key = 'b' AND due_at < now() - interval '3 seconds'") == 1

    await until(overdue)
    assert list((await hasty.admin.bounds([TOPIC])).values()) == [before]
    assert await hasty.count("key = 'b' AND attempts = 1") == 1
    async with reading(hasty.cluster) as reader:
        await until(lambda: again(reader, "b", [1, 1]))


async def test_a_reader_that_found_nothing_has_a_place_all_the_same(hasty: Scene) -> None:
    """What comes while it is away is waited for, though it never had anything to commit."""
    hasty.start()
    await until(lambda: made(hasty), what="the topic")
    async with reading(hasty.cluster):
        await until(lambda: committed(hasty, 0))
    await hasty.write(["a"])
    await until(lambda: sent(hasty))

    async def overdue() -> bool:
        return await hasty.count("state = 'sent' AND due_at < now() - interval '3 seconds'") == 1

    await until(overdue)
    assert list((await hasty.admin.bounds([TOPIC])).values()) == [(0, 1)]


async def made(scene: Scene) -> bool:
    return scene.watch.generation == 1


async def again(reader: Reading, subject: str, numbers: list[int]) -> bool:
    return reader.times(subject)[: len(numbers)] == numbers


async def test_a_topic_made_anew_under_a_live_reader(patient: Scene) -> None:
    patient.start()
    await patient.write(["a", "a"])
    async with reading(patient.cluster):
        await until(lambda: committed(patient, 2))
        physical = patient.cluster.physical(TOPIC)
        await patient.admin._ask(lambda client: client.delete_topics([physical]))

        async def gone() -> bool:
            return TOPIC not in await patient.admin.topics()

        await until(gone)
        await patient.ensure_topics()
        await make_due(patient)
        await until(lambda: in_log(patient, "a", 2))
        await until(lambda: noticed(patient))


async def test_records_deleted_before_a_reader_came_back(patient: Scene) -> None:
    """It finds itself at the end, with nothing to commit."""
    patient.start()
    await patient.write(["a"])
    async with reading(patient.cluster):
        await until(lambda: committed(patient, 1))
    await patient.write(["a", "a"])
    await until(lambda: sent(patient))
    place = TopicPartition(patient.cluster.physical(TOPIC), 0)
    await patient.admin._ask(lambda client: client.delete_records({place: SimpleNamespace(before_offset=3)}))
    assert await patient.admin.bounds([TOPIC]) == {PLACE: (3, 3)}
    async with reading(patient.cluster) as reader:
        await until(lambda: lost(reader))
        await make_due(patient)
        await until(lambda: again(reader, "a", [1, 2, 3]))
    assert patient.watch.generation == 1, "the sender's own log is whole"


async def in_log(scene: Scene, subject: str, last: int) -> bool:
    return accepted(facts_of(await read_all(scene.cluster, TOPIC)).get(subject, [])) == last


async def noticed(scene: Scene) -> bool:
    """The acks of what was sent again are not above the last one."""
    return scene.watch.generation == 2


async def lost(reader: Reading) -> bool:
    return reader.losses > 0


def cut(file: Path, offset: int) -> None:
    """Ends the log before the batch that holds this offset, as a power failure may."""
    raw, place = file.read_bytes(), 0
    while place < len(raw):
        first, length = struct.unpack_from(">qi", raw, place)
        if first >= offset:
            break
        place += 12 + length
    file.write_bytes(raw[:place])


async def test_a_log_whose_end_was_cut_off_under_its_reader(patient: Scene, kafka: Kafka) -> None:
    patient.start()
    await patient.write(["a"])
    async with reading(patient.cluster):
        await until(lambda: committed(patient, 1))
    await patient.write(["a", "a"])
    await until(lambda: sent(patient))
    await asyncio.to_thread(kafka.kill)
    cut(kafka.home / "data" / f"{patient.cluster.physical(TOPIC)}-0" / f"{0:020}.log", 1)
    await asyncio.to_thread(kafka.start)

    async def is_cut() -> bool:
        with suppress(BrokerAway):  # no leader yet
            return await patient.admin.bounds([TOPIC]) == {PLACE: (0, 1)}
        return False

    await until(is_cut)
    async with reading(patient.cluster) as reader:
        await make_due(patient)
        await until(lambda: again(reader, "a", [1, 2, 3]))
    await until(lambda: noticed(patient))


async def test_a_subject_posted_to_without_a_pause_is_sent_again_all_the_same(hasty: Scene) -> None:
    """Its reader is always one record behind, and its gateway answers nothing."""
    hasty.start()
    await hasty.write(["a"])
    posting = asyncio.create_task(_post(hasty, "a"))
    try:
        async with reading(hasty.cluster, behind=1) as reader:

            async def repeated() -> bool:
                return reader.times("a").count(1) > 1

            await until(repeated)
    finally:
        posting.cancel()
        await asyncio.wait({posting})
    first = reader.times("a")
    start = first.index(1, 1)
    assert first[:start] == list(range(1, start + 1))
    assert first[start : start + 3] == [1, 2, 3]


async def _post(scene: Scene, subject: str) -> None:
    while True:
        await scene.write([subject])
        await asyncio.sleep(0.05)
