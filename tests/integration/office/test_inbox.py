"""Collecting and acknowledging: per system, by scope, oldest first, without waiting longer than there is need."""

import asyncio
import time
from functools import partial

import pytest

from contracts.problems import HubError
from services.office.inbox.polling import Poll
from services.office.inbox.store import Sight
from tests.integration.office.stage import (
    COMMUNE_A,
    COMMUNE_C,
    DEPARTMENT,
    Journey,
    Json,
    Stage,
    fresh_code,
    stamp,
    submitted,
    until,
)


async def arrive(stage: Stage, count: int, organ: str = COMMUNE_C, system: str = "c") -> list[str]:
    """So many dossiers come for the organ, one after the other; their codes."""
    codes = [fresh_code(DEPARTMENT) for _ in range(count)]
    for code in codes:
        journey = Journey(stage, code, (organ,))
        held = stamp(custodian=DEPARTMENT)
        await stage.deliver(journey.envelope("dossier.submitted", submitted(code, deciding_organ=organ), stamp=held))
        await until(partial(stage.items, system, code), what="the item")
    return codes


async def acknowledge(stage: Stage, items: list[Json], system: str = "c") -> Json:
    return await stage.post("/v1/inbox/ack", {"ids": [item["id"] for item in items]}, system)


async def empty(stage: Stage, system: str = "c") -> None:
    while items := (await stage.get("/v1/inbox", system, limit=500))["items"]:
        await acknowledge(stage, items, system)


async def test_items_come_oldest_first_and_page_on(stage: Stage) -> None:
    await empty(stage)
    codes = await arrive(stage, 3)

    first = await stage.get("/v1/inbox", "c", limit=2)
    second = await stage.get("/v1/inbox", "c", limit=2, cursor=first["cursor"])
    third = await stage.get("/v1/inbox", "c", limit=2, cursor=second["cursor"])

    assert [item["subject"] for item in first["items"] + second["items"]] == codes
    assert third == {"items": [], "cursor": second["cursor"]}
    assert len((await stage.get("/v1/inbox", "c"))["items"]) == 3


async def test_acknowledged_items_are_not_shown_to_that_system_again(stage: Stage) -> None:
    await empty(stage)
    await arrive(stage, 3)
    items = (await stage.get("/v1/inbox", "c"))["items"]

    middle = await acknowledge(stage, [items[1]])
    left = (await stage.get("/v1/inbox", "c"))["items"]
    rest = await acknowledge(stage, [items[0], items[2], items[1]])

    assert middle == {"acknowledged": [items[1]["id"]], "unknown": []}
    assert [item["id"] for item in left] == [items[0]["id"], items[2]["id"]]
    assert sorted(rest["acknowledged"]) == sorted(item["id"] for item in items)
    assert (await stage.get("/v1/inbox", "c"))["items"] == []
    rows = await stage.sql("SELECT count(*) AS n FROM inbox_ack WHERE client_id = 'c' AND kind = 'dossier'")
    assert rows[0].n == 0, "below the floor no rows are kept"
    (late,) = await arrive(stage, 1)
    assert [item["subject"] for item in (await stage.get("/v1/inbox", "c"))["items"]] == [late]


async def test_each_system_of_an_organ_acknowledges_for_itself(stage: Stage) -> None:
    made = await stage.submit()
    await stage.refuse(await stage.fact(made["code"], 1), "organ.forbidden")
    (item,) = await until(lambda: stage.items("a", made["code"], kind="receipt"), what="the receipt")

    await acknowledge(stage, [item], "a")

    assert await stage.items("a", made["code"]) == []
    assert await stage.items("a-documents", made["code"]) == [], "it holds no dossier scope: not its to see"
    assert [each["id"] for each in await stage.items("reader", made["code"])] == [item["id"]]


async def test_kinds_follow_the_scopes(stage: Stage) -> None:
    codes = await arrive(stage, 1, COMMUNE_A, "a")

    assert await stage.items("a-documents", codes[0]) == []
    refused = await stage.call("GET", "/v1/inbox", "a-documents", params={"kind": "dossier"})
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.scope")
    unknown = await stage.call("GET", "/v1/inbox", params={"kind": "letter"})
    assert unknown.status_code == 422
    assert len(await stage.items("a", codes[0], kind="dossier,receipt")) == 1
    hidden = await stage.items("a", codes[0])
    answer = await acknowledge(stage, hidden, "a-documents")
    assert answer == {"acknowledged": [], "unknown": [hidden[0]["id"]]}


async def test_unknown_ids_are_told(stage: Stage) -> None:
    assert await stage.post("/v1/inbox/ack", {"ids": ["nothing"]}, "c") == {"acknowledged": [], "unknown": ["nothing"]}


async def test_long_poll_answers_as_soon_as_something_comes(stage: Stage) -> None:
    await empty(stage)
    began = time.monotonic()

    waiting = asyncio.create_task(stage.get("/v1/inbox", "c", wait=30))
    code = fresh_code(DEPARTMENT)
    payload = submitted(code, deciding_organ=COMMUNE_C)
    journey = Journey(stage, code, (COMMUNE_C,))
    await stage.deliver(journey.envelope("dossier.submitted", payload, stamp=stamp(custodian=DEPARTMENT)))

    assert [item["subject"] for item in (await waiting)["items"]] == [code]
    assert time.monotonic() - began < 25


async def test_long_polls_leave_room_for_others_work(stage: Stage) -> None:
    """With one place: who waits has it, who would wait too is told to come again, who need not wait is served."""
    office = stage.office
    poll = Poll(office.database, office.bell, office.stopping, places=1)
    sight = Sight(["dossier"], dossiers=True, documents=False)

    async def read(system: str, organ: str, wait: float) -> list[Json]:
        return await poll.read((system, organ), sight, after=0, limit=10, wait=wait)

    async def is_full() -> bool:
        await asyncio.sleep(0)
        return poll.waiting == 1

    await empty(stage)
    waiting = asyncio.create_task(read("c", COMMUNE_C, 30))
    await until(is_full, what="the only place to be taken")
    with pytest.raises(HubError) as refused:
        await read("nobody", DEPARTMENT, 30)
    assert refused.value.code == "system.overloaded"
    assert await read("nobody", DEPARTMENT, 0) == []
    (code,) = await arrive(stage, 1)
    assert [item["subject"] for item in await waiting] == [code]
    assert await read("nobody", DEPARTMENT, 0.01) == [], "the place is free again"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"cursor": "x"}, 400, "request.malformed"),
        ({"cursor": "²"}, 400, "request.malformed"),
        ({"cursor": "-1"}, 400, "request.malformed"),
        ({"cursor": "9" * 19}, 400, "request.malformed"),
        ({"kind": "letter"}, 422, "request.invalid"),
        ({"kind": "dossier,"}, 422, "request.invalid"),
        ({"wait": "-1"}, 422, "request.invalid"),
        ({"wait": "inf"}, 422, "request.invalid"),
        ({"wait": "nan"}, 422, "request.invalid"),
        ({"limit": "501"}, 422, "request.invalid"),
    ],
)
async def test_nonsense_is_refused(stage: Stage, query: dict[str, str], status: int, code: str) -> None:
    answer = await stage.call("GET", "/v1/inbox", params=query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_empty_inbox_answers_after_the_wait(stage: Stage) -> None:
    await empty(stage)
    began = time.monotonic()

    page = await stage.get("/v1/inbox", "c", wait=0.3)

    assert page == {"items": [], "cursor": None}
    assert time.monotonic() - began >= 0.3
