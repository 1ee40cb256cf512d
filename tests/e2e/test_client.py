"""The Python client against real offices: batches and lists, downloads taken up again, an inbox read through a kill."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from pathlib import Path
from typing import cast

import pytest

from deploy.client import hub as client
from deploy.client.answers import NewDossier
from deploy.client.problems import Conflict, Invalid
from deploy.local.hub import Hub
from deploy.stories import document, dossier
from deploy.stories.stage import Stage
from tests.e2e.parts import kill, start_again

SECONDS = 60


async def test_many_dossiers_at_once_and_the_list_of_them(stage: Stage) -> None:
    commune = stage["commune-a"]
    given = [dossier.body() for _ in range(7)]
    given[2] = cast(NewDossier, {**given[2], "channel": 9})
    outcomes = [outcome async for outcome in commune.dossiers.submit_many(given, size=3)]
    assert [outcome.status for outcome in outcomes] == [201, 201, 422, 201, 201, 201, 201]
    assert isinstance(outcomes[2].problem, Invalid)
    assert outcomes[2].problem.pointers == ["/channel"]
    codes = {outcome.body["code"] for outcome in outcomes if outcome.body}
    listed: set[str] = set()
    async for line in commune.dossiers.list(status=1, limit=2):
        listed.add(line["code"])
        if codes <= listed:
            break
    assert codes <= listed


async def test_an_act_on_another_version_than_was_seen_is_refused(stage: Stage) -> None:
    commune = stage["commune-a"]
    posted = await commune.dossiers.submit(dossier.body())
    await commune.transfers.wait_for(posted["transfers"][0], "handed_over")
    with pytest.raises(Conflict) as caught:
        await commune.dossiers.act(posted["code"], "accept", if_match=99)
    assert caught.value.code == "request.precondition_failed"
    seen = await commune.dossiers.show(posted["code"])
    assert (await commune.dossiers.act(posted["code"], "accept", if_match=seen["version"]))["status"] == 2


async def test_a_download_takes_up_what_is_there(stage: Stage, tmp_path: Path) -> None:
    commune, content = stage["commune-a"], os.urandom(5_000_000)
    stored = await commune.attachments.upload(content, name="scan.bin")
    target = tmp_path / "scan.bin"
    (tmp_path / "scan.bin.part").write_bytes(content[:3_000_000])
    await commune.attachments.download(stored["sha256"], target)
    assert target.read_bytes() == content


async def test_an_inbox_is_read_on_though_its_office_is_killed(hub: Hub, stage: Stage) -> None:
    """Each document comes, those that were done with do not come again."""
    sender, reader = stage["commune-a"], stage["district-a"]
    sent = [await _send(sender, reader)]
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def read() -> None:
        async with aclosing(reader.inbox(["document"])) as items:
            async for item in items:
                seen.put_nowait(item["subject"])

    reading = asyncio.create_task(read())
    try:
        await _until_seen(seen, sent[0])
        await kill(hub, "district")
        sent.append(await _send(sender, reader))
        await start_again(hub, "district")
        await _until_seen(seen, sent[1])
        sent.append(await _send(sender, reader))
        await _until_seen(seen, sent[2])
    finally:
        reading.cancel()
        await asyncio.wait([reading])
    left = {item["subject"] async for item in reader.inbox(["document"], follow=False, ack=False, limit=500)}
    assert not left & set(sent)


async def _send(sender: client.Hub, reader: client.Hub) -> str:
    new = document.letter([reader.organ])
    return (await sender.documents.send(new))["id"]


async def _until_seen(seen: asyncio.Queue[str], subject: str) -> None:
    async with asyncio.timeout(SECONDS):
        while await seen.get() != subject:
            pass
