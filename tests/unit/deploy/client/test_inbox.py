"""Reading the inbox: items in order, each acknowledged only after the body for it has ended, several together."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from deploy.client.problems import Denied, TimedOut
from tests.unit.deploy.client.hubs import Script, Time, broken, hub_of, refusal


class Box:
    """An inbox of so many items that knows what was acknowledged, and notes all in order."""

    def __init__(self, count: int) -> None:
        self.items = [_item(number) for number in range(1, count + 1)]
        self.acked: list[str] = []
        self.told: list[str] = []
        self.queries: list[dict[str, str]] = []
        self.keys: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            ids = json.loads(request.content)["ids"]
            self.acked += ids
            self.told.append(f"ack {' '.join(ids)}")
            self.keys.append(request.headers["Idempotency-Key"])
            return httpx.Response(200, json={"acknowledged": ids, "unknown": []})
        query = dict(request.url.params)
        self.queries.append(query)
        after, limit = int(query.get("cursor", 0)), int(query["limit"])
        left = [item for item in self.items if int(item["id"]) > after and item["id"] not in self.acked][:limit]
        return httpx.Response(200, json={"items": left, "cursor": left[-1]["id"] if left else query.get("cursor")})


def _item(number: int) -> dict[str, Any]:
    return {"id": str(number), "kind": "dossier", "type": "vn.lienthong.dossier.submitted", "subject": f"s{number}",
            "from": "A", "to": "B", "received_at": "2024-06-03T08:00:00+07:00", "href": "/", "data": {}}  # fmt: skip


async def test_items_are_acknowledged_together_after_the_body_of_the_last() -> None:
    box = Box(3)
    async for item in hub_of(Script([box])).inbox(["dossier", "status"], follow=False):
        box.told.append(f"body {item['id']}")
    assert box.told == ["body 1", "body 2", "body 3", "ack 1 2 3"]
    assert {query["kind"] for query in box.queries} == {"dossier,status"}


async def test_an_item_whose_body_failed_is_not_acknowledged_and_comes_again() -> None:
    box = Box(3)
    hub = hub_of(Script([box]))

    async def read() -> None:
        async with aclosing(hub.inbox(follow=False)) as items:
            async for item in items:
                assert item["id"] != "2" or 1 / 0

    with pytest.raises(ZeroDivisionError):
        await read()
    assert box.acked == ["1"]
    again = [item["id"] async for item in hub.inbox(follow=False)]
    assert again == ["2", "3"]


async def test_slow_bodies_are_acknowledged_before_the_page_is_through() -> None:
    box, time = Box(4), Time()
    async for item in hub_of(Script([box]), time).inbox(follow=False):
        box.told.append(f"body {item['id']}")
        time.at += 3
    assert box.told == ["body 1", "body 2", "body 3", "ack 1 2 3", "body 4", "ack 4"]


async def test_without_acknowledging_each_comes_once_in_a_run_and_again_in_the_next() -> None:
    box = Box(5)
    hub = hub_of(Script([box]))
    for _ in range(2):
        assert [item["id"] async for item in hub.inbox(follow=False, ack=False, limit=2)] == ["1", "2", "3", "4", "5"]
    assert box.acked == []
    assert await hub.inbox.ack("1", "2") == {"acknowledged": ["1", "2"], "unknown": []}
    assert box.told == ["ack 1 2"]


async def test_it_goes_on_through_any_outage_of_the_hub() -> None:
    box, time = Box(2), Time()
    away = [broken] * 40 + [refusal(503, "system.stopping", retry_after=60)] * 5
    found = [item["id"] async for item in hub_of(Script([*away, box]), time).inbox(follow=False)]
    assert (found, box.acked) == (["1", "2"], ["1", "2"])
    assert sum(time.pauses) > 600


async def test_a_suspended_system_is_told() -> None:
    items = hub_of(Script([refusal(403, "system.suspended")])).inbox()
    with pytest.raises(Denied):
        await anext(items)


async def test_cancelling_ends_it_and_acknowledges_what_is_done() -> None:
    box = Box(2)
    waiting = asyncio.Event()

    def poll(request: httpx.Request) -> httpx.Response:
        return box(request)

    async def read() -> None:
        async for item in hub_of(Script([poll])).inbox():
            if item["id"] == "2":
                waiting.set()
                await asyncio.Event().wait()

    reading = asyncio.create_task(read())
    await asyncio.wait_for(waiting.wait(), 5)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    for _ in range(20):  # the generator is closed by the loop
        await asyncio.sleep(0)
    assert box.acked == ["1"]


async def test_polls_wait_as_long_as_the_hub_allows_and_longer_for_the_answer() -> None:
    box = Box(1)
    script = Script([box])
    async with aclosing(hub_of(script).inbox()) as items:
        await anext(items)
    assert box.queries[0]["wait"] == "30"
    assert script.requests[0].extensions["timeout"]["read"] == 45


async def test_an_empty_answer_that_comes_at_once_is_no_reason_to_hurry() -> None:
    box, time = Box(1), Time()
    async with aclosing(hub_of(Script([Box(0), Box(0), box]), time).inbox()) as items:
        assert (await anext(items))["id"] == "1"
    assert time.pauses == [1.0, 1.0]


async def test_wait_for_acknowledges_the_one_that_matches_and_leaves_the_others() -> None:
    box = Box(3)
    item = await hub_of(Script([box])).inbox.wait_for(lambda each: each["subject"] == "s2", ["dossier"])
    assert (item["id"], box.acked) == ("2", ["2"])


async def test_wait_for_gives_up_in_time() -> None:
    box, time = Box(3), Time()

    def poll(request: httpx.Request) -> httpx.Response:
        time.at += float(request.url.params["wait"])
        return box(request)

    with pytest.raises(TimedOut):
        await hub_of(Script([poll]), time).inbox.wait_for(lambda each: False, seconds=70)
    assert [query["wait"] for query in box.queries] == ["30", "30", "10"]
    assert box.acked == []
