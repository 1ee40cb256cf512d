"""Documents posted as JSON: from the post to the settled transfer."""

import asyncio
from uuid import uuid4

import orjson
import pytest

from contracts.edxml.attachments import iterate_attachments
from contracts.edxml.model import Document
from contracts.edxml.reader import read
from contracts.identifiers import document_key
from services.kernel.messaging.records import Outgoing
from services.office.documents.api import EXAMPLE
from tests.integration.office.stage import (
    ALIAS_A,
    COMMUNE_A,
    COMMUNE_B,
    COMMUNE_C,
    DEPARTMENT,
    DISTRICT,
    DIVIDED,
    Json,
    Stage,
    dossier,
    until,
)
from tests.integration.office_documents.papers import EDXML, document, fetch, fresh_id, issue


async def test_posted_document_becomes_fact_number_one(stage: Stage) -> None:
    body = document(to=[COMMUNE_B.lower(), DEPARTMENT, COMMUNE_B], priority=2)

    made = await stage.post("/v1/documents", body, expect=202)

    assert made["document_id"] == body["document_id"]
    assert made["id"] == document_key(COMMUNE_A, body["document_id"])
    fact = await stage.fact(made["id"], 1)
    assert [fact.id] == made["transfers"]
    assert (fact.type, fact.sender, fact.system, fact.priority) == ("document.issued", COMMUNE_A, "a", 2)
    assert fact.recipients == (COMMUNE_B.lower(), DEPARTMENT)
    posted = orjson.loads(fact.value)["document"]
    assert posted == body | {"sender": COMMUNE_A, "response_for": [], "attachments": []}


async def test_a_document_to_an_organ_without_a_chosen_successor_is_accepted(stage: Stage) -> None:
    made = await stage.post("/v1/documents", document(to=[DIVIDED.lower()]), expect=202)

    fact = await stage.fact(made["id"], 1)
    assert fact.recipients == (DIVIDED.lower(),)
    await stage.route(fact, None, DIVIDED)
    await stage.await_transfer(fact.id, "routed")
    told = await stage.post(f"/v1/documents/{made['id']}/recall", {"reason": "gửi nhầm"}, expect=202)
    assert (await stage.fact(made["id"], 2)).recipients == (DIVIDED,), "a recall waits behind it"
    assert told["transfers"]


async def test_a_dossier_is_not_offered_to_an_organ_without_a_chosen_successor(stage: Stage) -> None:
    answer = await stage.post("/v1/dossiers", dossier(deciding_organ=DIVIDED), expect=409)
    assert (answer["code"], answer["errors"][0]["pointer"]) == ("recipient.undecided", "/deciding_organ")


async def test_sender_reads_what_was_posted(stage: Stage) -> None:
    attached = await stage.attach(b"%PDF-1.7 giay to")
    body = document(
        content="tóm tắt",
        signer={"name": "Nguyễn Văn Mẫu"},
        due_on="2024-07-01",
        response_for=[{"organ": DEPARTMENT, "code": "1/A", "promulgated_on": "2024-05-01", "document_id": "x"}],
        attachments=[attached],
    )

    made = await stage.post("/v1/documents", body, expect=202)
    shown = await stage.get(f"/v1/documents/{made['id']}")

    assert shown.pop("created_at").endswith("+07:00")
    assert shown == body | {
        "state": "current",
        "changes": [],
        "id": made["id"],
        "from": COMMUNE_A,
        "box": "out",
        "priority": 0,
        "transfers": made["transfers"],
        "statuses": [],
        "attachments": [attached | {"size": 16}],
    }
    assert (await stage.call("GET", f"/v1/documents/{made['id']}", "b")).status_code == 404
    assert (await stage.call("GET", f"/v1/documents/{made['id']}", "reader")).status_code == 403
    assert (await stage.call("GET", f"/v1/documents/{uuid4()}")).status_code == 404
    assert (await stage.get(f"/v1/documents/{made['id']}", "a-documents"))["id"] == made["id"]


async def test_issued_document_ids_have_three_fields_and_are_never_used_twice(stage: Stage) -> None:
    notation = f"VP-{uuid4().hex[:6]}"
    made = [await issue(stage, document_id=None, notation=notation) for _ in range(3)]

    plain = f"{COMMUNE_A},2024/06/03,12/{notation}"
    assert made[0]["document_id"] == plain
    assert {each["document_id"].split(",")[2] for each in made} == {f"12/{notation}"}
    assert len({each["id"] for each in made}) == 3


async def test_an_issued_document_id_may_be_posted_again(stage: Stage) -> None:
    body = document(document_id=None, notation=f"VP-{uuid4().hex[:6]}")
    made = await stage.post("/v1/documents", body, expect=202)

    assert await stage.post("/v1/documents", body | {"document_id": made["document_id"]}, expect=202) == made


async def test_the_example_works_as_it_stands(stage: Stage) -> None:
    first = await stage.post("/v1/documents", EXAMPLE | {"to": [DEPARTMENT]}, expect=202)
    second = await stage.post("/v1/documents", EXAMPLE | {"to": [DEPARTMENT]}, expect=202)
    assert first["id"] != second["id"]


async def test_same_content_gives_the_same_answer_and_other_content_a_conflict(stage: Stage) -> None:
    body = document()
    made = await stage.post("/v1/documents", body, expect=202)

    turned = dict(reversed(body.items()))
    assert await stage.post("/v1/documents", turned, expect=202) == made
    refused = await stage.post("/v1/documents", body | {"subject": "khác"}, expect=409)
    assert (refused["code"], refused["errors"]) == ("document.exists", [{"pointer": "/document_id"}])
    assert (await stage.post("/v1/documents", body, "b", expect=202))["id"] != made["id"]
    rows = await stage.sql("SELECT 1 FROM outbox WHERE subject = :subject", subject=made["id"])
    assert len(rows) == 1


async def test_the_same_document_at_once_is_accepted_once(stage: Stage) -> None:
    body = document()

    answers = await asyncio.gather(*(stage.post("/v1/documents", body, expect=202) for _ in range(8)))

    assert [each["transfers"] for each in answers] == [answers[0]["transfers"]] * 8


async def test_the_same_unnamed_document_at_once_is_accepted_every_time(stage: Stage) -> None:
    body = document(document_id=None, notation=f"VP-{uuid4().hex[:6]}")

    answers = await asyncio.gather(*(stage.post("/v1/documents", body, expect=202) for _ in range(8)))

    assert len({each["document_id"] for each in answers}) == 8


async def test_known_recipients_proceed_and_the_gateway_reports_the_others(stage: Stage) -> None:
    made = await issue(stage, to=["H99.99", COMMUNE_B])

    assert (await stage.fact(made["id"], 1)).recipients == ("H99.99", COMMUNE_B)


async def test_refused_at_once_when_no_recipient_is_left(stage: Stage) -> None:
    suspended = await suspended_organ(stage)

    unknown = await stage.post("/v1/documents", document(to=["H99.99"]), expect=422)
    away = await stage.post("/v1/documents", document(to=[suspended, "H99.99"]), expect=422)

    assert (unknown["code"], unknown["errors"][0]["pointer"]) == ("recipient.unknown", "/to/0")
    assert (away["code"], away["errors"][0]["pointer"]) == ("recipient.suspended", "/to/0")


async def test_more_recipients_than_a_header_can_name_are_too_many(stage: Stage) -> None:
    crowd = [f"000.00.{number:03d}.H99.00.00.00.00.0000" for number in range(500)]
    refused = await stage.post("/v1/documents", document(to=[COMMUNE_B, *crowd]), expect=413)
    assert (refused["code"], refused["errors"][0]["pointer"]) == ("size.too_large", "/to")


async def test_attachments_must_have_been_put_by_the_organ(stage: Stage) -> None:
    theirs = await stage.attach(uuid4().bytes, "b")

    refused = await stage.post("/v1/documents", document(attachments=[theirs]), expect=422)

    assert (refused["code"], refused["errors"][0]["pointer"]) == ("attachment.missing", "/attachments/0")


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{", "application/json", 400, "request.malformed"),
        (b"\xff", "application/json", 400, "request.malformed"),
        (b"[]", "application/json", 422, "request.invalid"),
        (b"", "application/json", 400, "request.malformed"),
        (b"{}", "text/plain", 415, "request.unsupported_media_type"),
        (b"{}", "", 415, "request.unsupported_media_type"),
        (b"[" * 100_000, "application/json", 400, "request.malformed"),
        (b'"' + b"a" * (5 * 1024 * 1024) + b'"', "application/json", 413, "size.too_large"),
    ],
)
async def test_unreadable_bodies_are_refused(
    stage: Stage, content: bytes, media_type: str, status: int, code: str
) -> None:
    refused = await stage.call("POST", "/v1/documents", content=content, headers={"Content-Type": media_type})
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_the_place_at_fault_is_named(stage: Stage) -> None:
    wrong = document(colour="red", subject="a\x0bb", attachments=[{"sha256": "x"}])
    refused = await stage.post("/v1/documents", wrong, expect=422)
    places = {each["pointer"] for each in refused["errors"]}
    assert {"/colour", "/subject", "/attachments/0/sha256", "/attachments/0/name"} <= places
    unnamed = await stage.post("/v1/documents", document(document_id=None, number="", notation=""), expect=422)
    assert unnamed["errors"] == [{"pointer": "/number"}]


async def test_a_document_too_large_for_a_message_is_refused(stage: Stage) -> None:
    answered = [{"organ": DEPARTMENT, "code": "x" * 500, "document_id": "y" * 500}] * 100
    texts = {"subject": "ậ" * 10_000, "content": "ậ" * 10_000}
    files = [await stage.attach(b"1")] * 100
    long = [each | {"name": "ậ" * 500} for each in files]
    refused = await stage.post("/v1/documents", document(response_for=answered, attachments=long, **texts), expect=413)
    assert refused["code"] == "size.too_large"


async def test_receipts_lead_the_transfer_to_handed_over(stage: Stage) -> None:
    made = await issue(stage, to=[DEPARTMENT, DISTRICT])
    fact = await stage.fact(made["id"], 1)

    await stage.route(fact, None, DEPARTMENT, DISTRICT)
    await stage.hand_over(fact, None, DEPARTMENT)
    await stage.hand_over(fact, None, DISTRICT)

    done = await stage.await_transfer(made["transfers"][0], "handed_over")
    assert [each["organ"] for each in done["deliveries"]] == [DEPARTMENT, DISTRICT]
    news = await stage.items("a", made["id"])
    assert [each["kind"] for each in news] == ["receipt"]


async def test_a_refused_document_frees_its_document_id(stage: Stage) -> None:
    body = document()
    made = await stage.post("/v1/documents", body, expect=202)
    first = await stage.fact(made["id"], 1)
    await stage.refuse(first, "recipient.suspended")
    await stage.await_transfer(made["transfers"][0], "refused")

    answered = await stage.post(f"/v1/documents/{made['id']}/statuses", {"code": "13"}, expect=409)
    same = await stage.post("/v1/documents", body, expect=202)
    await stage.refuse(first, "recipient.suspended")
    second = await stage.fact(made["id"], 2)
    await stage.route(second, None, COMMUNE_B)
    await stage.await_transfer(same["transfers"][0], "routed")
    late = await stage.post("/v1/documents", body | {"subject": "khác"}, expect=409)

    assert answered["code"] == "request.conflict"
    assert same["id"] == made["id"]
    assert same["transfers"] != made["transfers"]
    assert late["code"] == "document.exists"
    assert (await stage.get(f"/v1/documents/{made['id']}"))["transfers"] == same["transfers"]


async def test_other_content_may_follow_a_refused_document(stage: Stage) -> None:
    body = document()
    made = await stage.post("/v1/documents", body, expect=202)
    await stage.refuse(await stage.fact(made["id"], 1), "recipient.suspended")
    await stage.await_transfer(made["transfers"][0], "refused")

    await stage.post("/v1/documents", body | {"subject": "khác"}, expect=202)

    assert (await stage.get(f"/v1/documents/{made['id']}"))["subject"] == "khác"


async def test_same_key_and_body_give_the_same_answer(stage: Stage) -> None:
    key = {"Idempotency-Key": fresh_id()[:20].replace("Đ", "D")}
    body = document(document_id=None, notation=f"VP-{uuid4().hex[:6]}")

    first = await stage.call("POST", "/v1/documents", json=body, headers=key)
    again = await stage.call("POST", "/v1/documents", json=body, headers=key)
    other = await stage.call("POST", "/v1/documents", json=document(), headers=key)

    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.json()["code"] == "idempotency.reused"
    assert first.headers["Location"] == again.headers["Location"] == f"/v1/documents/{first.json()['id']}"


async def test_a_document_posted_as_json_is_given_as_a_file(stage: Stage) -> None:
    contents = [b"%PDF-1.7 x", b"name,value\n"]
    attached = [await stage.attach(content) for content in contents]
    attached[1] |= {"name": "bảng.csv", "media_type": "text/csv"}
    made = await issue(stage, attachments=attached)

    first, second = await fetch(stage, made["id"]), await fetch(stage, made["id"])

    assert first.status_code == 200
    assert first.headers["content-type"] == EDXML
    assert first.content == second.content
    message = read(first.content)
    assert isinstance(message, Document)
    assert message.document_id == made["document_id"]
    assert [each.organ_id for each in message.to] == [COMMUNE_B]
    assert [(each.name, each.content) for each in iterate_attachments(first.content)] == [
        ("giấy tờ.pdf", contents[0]),
        ("bảng.csv", contents[1]),
    ]


async def test_the_acting_organ_is_chosen_by_header_and_alias(stage: Stage) -> None:
    path = "/v1/documents"
    ambiguous = await stage.call("POST", path, "two", json=document())
    chosen = await stage.call("POST", path, "two", json=document(), headers={"X-Organ": ALIAS_A.lower()})
    foreign = await stage.call("POST", path, "two", json=document(), headers={"X-Organ": COMMUNE_C})

    assert ambiguous.json()["code"] == "organ.ambiguous"
    assert chosen.json()["id"] == document_key(COMMUNE_A, chosen.json()["document_id"])
    assert foreign.json()["code"] == "organ.forbidden"


async def suspended_organ(stage: Stage) -> str:
    code = f"000.{uuid4().int % 90 + 10}.21.H28"
    entry: Json = {"code": code, "version": 1, "name": "Cơ quan", "level": "commune", "suspended": True}
    await stage.send([Outgoing(topic="registry.organ", key=code, value=orjson.dumps(entry), headers=())])

    async def known() -> bool:
        answer = await stage.call("POST", "/v1/documents", json=document(to=[code]))
        return bool(answer.json()["code"] == "recipient.suspended")

    await until(known, what="the suspended organ")
    return code
