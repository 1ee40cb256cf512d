"""The `lienthong` command against a running hub, as scripts of an office use it: a dossier's way, inbox, transfers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

from deploy.client.credentials import SETTINGS
from deploy.local.hub import Hub
from deploy.local.ports import free_port
from deploy.local.programs import COMMAND, ROOT
from deploy.stories import dossier
from deploy.stories.stage import Stage
from tests.e2e.shell import SECONDS, environment, lienthong


async def submitted(hub: Hub, *words: str) -> Any:
    return (await lienthong(hub, "dossier", "submit", "-", "--json", *words, stdin=json.dumps(dossier.body()))).answer


async def test_a_dossier_is_submitted_handed_on_taken_and_read(hub: Hub, stage: Stage, tmp_path: Path) -> None:
    district = stage["district-a"].organ
    paper = tmp_path / "tờ khai.pdf"
    paper.write_bytes(os.urandom(300_000))
    posted = await submitted(hub, "--attach", str(paper), "--as", "commune-a")
    code = posted["code"]
    handed = await lienthong(hub, "transfer", "show", posted["transfers"][0], "--wait", "30", "--json")
    assert handed.answer["state"] == "handed_over"
    acted = await lienthong(hub, "dossier", "act", code, "accept")
    assert (acted.code, "2 Được tiếp nhận · accepted" in acted.out) == (0, True)
    assert acted.err.endswith("acting as the local commune-a\n"), "whom nobody chose is told"

    offered = await lienthong(hub, "dossier", "transfer", code, district, "--reason", "Chuyển", "--json")
    transfer = offered.answer["transfers"][0]
    await lienthong(hub, "transfer", "show", transfer, "--wait", "30")
    box = await lienthong(hub, "inbox", "--kind", "dossier", "--as", "district-a", "--limit", "500", "--json")
    assert code in {item["subject"] for item in box.answer["items"]}
    taken = await lienthong(hub, "dossier", "act", code, "accept_custody", "--as", "district-a", "--json")
    assert taken.answer["custody"] in ("held", "taking")
    await stage["district-a"].dossiers.until_held(code)

    shown = await lienthong(hub, "dossier", "show", code, "--as", "district-a")
    for text in (code, district, "Quá trình · History", "tờ khai.pdf", "+07:00", "dossier.transferred"):
        assert text in shown.out, text
    refused = await lienthong(hub, "dossier", "act", code, "assign")
    assert (refused.code, refused.out) == (1, "")
    assert "custody.not_custodian" in refused.err


async def test_dossiers_are_listed(hub: Hub) -> None:
    code = (await submitted(hub))["code"]
    listed = await lienthong(hub, "dossier", "list", "--status", "1", "--limit", "5", "--json")
    assert listed.answer["items"][0]["code"] == code
    assert code in (await lienthong(hub, "dossier", "list", "--limit", "5")).out


async def test_the_inbox_is_followed_until_it_is_interrupted(hub: Hub, stage: Stage) -> None:
    """What was shown with --ack is acknowledged, and does not come again."""
    commune, district = stage["commune-a"], stage["district-a"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a child inherits that it is ignored
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "inbox", "--follow", "--ack", "--kind", "dossier", "--as", "district-a", "--json",
        cwd=ROOT, env=environment(hub), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    try:
        code = (await submitted(hub))["code"]
        await commune.dossiers.act(code, "accept")
        await commune.dossiers.transfer(code, district.organ, "Chuyển")
        async with asyncio.timeout(SECONDS):
            while json.loads(await process.stdout.readline())["subject"] != code:
                pass
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), SECONDS) == 130
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    left = await district.inbox.read(["dossier"], limit=500)
    assert code not in {item["subject"] for item in left["items"]}


async def test_production_credentials_come_from_the_environment(hub: Hub) -> None:
    entry = hub.credentials()["commune-a"]
    names = ("client_id", "client_secret", "office_url", "gateway_url")
    given = {setting: entry[name] for setting, name in zip(SETTINGS, names, strict=True)}
    nowhere = {"LIENTHONG_HOME": "/nonexistent"}
    assert (await lienthong(hub, "inbox", "--limit", "1", "--json", **given, **nowhere)).code == 0
    denied = await lienthong(hub, "inbox", **{**given, "LIENTHONG_CLIENT_SECRET": "wrong"}, **nowhere)
    assert (denied.code, "auth.invalid" in denied.err) == (1, True)
    away = {**given, "LIENTHONG_OFFICE_URL": f"http://127.0.0.1:{free_port()}"}
    unreachable = await lienthong(hub, "inbox", "--timeout", "0", **away, **nowhere)
    assert (unreachable.code, unreachable.out) == (3, "")
    lost = await lienthong(hub, "transfer", "show", "no-such-transfer", "--as", "commune-a")
    assert (lost.code, "request.not_found" in lost.err) == (1, True)
