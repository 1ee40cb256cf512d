"""Story 1: a dossier from a commune over its district to a department and back, under custody."""

import asyncio
import random
from collections.abc import Sequence

from deploy.agency import Agency, Json
from deploy.stories.stage import Stage, check

PROCEDURE = "1.001612"


def body(attachments: Sequence[Json] = ()) -> Json:
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
    await _act(stage, commune, code, {"action": "accept"})
    await _hand_on(stage, commune, district, code)
    await _only_custodian_acts(stage, commune, code)
    await _act(stage, district, code, {"action": "assign", "staff": "Cán bộ Mẫu"})
    await _hand_on(stage, district, department, code)
    await _complete(stage, department, code)
    await _returned(stage, commune, district, department, code)
    return code


async def _submit(stage: Stage, commune: Agency) -> str:
    noise = random.Random()  # noqa: S311 - sample bytes that differ from run to run
    async with stage.step("attachments put", commune.name, "", "40 KB + 3 MB"):
        form = await commune.attach(noise.randbytes(40_000), "to-khai.pdf", "application/pdf")
        scan = await commune.attach(noise.randbytes(3_000_000), "ho-so-quet.pdf", "application/pdf")
    async with stage.step("dossier submitted", commune.name) as seen:
        answer = await commune.post("/v1/dossiers", body([form, scan]), expect=(201,))
        code = str(answer["code"])
        await commune.await_transfer(answer["transfers"][0], "handed_over")
        seen["state"] = f"{code} → 1"
    return code


async def _act(stage: Stage, actor: Agency, code: str, act: Json) -> Json:
    async with stage.step(act["action"], actor.name) as seen:
        answer = await actor.post(f"/v1/dossiers/{code}/actions", act, expect=(200,))
        for transfer in answer["transfers"]:
            await actor.await_transfer(transfer, "handed_over")
        seen["state"] = f"→ {answer['status']}, {answer['custody']}"
    return answer


async def offer(giver: Agency, taker: Agency, code: str) -> str:
    """Offers custody and waits until the taker has it in its inbox; returns the offer's id."""
    answer = await giver.post(
        f"/v1/dossiers/{code}/transfers", {"to": taker.organ, "reason": "Chuyển xử lý theo thẩm quyền"}, expect=(201,)
    )
    await taker.await_item(
        lambda item: item["subject"] == code and item["type"].endswith("dossier.transferred"), kind="dossier"
    )
    return str(answer["offer"])


async def _hand_on(stage: Stage, giver: Agency, taker: Agency, code: str) -> None:
    async with stage.step("custody offered", giver.name, taker.name, "offered"):
        await offer(giver, taker, code)
    seen_there = await taker.get(f"/v1/dossiers/{code}")
    for attachment in seen_there["attachments"]:
        await taker.fetch(attachment["sha256"])
    async with stage.step("custody accepted", taker.name, giver.name) as seen:
        answer = await taker.post(f"/v1/dossiers/{code}/actions", {"action": "accept_custody"}, expect=(200, 202))
        await taker.until(f"/v1/dossiers/{code}", lambda d: d["custody"] == "held", "custody held")
        seen["state"] = answer["custody"]


async def _only_custodian_acts(stage: Stage, former: Agency, code: str) -> None:
    await former.until(f"/v1/dossiers/{code}", lambda d: d["custody"] == "none", "custody gone")
    async with stage.step("act without custody", former.name) as seen:
        problem = await former.post(f"/v1/dossiers/{code}/actions", {"action": "assign"}, expect=(403,))
        check(problem["code"] == "custody.not_custodian", f"wrong refusal: {problem['code']}")
        seen["state"] = f"403 {problem['code']}"


async def _complete(stage: Stage, department: Agency, code: str) -> None:
    paper = await department.attach(f"Giấy chứng nhận {code}".encode(), "ket-qua.pdf", "application/pdf")
    act = {"action": "complete", "result": {"number": "01/GCN", "attachments": [paper]}}
    await _act(stage, department, code, act)


async def _returned(stage: Stage, commune: Agency, district: Agency, department: Agency, code: str) -> None:
    dossier = await commune.until(
        f"/v1/dossiers/{code}", lambda d: d["status"] == 9 and d["custody"] == "held", "completed and back"
    )
    for paper in dossier["result"]["attachments"]:
        await commune.fetch(paper["sha256"])
    await _act(stage, commune, code, {"action": "return_result"})
    async with stage.step("every party sees the end", commune.name, f"{district.name}, {department.name}") as seen:
        for party in (commune, district, department):
            shown = await party.until(f"/v1/dossiers/{code}", lambda d: d["status"] == 10, "status 10")
            check(shown["custodian"] == commune.organ, f"{party.name} sees custodian {shown['custodian']}")
            check(len(shown["history"]) >= 8, f"{party.name} sees {len(shown['history'])} steps only")
        seen["state"] = "10"


async def refuse_offer(stage: Stage) -> None:
    """An offer refused returns custody."""
    commune, district = stage["commune-a"], stage["district-a"]
    code = await _accepted(commune)
    async with stage.step("offer refused", district.name, commune.name) as seen:
        await offer(commune, district, code)
        await district.post(
            f"/v1/dossiers/{code}/actions", {"action": "refuse_custody", "reason": "Không thuộc thẩm quyền"}
        )
        shown = await commune.until(f"/v1/dossiers/{code}", lambda d: d["custody"] == "held", "custody back")
        check(shown["custodian"] == commune.organ, "custody did not come back")
        seen["state"] = "held again"


async def recall_against_taking(stage: Stage) -> str:
    """Recalled and taken at once: exactly one wins, and both sides agree who. Returns the winner's name."""
    commune, district = stage["commune-a"], stage["district-a"]
    code = await _accepted(commune)
    async with stage.step("recalled and taken at once", commune.name, district.name) as seen:
        await offer(commune, district, code)
        path = f"/v1/dossiers/{code}/actions"
        await asyncio.gather(
            commune.post(path, {"action": "recall_custody"}, expect=(200, 202, 409)),
            district.post(path, {"action": "accept_custody"}, expect=(200, 202, 409)),
        )
        settled = ("held", "none")
        here = await commune.until(f"/v1/dossiers/{code}", lambda d: d["custody"] in settled, "settled")
        there = await district.until(f"/v1/dossiers/{code}", lambda d: d["custody"] in settled, "settled")
        holders = [party.name for party, shown in ((commune, here), (district, there)) if shown["custody"] == "held"]
        check(len(holders) == 1, f"held by {holders or 'nobody'}")
        check(here["custodian"] == there["custodian"], "the two offices disagree")
        seen["state"] = f"{holders[0]} holds it"
    return holders[0]


async def _accepted(commune: Agency) -> str:
    answer = await commune.post("/v1/dossiers", body(), expect=(201,))
    await commune.post(f"/v1/dossiers/{answer['code']}/actions", {"action": "accept"})
    return str(answer["code"])
