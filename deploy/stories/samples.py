"""What the API page's examples name: posted once into a local hub of the default seed, left alone when it is there."""

from __future__ import annotations

from contextlib import suppress

from contracts import samples
from deploy.client.answers import AttachmentRef, NewDocument, NewDossier
from deploy.client.hub import Hub
from deploy.client.problems import Conflict, NotFound
from deploy.stories.stage import Stage, check

PLACE = "Phường Phương Lâm"


async def play(stage: Stage) -> None:
    """Other seeds have other organs, for which the examples are only read."""
    if stage["commune-a"].organ != samples.ORGAN:
        return
    async with stage.step("what the API examples name", samples.ORGAN, "", samples.DOSSIER):
        await _dossiers(stage["commune-a"])
        await _documents(stage["commune-a"])
        await _received(stage)


def dossier(code: str, paper: AttachmentRef) -> NewDossier:
    return {
        "code": code,
        "procedure": "1.001612",
        "channel": 1,
        "applicant": {"kind": "citizen", "name": "Nguyễn Văn Mẫu", "id_number": "000000000000"},
        "summary": "Đăng ký thành lập hộ kinh doanh",
        "attachments": [paper],
    }


def document(act: str) -> NewDocument:
    return {
        "document_id": samples.SENT_DOCUMENT_IDS[act],
        "to": [samples.NEIGHBOUR],
        "number": samples.SENT_NUMBERS[act],
        "notation": samples.SENT_NOTATION,
        "promulgated_on": "2024-06-03",
        "place": PLACE,
        "type": 18,
        "type_name": "Công văn",
        "subject": "V/v phối hợp giải quyết thủ tục hành chính",
    }


async def _dossiers(commune: Hub) -> None:
    paper = await commune.attachments.upload(samples.PAPER.encode(), name="to-khai.txt")
    for code in (samples.DOSSIER, samples.DOSSIER_TO_HAND_ON):
        try:
            answer = await commune.dossiers.submit(dossier(code, paper))
        except Conflict as problem:
            check(problem.code == "dossier.exists", f"{code}: {problem}")
        else:
            await commune.transfers.wait_for(answer["transfers"][0], "handed_over")


async def _documents(commune: Hub) -> None:
    for act, id_ in samples.SENT.items():
        try:
            await commune.documents.show(id_)
        except NotFound:
            answer = await commune.documents.send(document(act))
            check(answer["id"] == id_, f"the document for {act} has the id {answer['id']}")
            await commune.transfers.wait_for(answer["transfers"][0], "handed_over")


async def _received(stage: Stage) -> None:
    """The same order makes the same file, which is the same document and the same transfer."""
    commune = stage["commune-a"]
    with suppress(NotFound):
        await commune.transfers.show(samples.TRANSFER)
        return
    answer = await stage.http.post(f"{stage.axis_url}/_standin/documents", json=samples.RECEIVED_ORDER)
    check(answer.status_code < 300, f"the stand-in answered {answer.status_code}: {answer.text[:300]}")
    item = await commune.inbox.wait_for(lambda each: each["subject"] == samples.RECEIVED, ["document"])
    check(item["id"] == samples.TRANSFER, f"the received document came as transfer {item['id']}")
