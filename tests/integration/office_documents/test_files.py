"""Documents and statuses posted as edXML files."""

import hashlib
import zlib
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import orjson
import pytest

from contracts.edxml.attachments import Attachment, iterate_attachments
from contracts.edxml.model import Business, StaffInfo
from contracts.identifiers import document_key
from tests.integration.office.stage import ALIAS_A, COMMUNE_A, COMMUNE_B, DEPARTMENT, Stage
from tests.integration.office_documents.papers import (
    EDXML,
    HEADER,
    SAMPLES,
    await_document,
    document,
    fetch,
    file,
    fresh_id,
    hop,
    issue,
    send,
    status_file,
)

ROOT = b'<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">'
RUBBISH = {
    "nothing": b"",
    "text": b"day khong phai la van ban",
    "json": b'{"to": []}',
    "nul": b"\x00" * 1000,
    "utf-16": '<?xml version="1.0" encoding="utf-16"?><edXML/>'.encode("utf-16"),
    "latin": "<edXML><a>\xe9</a></edXML>".encode("latin-1"),
    "open": ROOT,
    "empty": ROOT + b"</edXML>",
    "other": b"<html><body/></html>",
    "entity": b'<!DOCTYPE a [<!ENTITY b "c">]>' + ROOT + b"&b;</edXML>",
    "file": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + ROOT + b"&b;</edXML>",
    "laughs": b'<!DOCTYPE a [<!ENTITY b "cccccccc"><!ENTITY d "&b;&b;&b;&b;">]>' + ROOT + b"&d;</edXML>",
    "deep": b"<a>" * 10_000,
    "wide": ROOT + b"<a/>" * 100_000 + b"</edXML>",
    "attributes": b"<a " + b" ".join(b'x%d=""' % number for number in range(50_000)) + b"/>",
    "noise": Random(28).randbytes(100_000),
    "packed": zlib.compress(b"<edXML/>" * 1000),
    "status without answer": b"<edXML><edXMLEnvelope><edXMLHeader><MessageHeader><From><OrganId>H28</OrganId></From>"
    b"<StatusCode>03</StatusCode></MessageHeader></edXMLHeader></edXMLEnvelope></edXML>",
}


async def test_a_file_becomes_a_fact_and_is_kept_unchanged(stage: Stage) -> None:
    pdf, table = b"%PDF-1.7 cong van", b"so,ten\n1,a\n"
    document_id = fresh_id()
    content = file(
        Attachment("công văn.pdf", pdf, description="bản chính"),
        Attachment("bảng.csv", table),
        sender=ALIAS_A.lower(),
        to=(COMMUNE_B, "H99.99"),
        document_id=document_id,
        promulgation_date=date(2024, 6, 3),
        due_date=date(2024, 7, 1),
    )

    made = await send(stage, content)

    assert made.status_code == 202, made.text
    body = made.json()
    assert body["document_id"] == document_id
    assert body["id"] == document_key(COMMUNE_A, document_id)
    fact = await stage.fact(body["id"], 1)
    assert fact.recipients == (COMMUNE_B, "H99.99")
    payload = orjson.loads(fact.value)
    assert payload["original"] == {
        "sha256": hashlib.sha256(content).hexdigest(),
        "name": "document.edxml",
        "media_type": EDXML,
        "size": len(content),
    }
    assert [(each["name"], each["media_type"], each["size"]) for each in payload["document"]["attachments"]] == [
        ("công văn.pdf", "application/pdf", len(pdf)),
        ("bảng.csv", "text/csv", len(table)),
    ]
    shown = await stage.get(f"/v1/documents/{body['id']}")
    assert (shown["promulgated_on"], shown["due_on"]) == ("2024-06-03", "2024-07-01")
    assert (shown["number"], shown["notation"], shown["type"], shown["from"]) == ("12", "UBND-VP", 2, COMMUNE_A)
    for each, expected in zip(shown["attachments"], (pdf, table), strict=True):
        assert (await stage.call("GET", f"/v1/attachments/{each['sha256']}")).content == expected
    got = await fetch(stage, body["id"])
    assert (got.content, got.headers["content-type"]) == (content, EDXML)
    assert got.headers["content-length"] == str(len(content))


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("doc-2019-two-hops.edxml", "application/xml"),
        ("doc-2025-three-files-bussiness-first.edxml", "text/xml; charset=utf-8"),
        ("doc-2025-zip-called-pdf.edxml", "Application/EDXML+XML"),
        ("doc-minimal.edxml", EDXML),
    ],
)
async def test_takes_what_is_really_sent(stage: Stage, name: str, media_type: str) -> None:
    content = addressed(name)

    made = await send(stage, content, Content_Type=media_type)

    assert made.status_code == 202, made.text
    assert (await fetch(stage, made.json()["id"])).content == content
    shown = await stage.get(f"/v1/documents/{made.json()['id']}")
    inside = [each.sha256 for each in iterate_attachments(content)]
    assert [each["sha256"] for each in shown["attachments"]] == inside


async def test_same_bytes_give_the_same_answer_and_other_bytes_a_conflict(stage: Stage) -> None:
    content = file()

    made = await send(stage, content)
    again = await send(stage, content)
    other = await send(stage, content + b"\n")
    as_json = await stage.call("POST", "/v1/documents", json=document(document_id=made.json()["document_id"]))

    assert made.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (409, "document.exists")
    assert other.json()["errors"] == [{"pointer": f"{HEADER}/DocumentId"}]
    assert as_json.json()["code"] == "document.exists"


async def test_same_key_gives_the_same_answer(stage: Stage) -> None:
    content, key = file(), fresh_id()[-16:].replace("/", "-")

    first = await send(stage, content, Idempotency_Key=key)
    again = await send(stage, content, Idempotency_Key=key)
    other = await send(stage, file(), Idempotency_Key=key)

    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.json()["code"] == "idempotency.reused"


async def test_the_sender_named_must_be_the_acting_organ(stage: Stage) -> None:
    refused = await send(stage, file(sender=COMMUNE_B))
    status = await send(stage, status_file("03", "x", sender=COMMUNE_A), "b")

    for answer in (refused, status):
        assert (answer.status_code, answer.json()["code"]) == (403, "organ.forbidden")
        assert answer.json()["errors"] == [{"pointer": f"{HEADER}/From/OrganId"}]


async def test_an_unknown_business_action_is_no_new_document(stage: Stage) -> None:
    refused = await send(stage, file(business=Business(doc_type=7)))

    assert (refused.status_code, refused.json()["code"]) == (422, "request.invalid")
    assert refused.json()["errors"][0]["pointer"].endswith("/TraceHeaderList/Bussiness/BussinessDocType")


@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ({"to": ("H99.99",)}, "recipient.unknown", "/To/OrganId"),
        ({"to": ("Sở Y tế",)}, "edxml.invalid", "/To[1]/OrganId"),
        ({"subject": "x" * 10_001}, "contract.invalid", "/Subject"),
        ({"document_id": "x" * 501}, "contract.invalid", "/DocumentId"),
    ],
)
async def test_refusals_name_the_element(stage: Stage, changes: dict[str, Any], code: str, place: str) -> None:
    refused = await send(stage, file(**changes))

    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert refused.json()["errors"][0]["pointer"] == HEADER + place


@pytest.mark.parametrize("name", RUBBISH)
async def test_rubbish_is_refused(stage: Stage, name: str) -> None:
    refused = await send(stage, RUBBISH[name])

    assert refused.status_code in (403, 413, 422), refused.text
    assert refused.headers["content-type"] == "application/problem+json"


async def test_damaged_files_are_refused(stage: Stage) -> None:
    content = file(Attachment("a.xlsx", b"cells"))
    random = Random(1975)

    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(random.randrange(1, 4)):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        answer = await send(stage, bytes(damaged[: random.randrange(len(damaged) // 2, len(damaged) + 1)]))
        assert answer.status_code in (202, 403, 409, 413, 422), answer.text


async def test_an_attachment_that_is_no_base64_is_refused(stage: Stage) -> None:
    for content in (
        file(Attachment("a.pdf", b"%PDF")).replace(b"JVBERg==", b"!!!!"),
        addressed("doc-sdk-template-unbound-prefix.edxml"),
    ):
        refused = await send(stage, content)

        assert (refused.status_code, refused.json()["code"]) == (422, "edxml.invalid")
        assert refused.json()["errors"][0]["pointer"].endswith("/Attachment/ContentTransferEncoded")


async def test_files_may_be_larger_than_json(stage: Stage) -> None:
    large = Random(7).randbytes(6 * 1024 * 1024)

    made = await send(stage, file(Attachment("quét.pdf", large)))

    assert made.status_code == 202, made.text
    digest = hashlib.sha256(large).hexdigest()
    assert (await stage.call("GET", f"/v1/attachments/{digest}")).content == large


async def test_a_status_file_answers_the_document_it_names(stage: Stage) -> None:
    made = await issue(stage)
    await stage.deliver(hop(await stage.fact(made["id"], 1), 1, COMMUNE_B))
    await await_document(stage, made["id"], "b")
    happened = datetime(2024, 6, 3, 1, 2, 3, tzinfo=UTC)
    content = status_file(
        "03",
        made["document_id"],
        description="Vào sổ",
        timestamp=happened,
        staff_info=StaffInfo(staff="Lê Thị Mẫu", mobile="0000"),
    )

    answered = await send(stage, content, "b")
    again = await send(stage, content, "b")

    assert answered.status_code == 202, answered.text
    assert answered.json() | {"transfers": []} == made | {"transfers": []}
    assert (again.status_code, again.json()["transfers"]) == (200, [])
    fact = await stage.fact(made["id"], 1, sender=COMMUNE_B)
    payload = orjson.loads(fact.value)
    assert [fact.id] == answered.json()["transfers"]
    assert fact.recipients == (COMMUNE_A,)
    assert payload["at"] == "2024-06-03T01:02:03.000Z"
    assert (payload["code"], payload["description"], payload["staff"]) == ("03", "Vào sổ", "Lê Thị Mẫu")
    assert set(payload) == {"document", "code", "description", "staff", "at"}


async def test_a_status_file_from_the_future_happens_now(stage: Stage) -> None:
    made = await issue(stage)
    await stage.deliver(hop(await stage.fact(made["id"], 1), 1, COMMUNE_B))
    await await_document(stage, made["id"], "b")

    later = datetime.now(UTC) + timedelta(days=900)
    await send(stage, status_file("01", made["document_id"], timestamp=later), "b")

    fact = await stage.fact(made["id"], 1, sender=COMMUNE_B)
    assert datetime.fromisoformat(orjson.loads(fact.value)["at"]) <= datetime.now(UTC)


async def test_a_status_file_may_name_the_document_by_its_code(stage: Stage) -> None:
    notation = fresh_id()[-20:-8].replace(",", "").replace("/", "") + "-ĐT"
    made = await issue(stage, notation=notation)
    await stage.deliver(hop(await stage.fact(made["id"], 1), 1, COMMUNE_B))
    await await_document(stage, made["id"], "b")

    answered = await send(stage, status_file("01", None, number=f"12/{notation}"), "b")
    unknown = await send(stage, status_file("01", None, number=f"13/{notation}"), "b")

    assert (answered.status_code, answered.json()["id"]) == (202, made["id"])
    assert (unknown.status_code, unknown.json()["code"]) == (422, "document.unknown")


async def test_a_take_back_file_asks_the_recipient_it_names(stage: Stage) -> None:
    made = await issue(stage, to=[COMMUNE_B, DEPARTMENT])

    asked = await send(stage, status_file("13", made["document_id"], sender=COMMUNE_A, addressee=DEPARTMENT))
    stranger = await send(stage, status_file("13", made["document_id"], sender=COMMUNE_A, addressee="H99"))

    assert asked.status_code == 202, asked.text
    assert (await stage.fact(made["id"], 2)).recipients == (DEPARTMENT,)
    assert (stranger.status_code, stranger.json()["code"]) == (422, "recipient.unknown")
    assert stranger.json()["errors"] == [{"pointer": f"{HEADER}/ResponseFor/OrganId"}]


async def test_a_status_file_that_means_nothing_here_is_refused(stage: Stage) -> None:
    made = await issue(stage)

    unknown = await send(stage, status_file("03", fresh_id()), "b")
    odd = await send(stage, status_file("07", made["document_id"]), "b")

    assert (unknown.status_code, unknown.json()["code"]) == (422, "document.unknown")
    assert unknown.json()["errors"] == [{"pointer": f"{HEADER}/ResponseFor/DocumentId"}]
    assert (odd.status_code, odd.json()["code"]) == (422, "document.status_unknown")
    assert odd.json()["errors"] == [{"pointer": f"{HEADER}/StatusCode"}]


def addressed(name: str) -> bytes:
    """A sample sent by an organ here to one here, under a DocumentId of its own."""
    text = (SAMPLES / name).read_bytes().decode()
    start = text.index("From>")
    for opening, code in (("From>", COMMUNE_A), ("To>", COMMUNE_B)):
        place = text.index("OrganId>", text.index(opening, start)) + len("OrganId>")
        text = text[:place] + code + text[text.index("<", place) :]
    header_end = text.index("MessageHeader>", start)
    place = text.index("DocumentId>", text.index("To>", start)) + len("DocumentId>")
    assert place < header_end
    text = text[:place] + fresh_id() + text[text.index("<", place) :]
    return text.encode()
