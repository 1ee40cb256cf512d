"""The group commit: many at once, each with its own answer, and nothing answered that is not stored."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from sqlalchemy import text

from contracts.problems import HubError
from services.kernel.bulk import Writes
from services.kernel.connection import Connection, DatabaseError
from services.kernel.database import Database
from services.kernel.idempotency import Answer, Keyed, Replay
from services.office.dossiers.actions import Dossiers, NewDossier, Outcome
from services.office.dossiers.intake import Intake
from services.office.organs.rules import Actor
from tests.integration.office.stage import COMMUNE_A, Stage, dossier, fresh_code, until

BAD = "a row the database refuses"


class Refusing(Dossiers):
    """The real thing, but one dossier makes the database refuse the whole statement."""

    groups: list[int]
    begun: asyncio.Event

    async def submit(self, conn: Connection, dossiers: Sequence[NewDossier]) -> list[Outcome | HubError]:
        self.groups.append(len(dossiers))
        self.begun.set()
        if any(each.fields.get("summary") == BAD for each in dossiers):
            await conn.execute(text("SELECT 1 / 0"))
        return await super().submit(conn, dossiers)

    def issue(self, writes: Writes, dossiers: Sequence[NewDossier], numbers: Sequence[int]) -> list[Outcome | HubError]:
        self.groups.append(len(dossiers))
        self.begun.set()
        if any(each.fields.get("summary") == BAD for each in dossiers):
            writes.add("DELETE FROM subject WHERE 1 / CAST(:zero AS int) = 1", {"zero": 0})
        return super().issue(writes, dossiers, numbers)


@asynccontextmanager
async def running(stage: Stage) -> AsyncIterator[tuple[Intake, Refusing]]:
    office = stage.office
    dossiers = Refusing(office.transfers, office.attachments, office.organs, office.clock)
    dossiers.groups, dossiers.begun = [], asyncio.Event()
    intake = Intake(dossiers, office.idempotency, office.database)
    stop = asyncio.Event()
    worker = asyncio.create_task(intake.run(stop))
    try:
        yield intake, dossiers
    finally:
        stop.set()
        await worker


def new(**fields: Any) -> NewDossier:
    return NewDossier(Actor(organ=COMMUNE_A, system="a"), dossier(**fields))


def keyed(key: str, body: bytes = b"{}") -> Keyed:
    return Keyed.of("a", "POST /v1/dossiers", key, body)


async def test_what_gathers_meanwhile_is_committed_together(stage: Stage) -> None:
    async with running(stage) as (intake, dossiers):
        answers = await asyncio.gather(*(intake.submit(new(), None) for _ in range(300)))

    codes = [orjson.loads(answer.body)["code"] for answer in answers]
    assert len(set(codes)) == 300
    assert len(dossiers.groups) < 30
    rows = await stage.sql("SELECT count(*) AS n FROM dossier WHERE code = ANY(:codes)", codes=codes)
    assert rows[0].n == 300


async def test_one_refused_row_does_not_fail_its_group(stage: Stage) -> None:
    async with running(stage) as (intake, _):
        wishes = [intake.submit(new(summary=BAD if place == 3 else "x"), None) for place in range(10)]
        answers = await asyncio.gather(*wishes, return_exceptions=True)

    kinds = Counter(type(answer) for answer in answers)
    assert kinds[Answer] == 9
    assert isinstance(answers[3], DatabaseError)


async def test_a_group_meets_codes_that_somebody_has_chosen(stage: Stage) -> None:
    """What was to be one statement is refused as a whole, and nothing of it remains."""
    async with running(stage) as (intake, _):
        probe = await intake.submit(new(), None)
        issued = orjson.loads(probe.body)["code"]
        upcoming = [f"{issued[:-7]}{int(issued[-7:]) + step:07}" for step in (2, 5)]
        await asyncio.gather(*(intake.submit(new(code=code), None) for code in upcoming))
        wishes = [intake.submit(new(), keyed(fresh_code()) if place % 2 else None) for place in range(10)]
        answers = await asyncio.gather(*wishes)

    codes = {orjson.loads(answer.body)["code"] for answer in answers}
    assert len(codes) == 10
    assert not codes & set(upcoming)
    for table, name in (("dossier", "code"), ("transfer", "subject"), ("outbox", "subject"), ("emission", "subject")):
        rows = await stage.sql(
            f"SELECT count(*) AS n, count(DISTINCT {name}) AS d FROM {table} WHERE {name} = ANY(:codes)",
            codes=[*codes, *upcoming],
        )
        assert (rows[0].n, rows[0].d) == (12, 12), table


async def test_dossiers_with_new_codes_are_one_statement(stage: Stage) -> None:
    office = stage.office
    only = SimpleNamespace(single=office.database.single)
    intake = Intake(office.dossiers, office.idempotency, cast(Database, only))
    stop = asyncio.Event()
    worker = asyncio.create_task(intake.run(stop))
    answers = await asyncio.gather(*(intake.submit(new(), None) for _ in range(3)))
    stop.set()
    await worker
    assert len({orjson.loads(answer.body)["code"] for answer in answers}) == 3


async def test_each_of_a_group_gets_its_own_refusal(stage: Stage) -> None:
    code = fresh_code()
    async with running(stage) as (intake, _):
        wishes = [new(code=code), new(code=code), new(deciding_organ="H28.99"), new(attachments=[paper()]), new()]
        answers = await asyncio.gather(*(intake.submit(wish, None) for wish in wishes), return_exceptions=True)

    codes = [answer.code if isinstance(answer, HubError) else "201" for answer in answers]
    assert codes == ["201", "dossier.exists", "recipient.unknown", "attachment.missing", "201"]


async def test_keys_hold_within_and_across_groups(stage: Stage) -> None:
    key = fresh_code()
    async with running(stage) as (intake, _):
        at_once = await asyncio.gather(*(intake.submit(new(), keyed(key)) for _ in range(5)), return_exceptions=True)
        later = await intake.submit(new(), keyed(key))
        with pytest.raises(HubError) as reused:
            await intake.submit(new(), keyed(key, b"other"))

    first = [answer for answer in at_once if isinstance(answer, Answer)]
    assert len(first) == 1
    assert all(
        isinstance(each, Answer | Replay) or getattr(each, "code", "") == "idempotency.in_progress" for each in at_once
    )
    assert isinstance(later, Replay)
    assert later.body == first[0].body
    assert reused.value.code == "idempotency.reused"


async def test_nothing_is_taken_after_the_end_and_all_before_it_is_answered(stage: Stage) -> None:
    async with running(stage) as (intake, dossiers):
        wishes = [asyncio.create_task(intake.submit(new(), None)) for _ in range(50)]
        await asyncio.wait_for(dossiers.begun.wait(), 20)

    answers = await asyncio.gather(*wishes)
    assert all(isinstance(answer, Answer) for answer in answers)
    with pytest.raises(HubError) as stopping:
        await intake.submit(new(), None)
    assert stopping.value.code == "system.stopping"


async def test_every_accepted_dossier_reaches_the_log(stage: Stage) -> None:
    made = await asyncio.gather(*(stage.submit() for _ in range(40)))

    async def sent() -> bool:
        await stage.read()
        came = {each.subject for each in stage.ingested}
        return {each["code"] for each in made} <= came

    assert await until(sent, what="forty facts")


def paper() -> dict[str, str]:
    return {"sha256": "0" * 64, "name": "x", "media_type": "application/pdf"}
