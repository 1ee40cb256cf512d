"""Floors do all the work they are rated by, and leave nothing running."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import text

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from services.kernel.database import Database
from tests.bench import bodies, http
from tests.bench.bare import bare_endpoint, child
from tests.bench.floors import (
    LEGS,
    Portion,
    Sent,
    Shape,
    Written,
    copy_with_fsync,
    journey,
    made_database,
    pipe,
    steps_of,
    unnest,
)

SHAPE = Shape(
    commune=Written(rows=5, row_bytes=900),
    gateway=Written(rows=7, row_bytes=500),
    province=Written(rows=3.5, row_bytes=1_000),
    ingest_commune=Sent(records=1, value_bytes=2_048),
    deliver_province=Sent(records=1, value_bytes=2_048),
    ingest_province=Sent(records=0.02, value_bytes=4_000),
    deliver_commune=Sent(records=2, value_bytes=200),
)


@pytest.fixture(scope="module")
async def dsn(postgres: Postgres) -> str:
    return await made_database(postgres.url("postgres"))


async def rows_in(dsn: str, table: str) -> int:
    database = Database(dsn, pool_size=1)
    try:
        async with database.read() as conn:
            return int((await conn.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())
    finally:
        await database.aclose()


@pytest.mark.parametrize(("arriving", "whole"), [(10, 10), (7, 3), (3, 20), (1, 1), (500, 0)])
def test_a_portion_gives_the_whole_however_it_comes(arriving: int, whole: int) -> None:
    one_by_one, at_once = Portion(arriving, whole), Portion(arriving, whole)
    given = [one_by_one.next(1) for _ in range(arriving)]
    assert sum(given) == whole == at_once.next(arriving)
    assert max(given) - min(given) <= 1
    assert one_by_one.over
    assert at_once.over


def test_what_a_leg_sends_arrives_at_the_next_and_no_row_is_lost() -> None:
    steps = steps_of(SHAPE, 101, "run-")
    way = [steps["commune"][0], steps["gateway"][0], steps["province"][0], steps["gateway"][1], steps["commune"][1]]
    assert [(step.target, step.leaving) for step in way[:-1]] == [(step.source, step.arriving) for step in way[1:]]
    assert [step.target for step in way] == [
        "run-ingest_commune", "run-deliver_province", "run-ingest_province", "run-deliver_commune", "",
    ]  # fmt: skip
    assert [step.leaving for step in way] == [101, 101, 2, 202, 0]
    assert [sum(step.rows for step in steps[leg]) for leg in LEGS] == [505, 707, 354]


def test_copies_are_gone_afterwards(tmp_path: Path) -> None:
    assert asyncio.run(copy_with_fsync(tmp_path, 10_000, 3)) > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.more
async def test_rows_are_inserted_and_the_database_is_made_once(postgres: Postgres, dsn: str) -> None:
    assert await made_database(postgres.url("postgres")) == dsn
    assert await unnest(dsn, [bodies.dossier(number) for number in range(10)], 4, rows=25) > 0


@pytest.mark.more
async def test_the_bare_endpoint_stores_what_it_accepts_and_refuses_what_is_none(dsn: str) -> None:
    async with bare_endpoint(dsn) as url, http.connections(url, 1) as (connection,):
        answers = [await connection.ask(http.request("POST", url, bodies.dossier(number))) for number in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 201]
        assert len({orjson.loads(answer.body)["code"] for answer in answers}) == 3
        assert (await connection.ask(http.request("POST", url, b'{"applicant":{}}'))).status == 422
        assert await rows_in(dsn, "bare_dossier") == 3
    with pytest.raises(ConnectionRefusedError):
        await http.Connection.open(url)


@pytest.mark.more
async def test_a_child_that_does_not_end_by_itself_is_ended() -> None:
    async with child("timeit", "-n1", "-r1", "-s", "input()", "0") as process:
        assert process.returncode is None
    assert process.returncode == -9


@pytest.mark.more
async def test_the_pipe_moves_all_records_and_its_topics_are_gone_afterwards(kafka: Kafka) -> None:
    assert await pipe(kafka.bootstrap, 1_200, 300) > 0
    assert not await floor_topics(kafka)


@pytest.mark.more
async def test_the_journey_writes_all_rows(postgres: Postgres, kafka: Kafka) -> None:
    dsn_by_leg = {leg: await made_database(postgres.url("postgres"), f"bench_floor_{leg}") for leg in LEGS}
    assert await journey(dsn_by_leg, kafka.bootstrap, SHAPE, 1_300) > 0
    assert [await rows_in(dsn_by_leg[leg], "floor_row") for leg in LEGS] == [6_500, 9_100, 4_550]
    assert not await floor_topics(kafka)


async def floor_topics(kafka: Kafka) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        await admin.start()
        return {name for name in await admin.list_topics() if name.startswith("bench-")}
    finally:
        await admin.close()
