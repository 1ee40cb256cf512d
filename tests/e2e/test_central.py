"""The central organ behind the national axis: it sends down, and it is reached though the axis was away."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from uuid import uuid4

from deploy.client.answers import Transfer
from deploy.local.hub import Hub
from deploy.local.processes import await_condition
from deploy.stories import document
from deploy.stories.stage import Stage
from tests.e2e.parts import kill, start_again


async def test_the_central_organ_sends_a_document_down(stage: Stage) -> None:
    await document.down_from_central(stage)


async def test_a_document_waits_for_the_axis_and_is_answered_once(hub: Hub, stage: Stage) -> None:
    sender, near = stage["commune-a"], stage["commune-b"]
    await kill(hub, "axis")
    file = document.edxml(sender.organ, [near.organ, document.CENTRAL], str(uuid4()))
    posted = await sender.documents.send_edxml(file)
    transfer = posted["transfers"][0]

    def near_has_it(shown: Transfer) -> bool:
        return _states(shown).get(near.organ) == "handed_over"

    shown = await sender.transfers.until(transfer, near_has_it, "handed over to the commune")
    assert (shown["state"], _states(shown)[document.CENTRAL]) == ("routed", "open")
    await start_again(hub, "axis")
    shown = await sender.transfers.wait_for(transfer, "handed_over")
    assert {each["organ"]: each["via"] for each in shown["deliveries"]} == {near.organ: "office", "G22": "axis"}

    def answered(shown: Transfer) -> bool:
        return len(_answers(shown)) >= 3

    shown = await sender.transfers.until(transfer, answered, "the answers of the central organ")
    # of the same second, so in no order
    assert sorted(_answers(shown)) == ["01", "03", "06"]


async def test_what_a_killed_gateway_was_sending_is_sent_by_the_next_at_once(hub: Hub, stage: Stage) -> None:
    sender = stage["commune-a"]

    async def order(verb: str, kind: str, count: int) -> dict[str, list[str]]:
        fault = {"verb": verb, "kind": kind, "count": count}
        answer = await stage.http.post(f"{stage.axis_url}/_standin/faults", json=fault)
        pending: dict[str, list[str]] = answer.json()["pending"]
        return pending

    await order("sendEdoc", "hang", 1)
    try:
        file = document.edxml(sender.organ, [document.CENTRAL], str(uuid4()))
        posted = await sender.documents.send_edxml(file)
        end = time.monotonic() + 30.0
        while "sendEdoc" in await order("downloadEdoc", "500", 0):
            assert time.monotonic() < end, "nothing was sent"
            await asyncio.sleep(0.05)
        await kill(hub, "gateway")
    finally:
        await order("sendEdoc", "hang", 0)
        await start_again(hub, "gateway")
    await sender.transfers.wait_for(posted["transfers"][0], "handed_over")


async def test_a_central_document_to_several_organs_is_done_for_each(hub: Hub, stage: Stage) -> None:
    """The axis keeps a copy per organ; the second copy is the same document and not a conflict."""
    parties = [stage["commune-a"], stage["commune-b"], stage["district-a"]]
    number = uuid4().hex[:8]
    order = {"to": [party.organ for party in parties], "number": number, "notation": "VPCP", "subject": "V/v nhiều nơi"}
    assert (await stage.http.post(f"{stage.axis_url}/_standin/documents", json=order)).status_code == 201
    for party in parties:
        await party.inbox.wait_for(lambda i: i["data"].get("document", {}).get("number") == number, ["document"])
    assert await asyncio.to_thread(await_condition, lambda: not _waiting(hub), 30.0), _waiting(hub)


def _waiting(hub: Hub) -> list[str]:
    """Transport statuses of what the axis still keeps for us."""
    with closing(sqlite3.connect(f"file:{hub.home / 'axis' / 'axis.sqlite3'}?mode=ro", uri=True)) as axis:
        rows = axis.execute("select status from delivery where system_id is not null and status <> 'done'")
        return [status for (status,) in rows]


def _states(shown: Transfer) -> dict[str, str]:
    return {each["organ"]: each["state"] for each in shown["deliveries"]}


def _answers(shown: Transfer) -> list[str]:
    central = next(each for each in shown["deliveries"] if each["organ"] == document.CENTRAL)
    return [each["code"] for each in central["answers"]]
