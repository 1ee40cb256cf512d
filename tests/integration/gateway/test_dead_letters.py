"""Dead letters of all programs in one list: each once, codes only, closed once with who, when and why."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from contracts.protocol import Verdict
from deploy.local.kafka import Kafka
from gateway.operations.dead_letters import GROUP, PROGRAM_OF, Gathering
from gateway.operations.figures import Figures
from services.kernel.messaging import dead_letters
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.consumer import Consumer, Membership
from services.kernel.messaging.dead_letters import DeadLetterSource
from services.kernel.messaging.kafka import Admin, Producer
from services.kernel.messaging.log_watch import LogWatch
from services.kernel.messaging.records import Outgoing, Record, TopicSpec
from services.kernel.metrics import Metrics
from services.kernel.supervisor import Supervisor
from tests.integration import relaying
from tests.integration.gateway.conftest import Bench
from tests.integration.gateway.operators import REASON, Operators, opened
from tests.integration.gateway.test_ingest import submitted
from tests.integration.kernel.scene import until

LETTERS = "/v1/dead-letters"
TOPIC = "deliver.commune"


@pytest.fixture
async def operators(bench: Bench) -> AsyncIterator[Operators]:
    async with opened(bench) as operators:
        yield operators


def poison(offset: int = 0, *, topic: str = "ingest.commune") -> Record:
    headers = (("ce_subject", "Nguyễn Thị Mẫu".encode()), ("ce_type", b"vn.lienthong.dossier.submitted"))
    return Record(topic=topic, partition=2, offset=offset, key="x", value=b'{"applicant": 1}', headers=headers)


async def test_the_gateways_own_are_listed_as_they_are_buried(bench: Bench, operators: Operators) -> None:
    await bench.take_records([poison(5), bench.record(submitted(), "ingest.commune")])
    [item] = await operators.listed(LETTERS)
    assert (item["program"], item["topic"], item["partition"], item["offset"]) == ("gateway", "ingest.commune", 2, 5)
    assert item["headers"] == {"ce_subject": "(not shown)", "ce_type": "vn.lienthong.dossier.submitted"}
    assert item["verdict"] == {"step": "headers", "code": "envelope.unreadable", "pointer": "ce_subject"}
    assert item["state"] == "open"
    [kept] = await bench.rows("SELECT * FROM listed_dead_letter")
    assert "Nguy" not in str(dict(kept))
    assert "applicant" not in str(dict(kept))


async def test_is_closed_once_with_who_when_and_why(bench: Bench, operators: Operators) -> None:
    await bench.take_records([poison()])
    [item] = await operators.listed(LETTERS)
    path = f"{LETTERS}/{item['id']}:close"
    before = await operators.everything()
    tried = await operators.act(path, status=200, dry_run=True)
    assert (tried["state"], tried["dry_run"]) == ("open", True)
    assert await operators.everything() == before

    answers = await asyncio.gather(*(operators.http.post(path, json={"reason": REASON}) for _ in range(3)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert {each.json()["code"] for each in answers if each.status_code == 409} == {"dead_letter.not_open"}
    [closed] = await operators.listed(LETTERS, state="closed")
    assert (closed["state"], closed["closed_by"], closed["reason"]) == ("closed", "operator", REASON)
    assert closed["closed_at"] == "2024-06-03T08:00:00.000+07:00"
    assert await operators.listed(LETTERS, state="open") == []
    assert await operators.audited() == [("dead-letter.closed", "dead-letter", "operator", REASON)]
    assert (await operators.act(f"{LETTERS}/nothing:close", status=404))["code"] == "request.not_found"


async def test_pages_are_newest_first_and_filters_fit(bench: Bench, operators: Operators) -> None:
    for offset in range(7):
        await bench.take_records([poison(offset, topic="ingest.district" if offset == 3 else "ingest.commune")])
    await bench.execute("UPDATE listed_dead_letter SET code = 'system.failed' WHERE log_offset = 2")
    assert [item["offset"] for item in await operators.listed(LETTERS, limit=2)] == [6, 5, 4, 3, 2, 1, 0]
    [third] = await operators.listed(LETTERS, topic="ingest.district")
    assert third["offset"] == 3
    assert [item["offset"] for item in await operators.listed(LETTERS, code="system.failed")] == [2]
    assert len(await operators.listed(LETTERS, since="2999-01-01T00:00:00Z")) == 0
    page = (await operators.http.get(LETTERS, params={"limit": 2})).json()
    for other in ({"state": "open"}, {"topic": "ingest.commune"}, {"cursor": "nonsense"}):
        refused = await operators.http.get(LETTERS, params={"cursor": page["next_cursor"]} | other)
        assert (refused.status_code, refused.json()["code"]) == (400, "request.malformed")


async def test_tells_again_what_is_young_when_the_log_is_lost(bench: Bench) -> None:
    source = DeadLetterSource()
    await bench.take_records([poison(1), poison(2)])
    assert len(await bench.sent(source)) == 2
    assert await bench.sent(source) == []
    await bench.execute("UPDATE dead_letter SET created_at = now() - interval '8 days' WHERE log_offset = 1")
    async with bench.database.transaction() as conn:
        await source.log_lost(conn)
    [message] = await bench.sent(source)
    told = orjson.loads(message.value or b"")
    assert (message.topic, told["offset"], told["code"]) == ("ingest.commune.dead", 2, "envelope.unreadable")


class Line:
    """The gateway's consumer of the offices' dead letters, and an office's relay, without the relay."""

    def __init__(self, bench: Bench, cluster: Cluster) -> None:
        self.bench, self.cluster = bench, cluster
        self.admin, self.producer = Admin(cluster), Producer(cluster)
        watch = LogWatch(bench.database, self.admin, [], ensure_topics=self.topics, poll_seconds=0.5)
        consumer = Consumer(
            cluster, Membership(GROUP, list(PROGRAM_OF)), Gathering(), database=bench.database, watch=watch
        )
        self.supervisor = Supervisor(drain_seconds=10)
        self.supervisor.add("log watch", watch.run, state=watch.part)
        self.supervisor.add("dead letters", consumer.run, state=consumer.part)

    async def topics(self) -> None:
        await self.admin.create_topics([TopicSpec(name, 1) for name in PROGRAM_OF])

    async def tell(self, messages: list[Outgoing]) -> None:
        await self.producer.send(messages)

    async def aclose(self) -> None:
        await self.supervisor.stop()
        await self.producer.aclose()
        await self.admin.aclose()


@pytest.fixture
async def line(bench: Bench, kafka: Kafka) -> AsyncIterator[Line]:
    line = Line(bench, Cluster(kafka.bootstrap, prefix=f"t{secrets.token_hex(3)}."))
    await line.topics()
    yield line
    await line.aclose()


async def buried(bench: Bench, *offsets: int) -> list[Outgoing]:
    """What an office with these rows sends."""
    async with bench.database.transaction() as conn:
        for offset in offsets:
            verdict = Verdict(step="contract", code="contract.unknown", contract="receipt.lost/v1", detail="Nguyễn")
            await dead_letters.add(conn, poison(offset, topic=TOPIC), verdict)
        return await relaying.take(DeadLetterSource(), conn)


async def test_those_of_the_offices_come_by_kafka_each_once(bench: Bench, operators: Operators, line: Line) -> None:
    messages = await buried(bench, 7, 8)
    strange = Outgoing(topic="deliver.commune.dead", key="1", value=b'{"code": 5}', headers=())
    await line.tell([*messages, strange, *messages])
    line.supervisor.start()

    async def came(count: int) -> list[dict[str, Any]]:
        items = await operators.listed(LETTERS)
        return items if len(items) >= count else []

    items = await until(lambda: came(2), what="two letters")
    await line.tell([*messages, *await buried(bench, 9)])
    items = await until(lambda: came(3), what="a third letter")
    assert sorted(item["offset"] for item in items) == [7, 8, 9]
    assert {(item["program"], item["topic"], item["partition"]) for item in items} == {("commune", TOPIC, 2)}
    assert items[0]["verdict"] == {"step": "contract", "code": "contract.unknown", "contract": "receipt.lost/v1"}
    assert items[0]["headers"]["ce_subject"] == "(not shown)"


async def test_metrics_count_what_operators_have_to_look_at(bench: Bench, operators: Operators) -> None:
    await bench.take_records([poison(1), poison(2)])
    metrics = Metrics()
    figures = Figures(bench.database, metrics)
    await figures.count()
    assert b'lienthong_dead_letters_open{program="gateway"} 2.0' in metrics.render()
    [item, _] = await operators.listed(LETTERS)
    await operators.act(f"{LETTERS}/{item['id']}:close", status=200)
    await figures.count()
    assert b'lienthong_dead_letters_open{program="gateway"} 1.0' in metrics.render()
    assert b'lienthong_hops_stuck{office="commune"} 0.0' in metrics.render()
