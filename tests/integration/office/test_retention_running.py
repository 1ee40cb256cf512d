"""An office that is at work while old months go: nothing of it stops, and nothing is sent for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from contracts.envelope import Envelope
from deploy.local.kafka import Kafka
from services.kernel.crypto import Keyring
from services.kernel.retention import Retention
from tests.integration.office.old_rows import StillClock, made_at, retention
from tests.integration.office.stage import (
    COMMUNE_A,
    COMMUNE_B,
    DEPARTMENT,
    GATEWAY,
    PROVINCE,
    Journey,
    Stage,
    act_payload,
    fresh_code,
    settings_for,
    stamp,
    submitted,
    until,
)

LONG_AGO = timedelta(days=930)


@pytest.fixture(scope="module")
async def office(
    make_database: Callable[[], str], kafka: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    home: Path = tmp_path_factory.mktemp("retention")
    async with Stage(settings_for(make_database(), kafka.bootstrap, home)) as stage:
        yield stage


def years_later(stage: Stage) -> Retention:
    """To its clock everything that is not open is old, this month too."""
    clock = StillClock(datetime.now(UTC) + timedelta(days=1500), timedelta())
    return retention(stage.office.database, Keyring({"k1": b"k" * 32}, "k1"), clock=clock, holder="later")


def arriving(journey: Journey, **changes: Any) -> Envelope:
    held = stamp(custodian=DEPARTMENT)
    return journey.envelope(
        "dossier.submitted", submitted(journey.subject, deciding_organ=COMMUNE_A), stamp=held, **changes
    )


def accepting(journey: Journey, **changes: Any) -> Envelope:
    payload = act_payload(journey.subject, action="accept", status=2)
    held = stamp(custodian=DEPARTMENT, status=2, version=2)
    return journey.envelope("dossier.status-changed", payload, stamp=held, epoch=1, **changes)


def void_of(journey: Journey, fact: Envelope) -> Envelope:
    return journey.envelope(
        "delivery.voided",
        {"source": fact.source, "id": fact.id},
        source=GATEWAY,
        sender="",
        recipients=(),
        hopsequence=fact.hopsequence,
        time=fact.time,
    )


async def test_repeat_of_a_hop_whose_receipt_is_gone_is_answered_from_the_records(office: Stage) -> None:
    journey = Journey(office, fresh_code(DEPARTMENT))
    then = datetime.now(UTC) - LONG_AGO
    old: dict[str, Any] = {"time": then, "occurredat": then}
    hops = [
        arriving(journey, id=made_at(then), **old),
        accepting(journey, id=made_at(then), recipients=(COMMUNE_A, COMMUNE_B), **old),
        accepting(journey),
    ]
    await office.deliver(*hops)
    before = {
        item["hopsequence"]: item for item in await office.answers("receipt.handed-over", journey.subject, count=3)
    }
    await years_later(office).turn()
    assert await office.sql("SELECT subject FROM receipt WHERE subject = :subject", subject=journey.subject) == []

    await office.deliver(hops[2], hops[0], hops[1])

    answers = await office.answers("receipt.handed-over", journey.subject, count=5)
    again = {item["hopsequence"]: item for item in answers[3:]}
    assert sorted(again) == [1, 2], "of the young one nothing is known any more, so nothing is said"
    for hop in (1, 2):
        assert {name: again[hop][name] for name in ("source", "id")} == {"source": PROVINCE, "id": hops[hop - 1].id}
        assert [_outcome(each) for each in again[hop]["deliveries"]] == [
            _outcome(each) for each in before[hop]["deliveries"]
        ]
    assert _outcome(again[2]["deliveries"][1]) == (COMMUNE_B, "refused", "dossier.unknown")
    await office.deliver(void_of(journey, hops[0]))
    closed = (await office.answers("receipt.handed-over", journey.subject, count=6))[5]
    assert (closed["id"], closed["hopsequence"]) == (hops[0].id, 1)
    shown = await office.get(f"/v1/dossiers/{journey.subject}")
    assert len(shown["history"]) == 3


async def test_a_stuck_hop_stays_and_goes_on_when_it_can(office: Stage) -> None:
    journey = Journey(office, fresh_code(DEPARTMENT))
    then = datetime.now(UTC) - LONG_AGO
    hop = arriving(journey, id=made_at(then), time=then, recipients=())
    await office.deliver(hop)
    await until(partial(_stuck, office, journey.subject), what="the hop to be stuck")

    await years_later(office).turn()

    assert await _stuck(office, journey.subject)
    await office.deliver(void_of(journey, hop))
    (answer,) = await office.answers("receipt.handed-over", journey.subject)
    assert answer["id"] == hop.id
    assert not await _stuck(office, journey.subject)


async def test_nothing_accepted_is_lost_while_its_month_is_purged(office: Stage) -> None:
    worker, posted = years_later(office), asyncio.Event()

    async def purge() -> int:
        turns = 0
        while not posted.is_set() or turns < 2:
            await worker.turn()
            turns += 1
        return turns

    async def post() -> list[str]:
        codes = []
        for _ in range(30):
            codes.append((await office.submit())["code"])
            await asyncio.sleep(0)
        posted.set()
        return codes

    turns, codes = await asyncio.gather(purge(), post())
    assert turns >= 2
    for code in codes:
        fact = await office.fact(code, 1)
        assert (await office.get(f"/v1/transfers/{fact.id}"))["state"] == "accepted"
    routed, settled = [await office.fact(code, 1) for code in codes[:2]]
    await office.route(routed, stamp(), DEPARTMENT)
    await office.route(settled, stamp(), DEPARTMENT)
    await office.hand_over(settled, stamp(), DEPARTMENT)
    await office.await_transfer(routed.id, "routed")
    await office.await_transfer(settled.id, "handed_over")

    await worker.turn()

    assert (await office.get(f"/v1/transfers/{routed.id}"))["state"] == "routed"
    assert (await office.call("GET", f"/v1/transfers/{settled.id}")).status_code == 404
    assert (await office.get(f"/v1/dossiers/{settled.subject}"))["code"] == settled.subject
    (word,) = await office.items("a", settled.subject)
    assert word["kind"] == "receipt", "nobody has acknowledged it"
    await office.hand_over(routed, stamp(), DEPARTMENT)
    await office.await_transfer(routed.id, "handed_over")


async def test_lists_cursors_and_long_polls_go_on(office: Stage) -> None:
    page = await office.get("/v1/inbox", "b", limit=500)
    await office.post("/v1/inbox/ack", {"ids": [item["id"] for item in page["items"]] or ["none"]}, "b")
    journeys = [Journey(office, fresh_code(DEPARTMENT), (COMMUNE_B,)) for _ in range(3)]
    for journey in journeys[:2]:
        await office.deliver(arriving(journey))
        await until(partial(office.items, "b", journey.subject), what="the item")
    first = await office.get("/v1/inbox", "b", limit=1)
    taken = [item["id"] for item in (await office.get("/v1/inbox", "b"))["items"]]
    await office.post("/v1/inbox/ack", {"ids": taken}, "b")
    listed = await office.get("/v1/dossiers", "b", limit=1)
    waiting = asyncio.create_task(office.get("/v1/inbox", "b", wait=20, cursor=first["cursor"]))

    await years_later(office).turn()

    assert await office.sql("SELECT subject FROM inbox_item WHERE organ = :organ", organ=COMMUNE_B) == []
    assert not waiting.done()
    await office.deliver(arriving(journeys[2]))
    assert [item["subject"] for item in (await waiting)["items"]] == [journeys[2].subject]
    unknown = await office.post("/v1/inbox/ack", {"ids": taken}, "b")
    assert unknown == {"acknowledged": [], "unknown": taken}
    rest = await office.get("/v1/dossiers", "b", limit=10, cursor=listed["next_cursor"])
    assert {item["code"] for item in rest["items"]} >= {journeys[0].subject}


async def _stuck(stage: Stage, subject: str) -> bool:
    return bool(await stage.sql("SELECT subject FROM stuck WHERE subject = :subject", subject=subject))


def _outcome(report: dict[str, Any]) -> tuple[str, str, str | None]:
    return report["organ"], report["state"], report.get("code")
