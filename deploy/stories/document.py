"""Story 2: documents, one as edXML and one as JSON, to a commune, a district, a department and a central organ."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from xml.sax.saxutils import escape

from deploy.client.answers import AttachmentRef, NewDocument, Sent, Transfer
from deploy.client.hub import Hub
from deploy.client.words import DocumentStatus
from deploy.stories.stage import SAMPLES, Stage, check

SAMPLE = "doc-2025-three-files-bussiness-first.edxml"
CENTRAL = "G22"
ANSWERS: tuple[DocumentStatus, ...] = ("01", "03", "06")
REFUSAL = "Văn bản gửi nhầm nơi nhận"


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


def letter(to: Sequence[str], attachments: Sequence[AttachmentRef] = ()) -> NewDocument:
    return {
        "to": list(to),
        "number": uuid4().hex[:8],
        "notation": "UBND-VP",
        "promulgated_on": today().isoformat(),
        "place": "Hòa Bình",
        "type": 18,
        "type_name": "Công văn",
        "subject": "V/v phối hợp giải quyết thủ tục hành chính liên thông",
        "attachments": list(attachments),
    }


async def play(stage: Stage) -> None:
    await issue_edxml(stage)
    await issue_json(stage)
    await down_from_central(stage)


def recipients(stage: Stage) -> list[Hub]:
    return [stage["commune-b"], stage["district-a"], stage["department-a"]]


async def issue_edxml(stage: Stage) -> str:
    sender = stage["commune-a"]
    to = [party.organ for party in recipients(stage)] + [CENTRAL]
    async with stage.step("edXML document posted", sender.name, f"{len(to)} recipients") as seen:
        answer = await sender.documents.send_edxml(edxml(sender.organ, to, str(uuid4())))
        seen["state"] = answer["id"]
    await _carried(stage, sender, answer, attachments=3)
    return answer["id"]


async def issue_json(stage: Stage) -> str:
    sender = stage["commune-a"]
    to = [party.organ for party in recipients(stage)] + [CENTRAL]
    paper = await sender.attachments.upload(f"Nội dung {uuid4()}".encode(), name="cong-van.pdf")
    async with stage.step("JSON document posted", sender.name, f"{len(to)} recipients") as seen:
        answer = await sender.documents.send(letter(to, [paper]))
        seen["state"] = answer["id"]
    await _carried(stage, sender, answer, attachments=1)
    return answer["id"]


async def _carried(stage: Stage, sender: Hub, issued: Sent, *, attachments: int) -> None:
    """Handed over everywhere, read, answered; the sender sees each answer at its recipient."""
    transfer, parties = issued["transfers"][0], recipients(stage)
    async with stage.step("handed over to all", sender.name) as seen:
        shown = await sender.transfers.wait_for(transfer, "handed_over")
        check(len(shown["deliveries"]) == len(parties) + 1, f"{len(shown['deliveries'])} deliveries")
        check(all(d["handed_over_at"] for d in shown["deliveries"]), "a delivery without its time")
        seen["state"] = ", ".join(sorted({d["via"] for d in shown["deliveries"]}))
    for party in parties[:-1]:
        await _read(party, issued["id"], attachments)
        for code in ANSWERS:
            await _answer(stage, party, sender, issued["id"], code)
    await _read(parties[-1], issued["id"], attachments)
    await _answer(stage, parties[-1], sender, issued["id"], "02", REFUSAL)
    await _answers_home(stage, sender, transfer, parties)


async def _read(party: Hub, id_: str, attachments: int) -> None:
    await party.inbox.wait_for(
        lambda item: item["subject"] == id_ and item["type"].endswith("document.issued"), ["document"]
    )
    shown = await party.documents.show(id_)
    check(len(shown["attachments"]) == attachments, f"{party.name} sees {len(shown['attachments'])} attachments")
    for attachment in shown["attachments"]:
        await party.attachments.read(attachment["sha256"])


async def _answer(
    stage: Stage, party: Hub, sender: Hub, id_: str, code: DocumentStatus, reason: str | None = None
) -> None:
    async with stage.step(f"status {code}", party.name, sender.name) as seen:
        answer = await party.documents.answer(id_, code, description=reason)
        await party.transfers.wait_for(answer["transfers"][0], "handed_over")
        seen["state"] = "handed over"


async def _answers_home(stage: Stage, sender: Hub, transfer: str, parties: list[Hub]) -> None:
    wanted = {party.organ: set[str](ANSWERS) for party in parties[:-1]}
    wanted |= {parties[-1].organ: {"02"}, CENTRAL: {"01", "03", "06"}}

    def complete(shown: Transfer) -> bool:
        given = {d["organ"]: {a["code"] for a in d["answers"]} for d in shown["deliveries"]}
        return all(codes <= given.get(organ, set()) for organ, codes in wanted.items())

    async with stage.step("all answers home", "recipients", sender.name) as seen:
        shown = await sender.transfers.until(transfer, complete, "every answer at its recipient")
        refused = next(d for d in shown["deliveries"] if d["organ"] == parties[-1].organ)
        check(refused["answers"][0].get("description") == REFUSAL, "the reason of the refusal is missing")
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
        item = await commune.inbox.wait_for(
            lambda i: i["type"].endswith("document.issued") and i["data"]["document"].get("number") == number,
            ["document"],
        )
        shown = await commune.documents.show(item["subject"])
        check(shown["from"] == CENTRAL, f"it came from {shown['from']}")
        seen["state"] = "in the inbox"
    async with stage.step("status 01", commune.name, CENTRAL) as seen:
        given = await commune.documents.answer(item["subject"], "01")
        await commune.transfers.wait_for(given["transfers"][0], "handed_over")
        seen["state"] = "handed over via axis"


def today() -> date:
    return (datetime.now(UTC) + timedelta(hours=7)).date()
