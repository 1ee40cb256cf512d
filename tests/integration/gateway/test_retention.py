"""Old months of the ledger and of events go, by a clock that stands still, and nothing open goes with them."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import orjson
import pytest
from pydantic import ValidationError
from sqlalchemy import text

from contracts.envelope import Envelope
from gateway.delivery import store as deliveries
from gateway.national import store as national
from gateway.retention import Keeping
from gateway.transfers import store as transfers
from services.kernel.leases import Leases
from services.kernel.partitions import ensure
from services.kernel.retention import Retention
from services.kernel.settings import Settings
from tests.integration.gateway.conftest import COMMUNE, DEPARTMENT, NOW, Bench
from tests.integration.gateway.test_ingest import submitted

LATER = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
SETTINGS = Settings(program="gateway")


class At:
    """A clock that stands at one moment."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def hub_now(self) -> datetime:
        return NOW

    def machine_now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0

    def new_id(self) -> str:
        return _id(self._now, 0)


def _id(at: datetime, number: int) -> str:
    """A UUIDv7 of this moment."""
    return str(UUID(f"{int(at.timestamp() * 1000):012x}7{number:03x}8{0:015x}"))


class Past:
    """Facts as they would lie there had they been taken at their time."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._numbers: Iterator[int] = count(1)

    async def take(self, at: datetime, *, done: bool = True) -> Envelope:
        """One dossier for another office, dated then; `done` when it was receipted a minute later."""
        number = next(self._numbers)
        code = f"{COMMUNE}-20240603-{number:07d}"
        envelope = replace(submitted(code=code, deciding_organ=DEPARTMENT), id=_id(at, number))
        await self.bench.take(envelope)
        if done:
            await self.receipt(envelope)
        await self.date(envelope, at)
        return envelope

    async def receipt(self, envelope: Envelope, *, hop: int = 1, id_: str = "", source: str = "") -> None:
        told = {"organ": DEPARTMENT, "state": "handed_over", "handed_over_at": "2024-06-03T01:00:05Z"}
        identity = {"source": source or envelope.source, "id": id_ or envelope.id, "subject": envelope.subject}
        word = Envelope(
            id=_id(LATER, next(self._numbers)),
            source="urn:lienthong:h28:province",
            type="receipt.handed-over",
            subject="province",
            time=NOW,
            value=orjson.dumps({"items": [{**identity, "hopsequence": hop, "deliveries": [told]}]}),
        )
        await self.bench.take(word, topic="ingest.province")

    async def date(self, envelope: Envelope, at: datetime) -> None:
        values = {"at": at, "id": envelope.id, "subject": envelope.subject}
        async with self.bench.database.transaction() as conn:
            for statement in (
                "UPDATE transfer SET accepted_at = :at WHERE id = :id",
                "UPDATE delivery SET opened_at = :at WHERE transfer_id = :id",
                "UPDATE hop SET created_at = :at, done_at = CASE WHEN done THEN CAST(:at AS timestamptz) END"
                " WHERE transfer_id = :id",
                "UPDATE event SET created_at = :at WHERE subject = :subject",
            ):
                await conn.execute(text(statement), values)

    async def have(self, table: str, column: str = "id") -> set[str]:
        return {row[column] for row in await self.bench.rows(f"SELECT {column} FROM {table}")}

    async def parts(self, table: str) -> list[str]:
        found = await self.bench.rows(
            f"SELECT substr(inhrelid::regclass::text, {len(table) + 2}) AS name FROM pg_inherits"
            f" WHERE inhparent = '{table}'::regclass ORDER BY 1"
        )
        return [row["name"] for row in found]

    async def cut(self, now: datetime) -> None:
        """Parts for everything that lies there, as an hourly round of those times would have made them."""
        for parts in Keeping(self.bench.database, SETTINGS).plan().parts:
            await ensure(self.bench.database, parts, now, since=now - timedelta(days=1500))


@pytest.fixture
def past(bench: Bench) -> Past:
    return Past(bench)


def keeper(bench: Bench, now: datetime = LATER, settings: Settings = SETTINGS) -> Retention:
    plan = Keeping(bench.database, settings).plan()
    return Retention(bench.database, Leases(bench.database, "test"), plan, clock=At(now))


async def test_old_months_go_and_nothing_open_goes_with_them(past: Past) -> None:
    bench = past.bench
    gone = [await past.take(datetime(2024, month, 10, tzinfo=UTC)) for month in (1, 2, 3, 4, 5)]
    young = await past.take(datetime(2026, 7, 10, tzinfo=UTC))
    open_ = await past.take(datetime(2024, 2, 11, tzinfo=UTC), done=False)
    unreceipted = await past.take(datetime(2024, 3, 11, tzinfo=UTC), done=False)
    [row] = await bench.rows(f"SELECT id FROM delivery WHERE transfer_id = '{unreceipted.id}'")
    assert await bench.close(row["id"])
    waiting = await past.take(datetime(2024, 5, 11, tzinfo=UTC), done=False)
    async with bench.database.transaction() as conn:  # nobody has decided yet who receives it
        await conn.execute(text("DELETE FROM hop WHERE transfer_id = :id"), {"id": waiting.id})
        undecided = "UPDATE delivery SET office = '', hopsequence = 0, waiting = 1 WHERE transfer_id = :id"
        await conn.execute(text(undecided), {"id": waiting.id})
    await bench.sent(bench.events)
    told_late = await past.take(datetime(2024, 4, 11, tzinfo=UTC))
    await past.cut(LATER)
    worker = keeper(bench)
    await worker.turn()
    assert worker.part().ok
    kept = {young.id, open_.id, unreceipted.id, waiting.id}
    assert await past.have("transfer") == kept
    assert await past.have("payload") == kept
    assert await past.have("delivery", "transfer_id") == kept
    assert await past.have("hop", "transfer_id") == kept - {waiting.id}
    assert await past.have("event", "subject") == {young.subject, told_late.subject}
    assert await past.parts("transfer") == ["2024_02", "2024_03", "2024_05", "2026_07", "2026_08", "2026_09", "rest"]
    assert await past.parts("event") == ["2024_04", "2026_07", "2026_08", "2026_09", "rest"]
    assert len(gone) == 5
    assert {message.key for message in await bench.sent(bench.hops)} == {open_.subject, unreceipted.subject}
    for envelope in (open_, unreceipted):
        await past.receipt(envelope)
        await past.date(envelope, datetime(2024, 3, 20, tzinfo=UTC))
    await keeper(bench).turn()
    await keeper(bench).turn()
    assert await past.have("transfer") == {young.id, waiting.id}
    assert await past.parts("transfer") == ["2024_05", "2026_07", "2026_08", "2026_09", "rest"]
    assert await bench.rows("SELECT * FROM dead_letter") == []
    counters = await bench.rows("SELECT DISTINCT last FROM hop_counter")
    assert [row["last"] for row in counters] == [1], "a number that was used stays used"


async def test_contents_go_thirty_days_after_the_last_receipt_and_the_ledger_stays(past: Past) -> None:
    long_done, just_done = [await past.take(datetime(2026, 2, day, tzinfo=UTC)) for day in (3, 4)]
    async with past.bench.database.transaction() as conn:
        for envelope, days in ((long_done, 31), (just_done, 29)):
            moment = {"at": LATER - timedelta(days=days), "id": envelope.id}
            await conn.execute(text("UPDATE hop SET done_at = :at, pending = false WHERE transfer_id = :id"), moment)
    await past.cut(LATER)
    await keeper(past.bench).turn()
    assert await past.have("payload") == await past.have("hop", "transfer_id") == {just_done.id}
    assert await past.have("transfer") == {long_done.id, just_done.id}
    async with past.bench.database.read() as conn:
        assert await national.fact(conn, (long_done.source, long_done.id)) is None
        assert await national.fact(conn, (just_done.source, just_done.id)) is not None
    await keeper(past.bench, LATER + timedelta(days=2)).turn()
    assert await past.have("payload") == set()
    assert "2026_02" not in await past.parts("payload")
    assert "2026_02" in await past.parts("transfer")


@pytest.mark.parametrize(
    ("name", "least"),
    [("keep_ledger_months", 3), ("keep_payloads_days", 30), ("keep_events_days", 7), ("keep_dead_letters_months", 1)],
)
def test_nothing_is_kept_shorter_than_senders_repeat(name: str, least: int) -> None:
    assert getattr(Settings.model_validate({"program": "gateway", name: least}), name) == least
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate({"program": "gateway", name: least - 1})


async def test_two_purgers_at_once(past: Past) -> None:
    for month in (1, 2, 3):
        await past.take(datetime(2024, month, 10, tzinfo=UTC))
    open_ = await past.take(datetime(2024, 2, 11, tzinfo=UTC), done=False)
    await past.bench.sent(past.bench.events)
    await past.cut(LATER)
    first, second = keeper(past.bench), keeper(past.bench)
    await asyncio.gather(first.turn(), second.turn())
    await first.turn()
    assert (first.part().ok, second.part().ok) == (True, True)
    for table, column in (("transfer", "id"), ("payload", "id"), ("delivery", "transfer_id")):
        assert await past.have(table, column) == {open_.id}
        assert (await past.parts(table))[0] == "2024_02"


async def test_purge_while_facts_come_in(past: Past) -> None:
    for month in (1, 2, 3, 4):
        await past.take(datetime(2024, month, 10, tzinfo=UTC))
    await past.bench.sent(past.bench.events)
    await past.cut(LATER)
    worker = keeper(past.bench)

    async def come() -> list[Envelope]:
        return [await past.take(LATER + timedelta(seconds=number)) for number in range(8)]

    taken, _ = await asyncio.gather(come(), worker.turn())
    for _ in range(5):
        await worker.turn()
    assert await past.have("transfer") == {envelope.id for envelope in taken}
    assert await past.have("delivery", "transfer_id") == {envelope.id for envelope in taken}
    assert not [name for name in await past.parts("transfer") if name.startswith("2024")]


async def test_a_lock_that_is_not_got_soon_is_left_to_the_next_round(past: Past) -> None:
    await past.take(datetime(2024, 1, 10, tzinfo=UTC))
    await past.cut(LATER)
    async with past.bench.database.transaction() as conn:
        await conn.execute(text("SELECT count(*) FROM transfer"))
        await keeper(past.bench).turn()
        assert (await past.parts("transfer"))[0] == "2024_01"
        assert len(await past.have("transfer")) == 1
    await keeper(past.bench).turn()
    assert "2024_01" not in await past.parts("transfer")


async def test_an_office_that_asks_for_a_purged_hop_gets_it_again_or_a_void(past: Past) -> None:
    """From its payload as long as that is kept, else as void; never nothing, or the office would ask for ever."""
    bench = past.bench
    envelope = await past.take(datetime(2024, 1, 10, tzinfo=UTC))
    await bench.sent(bench.hops)
    key = (envelope.subject, "province", 1)

    async def ask() -> tuple[str, str, bytes]:
        async with bench.database.transaction() as conn:
            await conn.execute(text("DELETE FROM hop"))
            assert await deliveries.resend_from(conn, [key]) == 1
        [message] = await bench.sent(bench.hops)
        headers = {name: raw.decode() for name, raw in message.headers}
        assert (headers["ce_subject"], int(headers["ce_hopsequence"])) == (envelope.subject, 1)
        return headers["ce_type"], message.topic, message.value or b""

    assert await ask() == ("vn.lienthong.dossier.submitted", "deliver.province", envelope.value)
    async with bench.database.transaction() as conn:
        await conn.execute(text("DELETE FROM payload"))
    kind, topic, value = await ask()
    assert (kind, topic) == ("vn.lienthong.delivery.voided", "deliver.province")
    assert orjson.loads(value) == {"source": envelope.source, "id": envelope.id}
    async with bench.database.transaction() as conn:
        for table in ("transfer", "delivery"):
            await conn.execute(text(f"DELETE FROM {table}"))
    kind, _, value = await ask()
    assert kind == "vn.lienthong.delivery.voided"
    told = orjson.loads(value)
    await past.receipt(envelope, id_=told["id"], source=told["source"])
    assert await bench.rows("SELECT * FROM dead_letter") == []
    assert await bench.sent(bench.hops) == []
    async with bench.database.transaction() as conn:
        assert await deliveries.resend_from(conn, [(envelope.subject, "province", 2)]) == 0


async def test_closed_dead_letters_go_after_a_year_and_open_ones_stay(past: Past) -> None:
    rows = [("old", "closed", 400), ("young", "closed", 300), ("open", "open", 900)]
    async with past.bench.database.transaction() as conn:
        for id_, state, days in rows:
            await conn.execute(
                text(
                    "INSERT INTO listed_dead_letter (id, program, topic, log_partition, log_offset, headers, verdict,"
                    " code, at, state, closed_at)"
                    " VALUES (:id, 'gateway', 't', 0, 0, '{}', '{}', '', now(), :state, :at)"
                ),
                {"id": id_, "state": state, "at": LATER - timedelta(days=days)},
            )
    await keeper(past.bench).turn()
    assert await past.have("listed_dead_letter") == {"young", "open"}


@pytest.mark.parametrize("statement", ["_KNOWN", "_SET_STATE", "_OF_TRANSFERS"])
async def test_a_chunk_looks_only_into_the_months_of_its_ids(past: Past, statement: str) -> None:
    await past.cut(LATER)
    for month in (1, 2, 3):
        await past.take(datetime(2024, month, 10, tzinfo=UTC))
    await past.cut(LATER)
    module = deliveries if statement == "_OF_TRANSFERS" else transfers
    values = transfers.keys_of([("urn:lienthong:h28:commune", _id(LATER, 1))]) | {"states": ["closed"]}
    async with past.bench.database.transaction() as conn:
        for name in ("hashjoin", "mergejoin", "seqscan", "bitmapscan"):  # as it is with tables of some size
            await conn.execute(text(f"SET LOCAL enable_{name} = off"))
        explain = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF) {getattr(module, statement)}"
        lines = (await conn.execute(text(explain), values)).scalars().all()
    scans = {
        part: line for line in lines for part in ("_2026_07", "_2024_0", "_rest") if "Scan" in line and part in line
    }
    assert "never executed" not in scans["_2026_07"]
    assert "never executed" in scans["_2024_0"]
    assert "never executed" in scans["_rest"]
