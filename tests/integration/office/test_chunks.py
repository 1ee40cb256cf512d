"""A chunk is read once and written once: what its records say of the same rows comes together."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from contracts.envelope import Envelope, to_headers
from contracts.levels import Level
from contracts.protocol import Stamp
from contracts.topology import ingest
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.kernel.messaging.inbox import lock_subjects
from services.kernel.messaging.records import Identity, Record
from services.office.doors import Answer
from services.office.dossiers.actions import NewDossier, Outcome
from services.office.exchange.actions import Exchange, Post
from services.office.exchange.rules import Hop, Word
from services.office.organs.rules import Actor
from services.office.transfers.rules import Report
from tests.integration.office.stage import (
    COMMUNE_A,
    COMMUNE_B,
    DEPARTMENT,
    PROVINCE,
    Stage,
    act_payload,
    dossier,
    fresh_code,
    moment,
    new_id,
    settings_for,
    stamp,
    submitted,
)

ROUTED, HANDED_OVER = "receipt.routed", "receipt.handed-over"


class Desk:
    """An office without a broker: chunks are given to it by hand."""

    def __init__(self, stage: Stage) -> None:
        self.office = office = stage.office
        for topic, name, value in stage.registries():
            office.registry.changed(topic, {name: orjson.dumps(value)})
        post = Post(outbox=office.outbox, clock=office.clock, source=stage.settings.source, topic=ingest(Level.COMMUNE))
        self.source = post.source
        self.exchange = Exchange(
            doors=office.doors, transfers=office.transfers, attachments=office.attachments, post=post
        )

    async def take(self, *parts: Hop | Word) -> None:
        hops = [part for part in parts if isinstance(part, Hop)]
        told = [part for part in parts if isinstance(part, Word)]
        async with self.office.database.transaction() as conn:
            await self.exchange.take(conn, hops, told, {})

    async def submit(self, **fields: Any) -> tuple[str, str]:
        """Code and transfer."""
        new = NewDossier(Actor(organ=COMMUNE_A, system="a"), dossier(deciding_organ=DEPARTMENT, **fields))
        async with self.office.database.transaction() as conn:
            (outcome,) = await self.office.dossiers.submit(conn, [new])
        assert isinstance(outcome, Outcome)
        return outcome.view.held.code, outcome.transfers[0]

    def told(self, kind: str, code: str, transfer: str, *, version: int = 1, organ: str = DEPARTMENT) -> Word:
        report: dict[str, Any] = {"organ": organ, "state": "open", "via": "office", "delivery": "d1"}
        if kind == HANDED_OVER:
            report = {"organ": organ, "state": "handed_over", "handed_over_at": moment()}
        item = {
            "source": self.source,
            "id": transfer,
            "subject": code,
            "stamp": stamp(version=version).to_dict(),
            "deliveries": [report],
        }
        return Word(type=kind, items=[item], at=datetime.now(UTC))

    async def sql(self, query: str, **values: Any) -> list[Any]:
        async with self.office.database.read() as conn:
            return list((await conn.execute(text(query), values)).all())


@pytest.fixture
async def desk(make_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[Desk]:
    stage = Stage(settings_for(make_database(), "127.0.0.1:1", tmp_path))
    yield Desk(stage)
    await stage.office.database.aclose()


def hop(subject: str, number: int, *organs: str, problem: str = "", **changes: Any) -> Hop:
    """`dossier.submitted` as its first, an act of the department afterwards, with the stamp of that version."""
    kind, payload = "dossier.submitted", submitted(subject)
    if number > 1:
        kind, payload = "dossier.status-changed", act_payload(subject, action="accept", status=2)
    fields: dict[str, Any] = {
        "id": new_id(),
        "source": PROVINCE,
        "type": kind,
        "subject": subject,
        "sender": DEPARTMENT,
        "recipients": organs,
        "sequence": number,
        "hopsequence": number,
        "time": datetime.now(UTC),
        "value": orjson.dumps(payload),
        "stamp": Stamp(status=min(number, 2), custodian=DEPARTMENT, epoch=1, version=number),
    }
    envelope = Envelope(**fields | changes)
    record = Record(
        topic="deliver.commune",
        partition=0,
        offset=number,
        key=subject,
        value=envelope.value,
        headers=to_headers(envelope),
    )
    return Hop(record=record, envelope=envelope, number=number, payload=payload, problem=problem)


async def test_both_receipts_of_a_fact_in_one_chunk_in_either_order(desk: Desk) -> None:
    for order in (1, -1):
        code, transfer = await desk.submit()
        words = [desk.told(ROUTED, code, transfer), desk.told(HANDED_OVER, code, transfer)]
        await desk.take(*words[::order])
        assert [row.state for row in await desk.sql("SELECT state FROM transfer WHERE id = :id", id=transfer)] == [
            "routed"
        ]
        (delivery,) = await desk.sql("SELECT * FROM transfer_delivery WHERE transfer = :id", id=transfer)
        assert (delivery.state, delivery.delivery, delivery.handed_over_at is not None) == ("handed_over", "d1", True)
        (row,) = await desk.sql("SELECT state, closed_at FROM outbox WHERE envelope_id = :id", id=transfer)
        assert (row.state, row.closed_at is not None) == ("settled", True)
        (step,) = await desk.sql("SELECT state FROM dossier_entry WHERE transfer = :id", id=transfer)
        assert step.state == "routed"
        (item,) = await desk.sql("SELECT type FROM inbox_item WHERE subject = :code", code=code)
        assert item.type == "vn.lienthong.receipt.handed-over"


async def test_what_is_told_again_writes_nothing(desk: Desk) -> None:
    code, transfer = await desk.submit()
    told = [desk.told(ROUTED, code, transfer), desk.told(HANDED_OVER, code, transfer)]
    await desk.take(*told)
    versions = (
        "SELECT t.xmin AS a, d.xmin AS b, o.xmin AS c, s.xmin AS d, e.xmin AS e"
        "  FROM transfer t JOIN transfer_delivery d ON d.transfer = t.id JOIN outbox o ON o.envelope_id = t.id"
        "  JOIN dossier s ON s.code = t.subject JOIN dossier_entry e ON e.transfer = t.id WHERE t.id = :id"
    )
    before = await desk.sql(versions, id=transfer)
    assert len(before) == 1

    await desk.take(*told)

    assert await desk.sql(versions, id=transfer) == before
    assert len(await desk.sql("SELECT FROM inbox_item WHERE subject = :code", code=code)) == 1


async def test_a_fact_and_word_on_the_same_dossier_leave_the_newest_stamp(desk: Desk) -> None:
    """The office's own step was accepted, and what the department made of the dossier since lies beside it."""
    code, transfer = await desk.submit()
    act = hop(code, 1, COMMUNE_A, type="dossier.status-changed", stamp=stamp(status=2, version=2))
    act = replace(act, payload=act_payload(code, action="accept", status=2))
    await desk.take(act, desk.told(ROUTED, code, transfer))

    (row,) = await desk.sql("SELECT status, version FROM dossier WHERE code = :code", code=code)
    assert (row.status, row.version) == (2, 2)
    steps = await desk.sql("SELECT action, state FROM dossier_entry WHERE code = :code ORDER BY position", code=code)
    assert [(step.action, step.state) for step in steps] == [("submit", "routed"), ("accept", "routed")]


async def test_an_own_fact_that_comes_back_with_its_receipt(desk: Desk) -> None:
    """An organ can be sender and recipient: both speak of the same delivery."""
    code, transfer = await desk.submit()
    back = hop(code, 1, COMMUNE_A, id=transfer, source=desk.source, sender=COMMUNE_A)
    await desk.take(back, desk.told(ROUTED, code, transfer, organ=COMMUNE_A))

    (delivery,) = await desk.sql("SELECT state, delivery FROM transfer_delivery WHERE transfer = :id", id=transfer)
    assert (delivery.state, delivery.delivery) == ("handed_over", "d1")
    (row,) = await desk.sql("SELECT state FROM outbox WHERE envelope_id = :id", id=transfer)
    assert row.state == "settled"


async def test_a_subject_that_is_freed_and_stuck_again_in_one_chunk_stays_stuck(desk: Desk) -> None:
    code = fresh_code()
    await desk.take(hop(code, 1, COMMUNE_B, problem="attachment.missing"))
    assert len(await desk.sql("SELECT FROM stuck WHERE subject = :code", code=code)) == 1

    await desk.take(hop(code, 1, COMMUNE_B), hop(code, 2, COMMUNE_B, problem="attachment.missing"))

    (stuck,) = await desk.sql("SELECT hopsequence FROM stuck WHERE subject = :code", code=code)
    assert stuck.hopsequence == 2
    (subject,) = await desk.sql("SELECT last_hop FROM subject WHERE subject = :code", code=code)
    assert subject.last_hop == 1


async def test_items_of_several_organs_take_their_positions_in_order(desk: Desk) -> None:
    hops = [hop(fresh_code(), 1, COMMUNE_A, COMMUNE_B) for _ in range(3)]
    alone = hop(fresh_code(), 1, COMMUNE_B)
    await desk.take(alone, *hops[:2])
    await desk.take(hops[2])

    for organ, expected in ((COMMUNE_A, hops), (COMMUNE_B, [alone, *hops])):
        items = await desk.sql(
            "SELECT id, position FROM inbox_item WHERE organ = :organ ORDER BY position", organ=organ
        )
        assert [item.id for item in items] == [each.envelope.id for each in expected]
        assert [item.position for item in items] == list(range(1, len(expected) + 1))


async def test_news_shows_answers_that_came_with_it(desk: Desk) -> None:
    _, transfer = await desk.submit()
    code = (await desk.sql("SELECT subject FROM transfer WHERE id = :id", id=transfer))[0].subject
    first, second = (_answer(transfer, moment_) for moment_ in (2, 1))
    async with desk.office.database.transaction() as conn:
        await _journal(desk, conn, code, transfer, [second])
    async with desk.office.database.transaction() as conn:
        (settled,) = await _journal(desk, conn, code, transfer, [first, second, first], settle=True)

    assert [each.answer for each in settled.answers] == [second.answer, first.answer]
    assert len(await desk.sql("SELECT FROM transfer_answer WHERE transfer = :id", id=transfer)) == 2


def _answer(transfer: str, hour: int) -> Answer:
    return Answer(
        transfer=transfer,
        holder=COMMUNE_A,
        organ=DEPARTMENT,
        answer=f"a{hour}",
        code="03",
        at=datetime(2024, 6, 3, hour, tzinfo=UTC),
    )


async def _journal(
    desk: Desk, conn: Connection, code: str, transfer: str, answers: Sequence[Answer], *, settle: bool = False
) -> Sequence[Any]:
    name = Identity(desk.source, transfer)
    await lock_subjects(conn, [code])
    reads, writes = Reads(), Writes()
    journal = desk.office.transfers.journal(reads, [name])
    await reads.run(conn)
    journal.answer(answers)
    reports = [Report(transfer=transfer, organ=DEPARTMENT, state="handed_over", handed_over_at=datetime.now(UTC))]
    settled = journal.settle({name: True}, reports) if settle else []
    journal.write(writes)
    await writes.run(conn)
    return settled
