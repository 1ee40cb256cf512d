"""Story 2 from below: documents to every level, and the same while Kafka is killed and away."""

from __future__ import annotations

from uuid import uuid4

from deploy.local.hub import Hub
from deploy.stories import document
from deploy.stories.stage import Stage
from tests.e2e.parts import kill, start_again


async def test_an_edxml_document_reaches_four_levels_and_is_answered(stage: Stage) -> None:
    await document.issue_edxml(stage)


async def test_a_json_document_reaches_four_levels_and_is_answered(stage: Stage) -> None:
    await document.issue_json(stage)


async def test_documents_are_accepted_while_kafka_is_away_and_handed_over_afterwards(hub: Hub, stage: Stage) -> None:
    sender, parties = stage["commune-a"], document.recipients(stage)
    organs = [party.organ for party in parties]

    async def post() -> str:
        file = document.edxml(sender.organ, organs, str(uuid4()))
        return (await sender.documents.send_edxml(file))["transfers"][0]

    transfers = [await post() for _ in range(3)]
    await kill(hub, "kafka")
    transfers += [await post() for _ in range(3)]
    waiting = await sender.transfers.show(transfers[-1])
    assert (waiting["state"], waiting["deliveries"]) == ("accepted", [])
    await start_again(hub, "kafka")

    for transfer in transfers:
        shown = await sender.transfers.wait_for(transfer, "handed_over")
        assert sorted(each["organ"] for each in shown["deliveries"]) == sorted(organs)
    for party in parties:
        for transfer in transfers:
            await party.inbox.wait_for(lambda item, wanted=transfer: item["id"] == wanted, ["document"])
        left = await party.inbox.read(limit=500)
        assert not {item["id"] for item in left["items"]} & set(transfers), "an item came again"
