"""All of Kafka's data is deleted with unread records in it: whatever was accepted is handed over, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from uuid import uuid4

from deploy.client import hub as client
from deploy.client.answers import NewDossier, Submitted
from deploy.local.hub import Hub
from deploy.stories import document, dossier
from deploy.stories.stage import Stage
from services.kernel.messaging.records import Record
from tests.e2e.parts import kill, start_again
from tests.e2e.topics import Topics, header

REGISTRIES = ("registry.organ", "registry.system", "registry.key")
LIVE = 6
"""Dossiers that stand before the wipe and go on after it."""


async def test_nothing_accepted_is_lost_with_the_log(hub: Hub, stage: Stage, topics: Topics) -> None:
    commune, department = stage["commune-a"], stage["department-a"]
    before = [await _submit(commune, department) for _ in range(LIVE)]
    transfers = [posted["transfers"][0] for posted in before]
    for transfer in transfers:
        await commune.transfers.wait_for(transfer, "handed_over")
    registries = {topic: await _entries(topics, topic) for topic in REGISTRIES}
    assert all(registries.values())

    lost = await _fill_log(hub, stage, topics)
    transfers += lost
    stop = asyncio.Event()
    posting = asyncio.create_task(_post_on(stage, transfers, stop))
    try:
        assert hub.kafka is not None
        cluster = hub.kafka.cluster_id
        await asyncio.to_thread(hub.kafka.wipe)
        transfers += [await _accept(commune, posted["code"]) for posted in before]
        for name in ("kafka", "gateway", "district"):
            await start_again(hub, name)
        assert hub.kafka.cluster_id != cluster
        transfers += [(await _submit(commune, department))["transfers"][0] for _ in range(LIVE)]
    finally:
        stop.set()
        await posting

    for transfer in transfers:
        await commune.transfers.wait_for(transfer, "handed_over")
    for topic, ids in registries.items():
        await _await_entries(topics, topic, ids)
    for name in ("department-a", "district-a", "commune-b"):
        counts = Counter(await _inbox(stage[name]))
        assert max(counts.values()) == 1, f"{name} has an item twice"
    missing = set(transfers) - set(await _inbox(department))
    assert not missing, f"{len(missing)} missing in the inbox of {department.name}"
    assert set(lost) <= set(await _inbox(stage["district-a"]))
    for posted in before:
        mirror = await department.dossiers.until_status(posted["code"], 2)
        assert mirror["version"] == 2


async def _fill_log(hub: Hub, stage: Stage, topics: Topics) -> list[str]:
    """Transfers that lie unread in the log: the first in `deliver.district`, the others in `ingest.commune`."""
    async with topics.reading("deliver.district", "ingest.commune") as found:

        def lies_in(topic: str, transfer: str) -> Callable[[Record], bool]:
            return lambda record: record.topic == topic and header(record, "ce_id") == transfer

        await kill(hub, "district")
        unread = [await _issue(stage) for _ in range(LIVE)]
        for transfer in unread:
            await found.until(lies_in("deliver.district", transfer), what="hop to the district")
            await stage["commune-a"].transfers.wait_for(transfer, "routed")
        await kill(hub, "gateway")
        unrouted = [await _issue(stage) for _ in range(LIVE)]
        for transfer in unrouted:
            await found.until(lies_in("ingest.commune", transfer), what="fact to the gateway")
            await stage["commune-a"].transfers.wait_for(transfer, "accepted")
    return unread + unrouted


async def _post_on(stage: Stage, transfers: list[str], stop: asyncio.Event) -> None:
    """Documents to all levels, one after the other, until told to stop."""
    while not stop.is_set():
        transfers.append(await _issue(stage))


async def _issue(stage: Stage) -> str:
    sender, organs = stage["commune-a"], [party.organ for party in document.recipients(stage)]
    posted = await sender.documents.send_edxml(document.edxml(sender.organ, organs, str(uuid4())))
    return posted["transfers"][0]


async def _submit(commune: client.Hub, department: client.Hub) -> Submitted:
    new: NewDossier = {**dossier.body(), "deciding_organ": department.organ}
    return await commune.dossiers.submit(new)


async def _accept(commune: client.Hub, code: str) -> str:
    return (await commune.dossiers.act(code, "accept"))["transfers"][0]


async def _inbox(party: client.Hub) -> list[str]:
    """Ids of everything the party has not acknowledged, page by page."""
    return [item["id"] async for item in party.inbox(follow=False, ack=False, limit=500)]


async def _entries(topics: Topics, topic: str) -> set[str]:
    """Ids in a registry topic now."""
    async with topics.reading(topic) as found:
        return {record.key for record in await found.to_end()}


async def _await_entries(topics: Topics, topic: str, ids: set[str]) -> None:
    async with topics.reading(topic) as found:
        for id_ in ids:
            await found.until(lambda record, wanted=id_: record.key == wanted, what=f"{topic} {id_}")
