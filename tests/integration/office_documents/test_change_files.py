"""Recalls, updates and replacements posted as edXML files."""

import hashlib

import orjson
import pytest

from contracts.edxml.attachments import Attachment
from contracts.edxml.model import (
    RECEIVER_ADDED,
    RECEIVER_REMOVED,
    Business,
    DocumentChange,
    Receiver,
    ReplacementInfo,
    StaffInfo,
)
from contracts.identifiers import document_key
from services.office.documents.edxml import BUSINESS
from tests.integration.office.stage import COMMUNE_A, COMMUNE_B, COMMUNE_C, DEPARTMENT, Json, Stage
from tests.integration.office_documents.papers import (
    EDXML,
    answer,
    changed,
    fetch,
    file,
    fresh_id,
    hop,
    send,
    shown,
    spread,
)


def original_of(content: bytes) -> Json:
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "name": "document.edxml",
        "media_type": EDXML,
        "size": len(content),
    }


@pytest.mark.parametrize("named_in", ["header", "business"])
async def test_a_file_recalls(stage: Stage, named_in: str) -> None:
    made, _ = await spread(stage, COMMUNE_B, COMMUNE_C)
    own = named_in == "business"
    business = Business(
        doc_type=1,
        document_id=made["document_id"] if own else None,
        doc_reason="Gửi nhầm",
        staff_info=(StaffInfo(staff="Văn thư"),),
    )
    name = fresh_id() if own else made["document_id"]
    content = file(to=(COMMUNE_B, DEPARTMENT), document_id=name, business=business)

    answered = await send(stage, content)
    again = await send(stage, content)

    fact = await stage.fact(made["id"], 2)
    assert (answered.status_code, answered.json()) == (
        202,
        {"id": made["id"], "document_id": made["document_id"], "transfers": [fact.id]},
    )
    assert (again.status_code, again.json()["transfers"]) == (200, [])
    assert (fact.type, fact.recipients) == ("document.recalled", (COMMUNE_B,))
    payload = orjson.loads(fact.value)
    assert (payload["reason"], payload["staff"], payload["original"]) == ("Gửi nhầm", "Văn thư", original_of(content))
    await stage.deliver(hop(fact, 2, COMMUNE_B))
    await changed(stage, made["id"], 1, "b")
    kept = await stage.call("GET", f"/v1/attachments/{payload['original']['sha256']}", "b")
    assert kept.content == content


async def test_a_file_updates(stage: Stage) -> None:
    first = await stage.attach(b"ban dau")
    made, _ = await spread(stage, COMMUNE_B, DEPARTMENT, attachments=[first])
    receivers = (Receiver(COMMUNE_C, RECEIVER_ADDED), Receiver(DEPARTMENT, RECEIVER_REMOVED))
    business = Business(
        doc_type=2,
        document_id=made["document_id"],
        doc_reason="Đính chính",
        document_changes=(DocumentChange(document_info=1, document_receiver=1, receivers=receivers),),
    )
    pdf = b"%PDF-1.7 ban sua"
    content = file(
        Attachment("bản sửa.pdf", pdf),
        to=(COMMUNE_B, DEPARTMENT, "H99.99"),
        document_id=fresh_id(),
        subject="mới",
        business=business,
    )

    answered = await send(stage, content)
    again = await send(stage, content)

    updated, recalled = await stage.fact(made["id"], 2), await stage.fact(made["id"], 3)
    assert (answered.status_code, answered.json()["transfers"]) == (202, [updated.id, recalled.id]), answered.text
    assert updated.recipients == (COMMUNE_B, COMMUNE_C, "H99.99")
    assert recalled.recipients == (DEPARTMENT,)
    payload = orjson.loads(updated.value)
    fields = payload["document"]
    assert (fields["document_id"], fields["subject"], fields["type_name"]) == (made["document_id"], "mới", "Công văn")
    assert [each["name"] for each in fields["attachments"]] == ["bản sửa.pdf"]
    assert (payload["added"], payload["removed"]) == ([COMMUNE_C], [DEPARTMENT])
    assert payload["original"] == original_of(content)
    assert "original" not in orjson.loads(recalled.value)
    assert (again.status_code, again.json()["transfers"]) == (200, [])
    await stage.deliver(hop(updated, 2, COMMUNE_B, COMMUNE_C))
    await changed(stage, made["id"], 1, "b")
    await answer(stage, made["id"], "15", "b")
    await shown(stage, made["id"], "b", subject="mới")
    for system in ("a", "b", "c"):
        assert (await fetch(stage, made["id"], system)).content == content


async def test_a_file_replaces(stage: Stage) -> None:
    one, _ = await spread(stage, COMMUNE_B)
    two, _ = await spread(stage, COMMUNE_B)
    listed = tuple(ReplacementInfo(each["document_id"], (COMMUNE_B,)) for each in (one, two, one))
    name = fresh_id()
    content = file(document_id=name, business=Business(doc_type=3, doc_reason="Sai", replacements=listed))

    answered = await send(stage, content)
    again = await send(stage, content)

    fact = await stage.fact(document_key(COMMUNE_A, name), 1)
    assert (answered.status_code, answered.json()) == (
        202,
        {"id": fact.subject, "document_id": name, "transfers": [fact.id]},
    )
    assert again.json() == answered.json()
    payload = orjson.loads(fact.value)
    assert [each["id"] for each in payload["replaces"]] == [one["id"], two["id"]]
    assert (fact.type, payload["reason"], payload["original"]) == ("document.replaced", "Sai", original_of(content))
    await stage.deliver(hop(fact, 1, COMMUNE_B))
    for each in (one, two):
        assert (await shown(stage, each["id"], "b", state="replaced"))["replaced_by"]["id"] == fact.subject
    assert (await fetch(stage, fact.subject, "b")).content == content


@pytest.mark.parametrize(
    ("business", "code", "pointer"),
    [
        (Business(doc_type=1), "document.unknown", f"{BUSINESS}/DocumentId"),
        (Business(doc_type=2, document_id="x"), "document.unknown", f"{BUSINESS}/DocumentId"),
        (Business(doc_type=3), "edxml.invalid", f"{BUSINESS}/ReplacementInfoList"),
        (Business(doc_type=3, document_id="x"), "document.unknown", f"{BUSINESS}/DocumentId"),
        (
            Business(doc_type=3, replacements=(ReplacementInfo("x"),)),
            "document.unknown",
            f"{BUSINESS}/ReplacementInfoList/ReplacementInfo/DocumentId",
        ),
    ],
)
async def test_what_was_never_sent_cannot_be_changed(stage: Stage, business: Business, code: str, pointer: str) -> None:
    refused = await send(stage, file(business=business))
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert refused.json()["errors"] == [{"pointer": pointer}]


async def test_a_recall_sent_to_strangers_is_refused(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_B)
    content = file(to=(COMMUNE_C,), document_id=made["document_id"], business=Business(doc_type=1))
    refused = await send(stage, content)
    assert (refused.status_code, refused.json()["code"]) == (422, "recipient.unknown")
    assert refused.json()["errors"][0]["pointer"].endswith("/MessageHeader/To/OrganId")
