"""All of Kafka's data is deleted under light load: everything accepted before and meanwhile is handed over, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import uuid4

from deploy.agency import Agency, Json
from deploy.local.hub import Hub
from deploy.stories import document, dossier
from deploy.stories.stage import Stage
from tests.e2e.topics import Topics

REGISTRIES = ("registry.organ", "registry.system", "registry.key")
LIVE = 6
"""Dossiers that stand before the wipe and go on after it."""


async def test_nothing_accepted_is_lost_with_the_log(hub: Hub, stage: Stage, topics: Topics) -> None:
    commune, department = stage["commune-a"], stage["department-a"]
    before = [await _submit(commune, department) for _ in range(LIVE)]
    for posted in before:
        await commune.await_transfer(posted["transfers"][0], "handed_over")
    registries = {topic: await _entries(topics, topic) for topic in REGISTRIES}
    assert all(registries.values())
    transfers = [posted["transfers"][0] for posted in before]
    enough, stop = asyncio.Event(), asyncio.Event()
    posting = asyncio.create_task(_post_on(stage, transfers, enough, stop))
    try:
        await asyncio.wait_for(enough.wait(), 20)
        assert hub.kafka is not None
        lost = hub.kafka.cluster_id
        await asyncio.to_thread(hub.kafka.wipe)
        answers = [await _accept(commune, posted["code"]) for posted in before]
        transfers += [answer["transfers"][0] for answer in answers]
        await asyncio.to_thread(hub.kafka.start)
        assert hub.kafka.cluster_id != lost
        transfers += [(await _submit(commune, department))["transfers"][0] for _ in range(LIVE)]
    finally:
        stop.set()
        await posting

    for transfer in transfers:
        await commune.await_transfer(transfer, "handed_over")
    for topic, ids in registries.items():
        await _await_entries(topics, topic, ids)
    await asyncio.to_thread(hub.await_ready)
    for party in (department, stage["district-a"], stage["commune-b"]):
        counts = Counter(await _inbox(party))
        assert max(counts.values()) == 1, f"{party.name} has an item twice"
    shown = set(await _inbox(department))
    assert set(transfers) <= shown, f"{len(set(transfers) - shown)} missing in the inbox of {department.name}"
    for posted in before:
        mirror = await department.until(f"/v1/dossiers/{posted['code']}", lambda d: d["status"] == 2, "status 2")
        assert mirror["version"] == 2


async def _post_on(stage: Stage, transfers: list[str], enough: asyncio.Event, stop: asyncio.Event) -> None:
    """Documents to all levels, one after the other, until told to stop."""
    sender, parties = stage["commune-a"], document.recipients(stage)
    sent = 0
    while not stop.is_set():
        file = document.edxml(sender.organ, [party.organ for party in parties], str(uuid4()))
        transfers.append((await sender.post_edxml(file))["transfers"][0])
        sent += 1
        if sent == LIVE:
            enough.set()


async def _submit(commune: Agency, department: Agency) -> Json:
    return await commune.post("/v1/dossiers", dossier.body() | {"deciding_organ": department.organ}, expect=(201,))


async def _accept(commune: Agency, code: str) -> Json:
    return await commune.post(f"/v1/dossiers/{code}/actions", {"action": "accept"})


async def _inbox(party: Agency) -> list[str]:
    """Ids of everything the party has not acknowledged, page by page."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while items := (page := await party.get("/v1/inbox", params={"limit": "500", **cursor}))["items"]:
        ids += [item["id"] for item in items]
        cursor = {"cursor": page["cursor"]}
    return ids


async def _entries(topics: Topics, topic: str) -> set[str]:
    """Ids in a registry topic now."""
    async with topics.reading(topic) as found:
        return {record.key for record in await found.to_end()}


async def _await_entries(topics: Topics, topic: str, ids: set[str]) -> None:
    async with topics.reading(topic) as found:
        for id_ in ids:
            await found.until(lambda record, wanted=id_: record.key == wanted, what=f"{topic} {id_}")
