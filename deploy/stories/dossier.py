"""Story 1: a dossier from a commune over its district to a department and back, under custody."""

import asyncio
import random
from collections.abc import Sequence
from typing import Unpack

from deploy.client.answers import Acted, ActFields, AttachmentRef, NewDossier
from deploy.client.hub import Hub
from deploy.client.problems import Conflict
from deploy.client.words import Action
from deploy.stories.stage import Stage, check, refused

PROCEDURE = "1.001612"


def body(attachments: Sequence[AttachmentRef] = ()) -> NewDossier:
    return {
        "procedure": PROCEDURE,
        "channel": 1,
        "applicant": {
            "kind": "citizen",
            "name": "Nguyễn Thị Mẫu",
            "id_number": "000000000000",
            "phone": "0000000000",
            "address": "Tổ 1, phường Phương Lâm",
        },
        "summary": "Đăng ký thành lập hộ kinh doanh",
        "attachments": list(attachments),
    }


async def play(stage: Stage) -> str:
    """Plays the whole story and returns the dossier's code."""
    commune, district, department = stage["commune-a"], stage["district-a"], stage["department-a"]
    code = await _submit(stage, commune)
    await _act(stage, commune, code, "accept")
    await _hand_on(stage, commune, district, code)
    await _only_custodian_acts(stage, commune, code)
    await _act(stage, district, code, "assign", staff="Cán bộ Mẫu")
    await _hand_on(stage, district, department, code)
    await _complete(stage, department, code)
    await _returned(stage, commune, district, department, code)
    return code


async def _submit(stage: Stage, commune: Hub) -> str:
    noise = random.Random()  # noqa: S311 - sample bytes that differ from run to run
    async with stage.step("attachments put", commune.name, "", "40 KB + 3 MB"):
        form = await commune.attachments.upload(noise.randbytes(40_000), name="to-khai.pdf")
        scan = await commune.attachments.upload(noise.randbytes(3_000_000), name="ho-so-quet.pdf")
    async with stage.step("dossier submitted", commune.name) as seen:
        answer = await commune.dossiers.submit(body([form, scan]))
        code = answer["code"]
        await commune.transfers.wait_for(answer["transfers"][0], "handed_over")
        seen["state"] = f"{code} → 1"
    return code


async def _act(stage: Stage, actor: Hub, code: str, action: Action, **fields: Unpack[ActFields]) -> Acted:
    async with stage.step(action, actor.name) as seen:
        answer = await actor.dossiers.act(code, action, **fields)
        for transfer in answer["transfers"]:
            await actor.transfers.wait_for(transfer, "handed_over")
        seen["state"] = f"→ {answer['status']}, {answer['custody']}"
    return answer


async def offer(giver: Hub, taker: Hub, code: str) -> str:
    """Offers custody and waits until the taker has it in its inbox; returns the offer's id."""
    answer = await giver.dossiers.transfer(code, taker.organ, "Chuyển xử lý theo thẩm quyền")
    await taker.inbox.wait_for(
        lambda item: item["subject"] == code and item["type"].endswith("dossier.transferred"), ["dossier"]
    )
    return answer["offer"]


async def _hand_on(stage: Stage, giver: Hub, taker: Hub, code: str) -> None:
    async with stage.step("custody offered", giver.name, taker.name, "offered"):
        await offer(giver, taker, code)
    seen_there = await taker.dossiers.show(code)
    for attachment in seen_there["attachments"]:
        await taker.attachments.read(attachment["sha256"])
    async with stage.step("custody accepted", taker.name, giver.name) as seen:
        answer = await taker.dossiers.accept_custody(code)
        await taker.dossiers.until_held(code)
        seen["state"] = answer["custody"]


async def _only_custodian_acts(stage: Stage, former: Hub, code: str) -> None:
    await former.dossiers.until(code, lambda d: d["custody"] == "none", "custody gone")
    async with stage.step("act without custody", former.name) as seen:
        await refused(former.dossiers.act(code, "assign"), 403, "custody.not_custodian")
        seen["state"] = "403 custody.not_custodian"


async def _complete(stage: Stage, department: Hub, code: str) -> None:
    paper = await department.attachments.upload(f"Giấy chứng nhận {code}".encode(), name="ket-qua.pdf")
    await _act(stage, department, code, "complete", result={"number": "01/GCN", "attachments": [paper]})


async def _returned(stage: Stage, commune: Hub, district: Hub, department: Hub, code: str) -> None:
    dossier = await commune.dossiers.until(
        code, lambda d: d["status"] == 9 and d["custody"] == "held", "completed and back"
    )
    for paper in dossier["result"]["attachments"]:
        await commune.attachments.read(paper["sha256"])
    await _act(stage, commune, code, "return_result")
    async with stage.step("every party sees the end", commune.name, f"{district.name}, {department.name}") as seen:
        for party in (commune, district, department):
            shown = await party.dossiers.until_status(code, 10)
            check(shown["custodian"] == commune.organ, f"{party.name} sees custodian {shown['custodian']}")
            check(len(shown["history"]) >= 8, f"{party.name} sees {len(shown['history'])} steps only")
        seen["state"] = "10"


async def refuse_offer(stage: Stage) -> None:
    """An offer refused returns custody."""
    commune, district = stage["commune-a"], stage["district-a"]
    code = await _accepted(commune)
    async with stage.step("offer refused", district.name, commune.name) as seen:
        await offer(commune, district, code)
        await district.dossiers.refuse_custody(code, "Không thuộc thẩm quyền")
        shown = await commune.dossiers.until_held(code)
        check(shown["custodian"] == commune.organ, "custody did not come back")
        seen["state"] = "held again"


async def recall_against_taking(stage: Stage) -> str:
    """Recalled and taken at once: exactly one wins, and both sides agree who. Returns the winner's name."""
    commune, district = stage["commune-a"], stage["district-a"]
    code = await _accepted(commune)
    async with stage.step("recalled and taken at once", commune.name, district.name) as seen:
        await offer(commune, district, code)
        await asyncio.gather(_try(commune, code, "recall_custody"), _try(district, code, "accept_custody"))
        here, there = [
            await party.dossiers.until(code, lambda d: d["custody"] in ("held", "none"), "settled")
            for party in (commune, district)
        ]
        holders = [party.name for party, shown in ((commune, here), (district, there)) if shown["custody"] == "held"]
        check(len(holders) == 1, f"held by {holders or 'nobody'}")
        check(here["custodian"] == there["custodian"], "the two offices disagree")
        seen["state"] = f"{holders[0]} holds it"
    return holders[0]


async def _try(actor: Hub, code: str, action: Action) -> None:
    """Once; the other one may have been first."""
    try:
        await actor.within(0).dossiers.act(code, action)
    except Conflict as problem:
        check(problem.status == 409, f"{action} refused: {problem}")


async def _accepted(commune: Hub) -> str:
    answer = await commune.dossiers.submit(body())
    await commune.dossiers.act(answer["code"], "accept")
    return answer["code"]
