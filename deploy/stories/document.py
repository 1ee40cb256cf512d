"""Story 2: documents, one as edXML and one as JSON, to a commune, a district, a department and a central organ."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from xml.sax.saxutils import escape

from deploy.agency import Agency, Json
from deploy.stories.stage import SAMPLES, Stage, check

SAMPLE = "doc-2025-three-files-bussiness-first.edxml"
CENTRAL = "G22"
ANSWERS = (("01", None), ("03", None), ("06", None))
REFUSAL = ("02", "Văn bản gửi nhầm nơi nhận")


def edxml(sender: str, recipients: list[str], document_id: str) -> bytes:
    """The sample file with From, To and DocumentId replaced textually; every other byte as found."""
    text = (SAMPLES / SAMPLE).read_text(encoding="utf-8")
    found = re.search(r"\s*<edXML:To>.*?</edXML:To>", text, re.DOTALL)
    assert found is not None
    one = found.group(0)
    many = "".join(one.replace(">vxp.saas.02</edXML:OrganId>", f">{escape(r)}</edXML:OrganId>") for r in recipients)
    text = text.replace(one, many)
    text = text.replace(
        "<edXML:OrganId>vxp.saas.03</edXML:OrganId>", f"<edXML:OrganId>{escape(sender)}</edXML:OrganId>"
    )
    return text.replace(
        "<edXML:DocumentId>bb5d2f68-bbce-49da-aa9a-2197cabec3bf</edXML:DocumentId>",
        f"<edXML:DocumentId>{escape(document_id)}</edXML:DocumentId>",
    ).encode()


async def play(stage: Stage) -> None:
    await issue_edxml(stage)
    await issue_json(stage)
    await down_from_central(stage)


def recipients(stage: Stage) -> list[Agency]:
    return [stage["commune-b"], stage["district-a"], stage["department-a"]]


async def issue_edxml(stage: Stage) -> str:
    sender = stage["commune-a"]
    to = [agency.organ for agency in recipients(stage)] + [CENTRAL]
    async with stage.step("edXML document posted", sender.name, f"{len(to)} recipients") as seen:
        answer = await sender.post_edxml(edxml(sender.organ, to, str(uuid4())))
        seen["state"] = answer["id"]
    await _carried(stage, sender, answer, attachments=3)
    return str(answer["id"])


async def issue_json(stage: Stage) -> str:
    sender = stage["commune-a"]
    to = [agency.organ for agency in recipients(stage)] + [CENTRAL]
    paper = await sender.attach(f"Nội dung {uuid4()}".encode(), "cong-van.pdf", "application/pdf")
    document = {
        "to": to,
        "number": uuid4().hex[:8],
        "notation": "UBND-VP",
        "promulgated_on": today().isoformat(),
        "place": "Hòa Bình",
        "type": 18,
        "type_name": "Công văn",
        "subject": "V/v phối hợp giải quyết thủ tục hành chính liên thông",
        "attachments": [paper],
    }
    async with stage.step("JSON document posted", sender.name, f"{len(to)} recipients") as seen:
        answer = await sender.post("/v1/documents", document, expect=(202,))
        seen["state"] = answer["id"]
    await _carried(stage, sender, answer, attachments=1)
    return str(answer["id"])


async def _carried(stage: Stage, sender: Agency, issued: Json, *, attachments: int) -> None:
    """Handed over everywhere, read, answered; the sender sees each answer at its recipient."""
    transfer, parties = issued["transfers"][0], recipients(stage)
    async with stage.step("handed over to all", sender.name) as seen:
        shown = await sender.await_transfer(transfer, "handed_over")
        check(len(shown["deliveries"]) == len(parties) + 1, f"{len(shown['deliveries'])} deliveries")
        check(all(d["handed_over_at"] for d in shown["deliveries"]), "a delivery without its time")
        seen["state"] = ", ".join(sorted({d["via"] for d in shown["deliveries"]}))
    for party in parties[:-1]:
        await _read(party, issued["id"], attachments)
        for code, reason in ANSWERS:
            await _answer(stage, party, sender, issued["id"], code, reason)
    await _read(parties[-1], issued["id"], attachments)
    await _answer(stage, parties[-1], sender, issued["id"], *REFUSAL)
    await _answers_home(stage, sender, transfer, parties)


async def _read(party: Agency, id_: str, attachments: int) -> None:
    await party.await_item(
        lambda item: item["subject"] == id_ and item["type"].endswith("document.issued"), kind="document"
    )
    shown = await party.get(f"/v1/documents/{id_}")
    check(len(shown["attachments"]) == attachments, f"{party.name} sees {len(shown['attachments'])} attachments")
    for attachment in shown["attachments"]:
        await party.fetch(attachment["sha256"])


async def _answer(stage: Stage, party: Agency, sender: Agency, id_: str, code: str, reason: str | None) -> None:
    async with stage.step(f"status {code}", party.name, sender.name) as seen:
        body = {"code": code} | ({"description": reason} if reason else {})
        answer = await party.post(f"/v1/documents/{id_}/statuses", body, expect=(202,))
        await party.await_transfer(answer["transfers"][0], "handed_over")
        seen["state"] = "handed over"


async def _answers_home(stage: Stage, sender: Agency, transfer: str, parties: list[Agency]) -> None:
    wanted = {party.organ: {code for code, _ in ANSWERS} for party in parties[:-1]}
    wanted |= {parties[-1].organ: {REFUSAL[0]}, CENTRAL: {"01", "03", "06"}}

    def complete(shown: Json) -> bool:
        given = {d["organ"]: {a["code"] for a in d["answers"]} for d in shown["deliveries"]}
        return all(codes <= given.get(organ, set()) for organ, codes in wanted.items())

    async with stage.step("all answers home", "recipients", sender.name) as seen:
        shown = await sender.until(f"/v1/transfers/{transfer}", complete, "every answer at its recipient")
        refused = next(d for d in shown["deliveries"] if d["organ"] == parties[-1].organ)
        check(refused["answers"][0].get("description") == REFUSAL[1], "the reason of the refusal is missing")
        seen["state"] = "01 03 06 · 02"


async def down_from_central(stage: Stage) -> None:
    """The central organ sends a document down to a commune over the axis."""
    commune = stage["commune-a"]
    number = uuid4().hex[:8]
    async with stage.step("document from the central level", CENTRAL, commune.name) as seen:
        order = {
            "to": commune.organ,
            "number": number,
            "notation": "VPCP-KSTT",
            "subject": "V/v cải cách thủ tục hành chính",
        }
        answer = await stage.http.post(f"{stage.axis_url}/_standin/documents", json=order)
        check(answer.status_code < 300, f"the stand-in answered {answer.status_code}: {answer.text[:300]}")
        item = await commune.await_item(
            lambda i: i["type"].endswith("document.issued") and i["data"]["document"].get("number") == number,
            kind="document",
        )
        shown = await commune.get(f"/v1/documents/{item['subject']}")
        check(shown["from"] == CENTRAL, f"it came from {shown['from']}")
        seen["state"] = "in the inbox"
    async with stage.step("status 01", commune.name, CENTRAL) as seen:
        given = await commune.post(f"/v1/documents/{item['subject']}/statuses", {"code": "01"}, expect=(202,))
        await commune.await_transfer(given["transfers"][0], "handed_over")
        seen["state"] = "handed over via axis"


def today() -> date:
    return (datetime.now(UTC) + timedelta(hours=7)).date()
