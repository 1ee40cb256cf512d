"""Documents recalled, updated and replaced: what the sender and the recipients of one office see."""

from uuid import uuid4

import orjson
import pytest

from tests.integration.office.stage import (
    COMMUNE_A,
    COMMUNE_B,
    COMMUNE_C,
    DEPARTMENT,
    DISTRICT,
    Json,
    Stage,
    moment,
)
from tests.integration.office_documents.papers import (
    answer,
    arrive,
    await_document,
    change,
    changed,
    document,
    hop,
    issue,
    shown,
    spread,
    status_of,
    told,
)


def organs_and_codes(told_: list[Json]) -> list[tuple[str, str]]:
    return [(each["organ"], each["code"]) for each in told_]


async def test_a_recall_is_agreed_to_by_one_and_declined_by_the_other(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_B, COMMUNE_C)
    id_ = made["id"]

    asked = await change(stage, id_, "recall", reason="Gửi nhầm", staff="Văn thư")
    fact = await stage.fact(id_, 2)
    await stage.route(fact, None, COMMUNE_B, COMMUNE_C)
    await stage.deliver(hop(fact, 2, COMMUNE_B, COMMUNE_C))
    at_b = await changed(stage, id_, 1, "b")
    await answer(stage, id_, "15", "b", description="Đã gỡ")
    await answer(stage, id_, "16", "c")
    for number, organ in ((3, COMMUNE_B), (4, COMMUNE_C)):
        await stage.deliver(hop(await stage.fact(id_, 1, sender=organ), number, COMMUNE_A))
    at_a = await changed(stage, id_, 1, answered=2)

    assert [fact.id] == asked["transfers"]
    assert (fact.type, fact.recipients) == ("document.recalled", (COMMUNE_B, COMMUNE_C))
    payload = orjson.loads(fact.value)
    assert (payload["reason"], payload["staff"], payload["document"]["id"]) == ("Gửi nhầm", "Văn thư", id_)
    assert [(each["kind"], each["transfer"], each["reason"]) for each in at_b["changes"]] == [
        ("recall", fact.id, "Gửi nhầm")
    ]
    assert ("answer" in at_b["changes"][0], at_b["state"]) == (False, "current")
    items = await stage.items("b", id_, kind="document")
    assert [each["type"] for each in items] == ["vn.lienthong.document.issued", "vn.lienthong.document.recalled"]
    assert organs_and_codes(at_a["changes"][0]["answers"]) == [(COMMUNE_B, "15"), (COMMUNE_C, "16")]
    assert at_a["state"] == "current"
    after = await shown(stage, id_, "b", state="recalled")
    assert (after["subject"], after["changes"][0]["answer"]["description"]) == (at_a["subject"], "Đã gỡ")
    assert (await shown(stage, id_, "c", state="current"))["changes"][0]["answer"]["code"] == "16"
    journey = await stage.get(f"/v1/transfers/{fact.id}")
    assert {each["organ"]: [one["code"] for one in each["answers"]] for each in journey["deliveries"]} == {
        COMMUNE_B: ["15"],
        COMMUNE_C: ["16"],
    }
    listed = {each["id"]: each["state"] for each in (await stage.get("/v1/documents", "b"))["items"]}
    assert listed[id_] == "recalled"


async def test_all_are_asked_though_only_one_delivery_was_told_before_the_route(stage: Stage) -> None:
    made = await issue(stage, to=[DEPARTMENT, DISTRICT])
    await stage.hand_over(await stage.fact(made["id"], 1), None, DEPARTMENT)
    await stage.await_transfer(made["transfers"][0], "routed")

    await change(stage, made["id"], "update", subject="V/v đính chính")
    await change(stage, made["id"], "recall", reason="Gửi nhầm")

    assert (await stage.fact(made["id"], 2)).recipients == (DEPARTMENT, DISTRICT)
    assert (await stage.fact(made["id"], 3)).recipients == (DEPARTMENT, DISTRICT)


async def test_who_gave_it_back_is_done_with_it(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_B)
    id_ = made["id"]
    await change(stage, id_, "recall", reason="Gửi nhầm")
    repeat = await change(stage, id_, "recall", expect=200, reason="Gửi nhầm")
    await stage.deliver(hop(await stage.fact(id_, 2), 2, COMMUNE_B))
    await changed(stage, id_, 1, "b")
    await answer(stage, id_, "15", "b")
    again = await answer(stage, id_, "15", "b", expect=200)
    declined = await answer(stage, id_, "16", "b", expect=409)
    handled = await answer(stage, id_, "03", "b", expect=409)
    late = await answer(stage, id_, "01", "b")
    await stage.deliver(hop(await stage.fact(id_, 1, sender=COMMUNE_B), 3, COMMUNE_A))
    await shown(stage, id_, state="recalled")

    assert (repeat, again, declined["code"], handled["code"]) == (
        {"transfers": []},
        {"transfers": []},
        "request.conflict",
        "document.closed",
    )
    assert late["transfers"]
    for verb, body in (("recall", {"reason": "x"}), ("update", {"subject": "khác"})):
        assert (await change(stage, id_, verb, expect=409, **body))["code"] == "document.closed"
    assert (await answer(stage, id_, "13", "a", expect=409))["code"] == "document.closed"
    assert (await change(stage, id_, "replace", **document(document_id=None)))["id"] != id_


async def test_an_answer_nobody_asked_for_is_refused(stage: Stage) -> None:
    journey, _ = await arrive(stage, COMMUNE_A)
    await await_document(stage, journey.subject)

    for code in ("15", "16"):
        refused = await answer(stage, journey.subject, code, "a", expect=409)
        assert (refused["code"], refused["errors"]) == ("request.conflict", [{"pointer": "/code"}])


async def test_chosen_recipients_are_asked(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_B, DEPARTMENT, DISTRICT)
    id_ = made["id"]

    await change(stage, id_, "recall", reason="x", to=[DISTRICT.lower()])
    await change(stage, id_, "recall", reason="x")
    unknown = await change(stage, id_, "recall", expect=422, reason="x", to=[DISTRICT, COMMUNE_C])

    assert [(await stage.fact(id_, number)).recipients for number in (2, 3)] == [(DISTRICT,), (DEPARTMENT, COMMUNE_B)]
    assert (unknown["code"], unknown["errors"]) == ("recipient.unknown", [{"pointer": "/to/1"}])


async def test_an_update_is_seen_by_who_agrees_and_by_who_is_added(stage: Stage) -> None:
    first = await stage.attach(b"ban dau")
    made, _ = await spread(stage, COMMUNE_B, DEPARTMENT, attachments=[first])
    id_ = made["id"]
    await answer(stage, id_, "03", "b")
    second = await stage.attach(b"ban sua")

    told_ = await change(
        stage,
        id_,
        "update",
        reason="Đính chính",
        subject="mới",
        due_on="2024-08-01",
        add=[COMMUNE_C],
        attachments=[second],
    )
    fact = await stage.fact(id_, 2)
    await stage.route(fact, None, COMMUNE_B, DEPARTMENT, COMMUNE_C)
    await stage.deliver(hop(await stage.fact(id_, 1, sender=COMMUNE_B), 2, COMMUNE_A))
    await stage.deliver(hop(fact, 3, COMMUNE_B, COMMUNE_C))
    added = await await_document(stage, id_, "c")
    before = await changed(stage, id_, 1, "b")

    assert told_ == {"id": id_, "document_id": made["document_id"], "transfers": [fact.id]}
    assert (fact.type, fact.recipients) == ("document.updated", (DEPARTMENT, COMMUNE_B, COMMUNE_C))
    payload = orjson.loads(fact.value)
    assert (payload["added"], payload.get("removed"), payload["reason"]) == ([COMMUNE_C], None, "Đính chính")
    assert payload["document"]["to"] == [COMMUNE_B, DEPARTMENT, COMMUNE_C]
    assert (payload["document"]["number"], payload["document"]["subject"]) == ("12", "mới")
    assert (added["subject"], added["box"], added["changes"], added["transfers"]) == ("mới", "in", [], [fact.id])
    assert before["subject"] == "Về việc kiểm tra thủ tục hành chính"
    assert before["changes"][0]["document"]["subject"] == "mới"
    assert "answer" not in before["changes"][0]
    assert (await stage.call("GET", f"/v1/attachments/{second['sha256']}", "b")).status_code == 200

    await answer(stage, id_, "15", "b")
    after = await shown(stage, id_, "b", subject="mới")
    await answer(stage, id_, "01", "c")
    await stage.deliver(hop(await stage.fact(id_, 2, sender=COMMUNE_B), 4, COMMUNE_A))
    await stage.deliver(hop(await stage.fact(id_, 1, sender=COMMUNE_C), 5, COMMUNE_A))
    sender = await await_document(stage, id_, codes=["03", "15", "01"])

    assert (after["due_on"], [each["sha256"] for each in after["attachments"]]) == ("2024-08-01", [second["sha256"]])
    assert "document" not in after["changes"][0]
    assert (sender["subject"], sender["changes"][0]["added"]) == ("mới", [COMMUNE_C])
    assert organs_and_codes(sender["changes"][0]["answers"]) == [(COMMUNE_B, "15")]
    journey = await stage.get(f"/v1/transfers/{fact.id}")
    answers = {each["organ"]: [one["code"] for one in each["answers"]] for each in journey["deliveries"]}
    assert answers == {COMMUNE_B: ["15"], COMMUNE_C: ["01"], DEPARTMENT: []}


async def test_a_declined_update_leaves_the_old_fields_and_shows_both(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_B)
    id_ = made["id"]
    for number, subject in ((2, "hai"), (3, "ba")):
        await change(stage, id_, "update", subject=subject)
        await stage.deliver(hop(await stage.fact(id_, number), number, COMMUNE_B))
    await changed(stage, id_, 2, "b")

    declined = await answer(stage, id_, "16", "b")
    told_ = await stage.fact(id_, 1, sender=COMMUNE_B)
    await stage.deliver(hop(told_, 4, COMMUNE_A))
    sender = await changed(stage, id_, 2, answered=2)

    assert declined["transfers"] == [told_.id]
    facts = [(await stage.fact(id_, number, sender=COMMUNE_A)).id for number in (2, 3)]
    assert orjson.loads(told_.value)["answers"] == facts
    here = await stage.get(f"/v1/documents/{id_}", "b")
    assert here["subject"] == "Về việc kiểm tra thủ tục hành chính"
    assert [each["document"]["subject"] for each in here["changes"]] == ["hai", "ba"]
    assert [each["answer"]["code"] for each in here["changes"]] == ["16", "16"]
    assert (sender["subject"], [each.get("document", {}).get("subject") for each in sender["changes"]]) == (
        "ba",
        ["hai", None],
    )


async def test_who_is_removed_sees_a_recall_and_not_the_new_fields(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_B, COMMUNE_C)
    id_ = made["id"]

    told_ = await change(stage, id_, "update", subject="mới", remove=[COMMUNE_C])
    updated, recalled = await stage.fact(id_, 2), await stage.fact(id_, 3)
    await stage.deliver(hop(updated, 2, COMMUNE_B), hop(recalled, 3, COMMUNE_C))
    at_c = await changed(stage, id_, 1, "c")
    nobody = await change(stage, id_, "update", expect=422, subject="nữa", remove=[COMMUNE_B])
    gone = await change(stage, id_, "update", expect=422, subject="nữa", remove=[COMMUNE_C])
    rest = await change(stage, id_, "recall", reason="x")

    assert told_["transfers"] == [updated.id, recalled.id]
    assert (updated.recipients, recalled.recipients) == ((COMMUNE_B,), (COMMUNE_C,))
    assert (updated.type, recalled.type) == ("document.updated", "document.recalled")
    assert orjson.loads(updated.value)["removed"] == [COMMUNE_C]
    assert b"m\xe1\xbb\x9bi" not in recalled.value
    assert (at_c["changes"][0]["kind"], at_c["subject"]) == ("recall", "Về việc kiểm tra thủ tục hành chính")
    assert (nobody["code"], nobody["errors"]) == ("request.invalid", [{"pointer": "/remove"}])
    assert (gone["code"], gone["errors"]) == ("recipient.unknown", [{"pointer": "/remove/0"}])
    assert (await stage.fact(id_, 4)).id == rest["transfers"][0]
    assert (await stage.fact(id_, 4)).recipients == (COMMUNE_B,)


async def test_an_update_that_says_nothing_new_changes_nothing(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_B)
    first = await change(stage, made["id"], "update", subject="mới", add=[COMMUNE_C])

    again = await change(stage, made["id"], "update", expect=200, subject="mới", add=[COMMUNE_C])
    empty = await change(stage, made["id"], "update", expect=422, reason="vì sao")

    assert len(first["transfers"]) == 1
    assert again == {"id": made["id"], "document_id": made["document_id"], "transfers": []}
    assert empty["code"] == "request.invalid"


async def test_who_gave_it_back_may_be_added_again(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_B, COMMUNE_C)
    id_ = made["id"]
    await change(stage, id_, "recall", reason="x", to=[COMMUNE_B])
    await stage.deliver(hop(await stage.fact(id_, 2), 2, COMMUNE_B))
    await changed(stage, id_, 1, "b")
    await answer(stage, id_, "15", "b")
    await stage.deliver(hop(await stage.fact(id_, 1, sender=COMMUNE_B), 3, COMMUNE_A))
    await changed(stage, id_, 1, answered=1)

    await change(stage, id_, "update", add=[COMMUNE_B], subject="mới")
    fact = await stage.fact(id_, 3)
    await stage.deliver(hop(fact, 4, COMMUNE_B, COMMUNE_C))

    back = await shown(stage, id_, "b", state="current", subject="mới")
    assert orjson.loads(fact.value)["added"] == [COMMUNE_B]
    assert back["changes"][1]["kind"] == "update"
    assert (await answer(stage, id_, "03", "b"))["transfers"]


@pytest.mark.parametrize("newer_first", [False, True])
async def test_a_replacement_shows_at_both_whatever_order_they_come_in(stage: Stage, newer_first: bool) -> None:
    old = await issue(stage)
    also = await issue(stage)
    body = document(subject="thay thế")
    new = await change(stage, old["id"], "replace", reason="Sai thể thức", also=[also["id"]], **body)
    facts = [await stage.fact(each["id"], 1) for each in (old, also, new)]
    for fact in reversed(facts) if newer_first else facts:
        await stage.deliver(hop(fact, 1, COMMUNE_B))
        await await_document(stage, fact.subject, "b")

    fact = facts[2]
    assert new == {"id": fact.subject, "document_id": body["document_id"], "transfers": [fact.id]}
    payload = orjson.loads(fact.value)
    replaces = [{"document_id": each["document_id"], "id": each["id"]} for each in (old, also)]
    assert (fact.type, payload["replaces"], payload["reason"]) == ("document.replaced", replaces, "Sai thể thức")
    for system in ("a", "b"):
        for each in (old, also):
            earlier = await shown(stage, each["id"], system, state="replaced")
            assert earlier["replaced_by"] == {"id": new["id"], "document_id": body["document_id"]}
        later = await stage.get(f"/v1/documents/{new['id']}", system)
        assert (later["replaces"], later["state"], later["subject"]) == (replaces, "current", "thay thế")
    items = await stage.items("b", new["id"])
    assert [(each["kind"], each["type"]) for each in items] == [("document", "vn.lienthong.document.replaced")]
    assert (await answer(stage, old["id"], "03", "b", expect=409))["code"] == "document.closed"
    assert (await answer(stage, new["id"], "03", "b"))["transfers"]
    assert await change(stage, old["id"], "replace", reason="Sai thể thức", also=[also["id"]], **body) == new
    other = await change(stage, old["id"], "replace", expect=409, **document())
    assert other["code"] == "document.closed"


async def test_only_what_was_sent_can_be_changed(stage: Stage) -> None:
    journey, _ = await arrive(stage, COMMUNE_A)
    await await_document(stage, journey.subject)
    made = await issue(stage)
    bodies: dict[str, Json] = {"recall": {"reason": "x"}, "update": {"subject": "x"}, "replace": document()}

    for verb, body in bodies.items():
        received = await change(stage, journey.subject, verb, expect=403, **body)
        absent = await change(stage, str(uuid4()), verb, expect=404, **body)
        foreign = await change(stage, made["id"], verb, "b", expect=404, **body)
        assert (received["code"], absent["code"], foreign["code"]) == (
            "organ.forbidden",
            "request.not_found",
            "request.not_found",
        )
    for other in (journey.subject, str(uuid4())):
        refused = await change(stage, made["id"], "replace", expect=422, also=[other], **document())
        assert (refused["code"], refused["errors"]) == ("document.unknown", [{"pointer": "/also/0"}])


@pytest.mark.parametrize(
    ("verb", "body", "pointer"),
    [
        ("recall", {}, "/reason"),
        ("recall", {"reason": ""}, "/reason"),
        ("recall", {"reason": "x", "to": []}, "/to"),
        ("update", {"subject": ""}, "/subject"),
        ("update", {"to": [COMMUNE_B]}, "/to"),
        ("update", {"document_id": "x"}, "/document_id"),
        ("update", {"add": ["Sở Y tế"]}, "/add/0"),
        ("update", {"attachments": [{"sha256": "a" * 64, "name": "a", "media_type": "a/b"}]}, "/attachments/0"),
        ("replace", {"also": [""]}, "/also/0"),
    ],
)
async def test_refusals_point_into_the_body(stage: Stage, verb: str, body: Json, pointer: str) -> None:
    made = await issue(stage)
    whole = body if verb != "replace" else document() | body
    refused = await change(stage, made["id"], verb, expect=422, **whole)
    assert refused["errors"][0]["pointer"].startswith(pointer)


async def test_what_the_gateway_refuses_is_taken_back(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_B)
    id_ = made["id"]
    await change(stage, id_, "update", subject="mới")
    await change(stage, id_, "recall", reason="x")
    body = document()
    new = await change(stage, id_, "replace", **body)
    assert (await stage.get(f"/v1/documents/{id_}"))["state"] == "replaced"

    for fact in (await stage.fact(id_, 2), await stage.fact(id_, 3), await stage.fact(new["id"], 1)):
        await stage.refuse(fact, "document.unknown")
        await stage.await_transfer(fact.id, "refused")

    restored = await shown(stage, id_, state="current")
    assert (restored["subject"], restored["changes"]) == ("Về việc kiểm tra thủ tục hành chính", [])
    assert "replaced_by" not in restored
    assert (await stage.get(f"/v1/documents/{new['id']}"))["state"] == "refused"
    assert (await change(stage, id_, "recall", reason="x"))["transfers"]
    assert (await change(stage, id_, "replace", **body))["id"] == new["id"]


async def test_same_key_gives_the_same_answer(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_B)
    key = {"Idempotency-Key": str(uuid4())}
    bodies: dict[str, Json] = {"update": {"subject": "mới"}, "recall": {"reason": "x"}, "replace": document()}

    for verb, body in bodies.items():
        path = f"/v1/documents/{made['id']}/{verb}"
        first = await stage.call("POST", path, json=body, headers=key)
        again = await stage.call("POST", path, json=body, headers=key)
        assert (first.status_code, first.json()) == (again.status_code, again.json())
        assert again.headers["Idempotency-Replayed"] == "true"


async def test_an_answer_that_names_nothing_is_for_all_that_is_open(stage: Stage) -> None:
    """As the national axis brings it, and offices of before."""
    made, fact = await spread(stage, DEPARTMENT)
    await change(stage, made["id"], "update", subject="mới")
    await change(stage, made["id"], "recall", reason="x")

    await stage.deliver(status_of(fact, "15", DEPARTMENT, number=1, at=moment(-60)))

    sender = await shown(stage, made["id"], state="recalled")
    assert [organs_and_codes(each["answers"]) for each in sender["changes"]] == [[(DEPARTMENT, "15")]] * 2


async def test_a_recall_of_what_nobody_holds_is_refused_and_an_update_is_a_new_document(stage: Stage) -> None:
    journey, payload = await arrive(stage, COMMUNE_A)
    await await_document(stage, journey.subject)
    reference = told(payload, journey, "01")["document"]
    recalled = {"document": reference, "at": moment()}
    updated = {"document": payload["document"] | {"subject": "mới"}, "at": moment()}

    asked = journey.envelope("document.recalled", recalled, recipients=(COMMUNE_B,))
    await stage.deliver(asked)
    await stage.deliver(journey.envelope("document.updated", updated, recipients=(COMMUNE_A, COMMUNE_B)))
    receipts = await stage.answers("receipt.handed-over", journey.subject, count=3)

    [receipt] = [each for each in receipts if each["id"] == asked.id]
    assert receipt["deliveries"] == [{"organ": COMMUNE_B, "state": "refused", "code": "document.unknown"}]
    assert (await await_document(stage, journey.subject, "b"))["subject"] == "mới"
    assert (await changed(stage, journey.subject, 1))["subject"] == "Về việc báo cáo"


async def test_what_comes_again_counts_once(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_B)
    await change(stage, made["id"], "recall", reason="x")
    fact = hop(await stage.fact(made["id"], 2), 2, COMMUNE_B)
    await stage.deliver(fact)
    await changed(stage, made["id"], 1, "b")
    await stage.deliver(fact)
    await stage.answers("receipt.handed-over", made["id"], count=3)
    assert len((await stage.get(f"/v1/documents/{made['id']}", "b"))["changes"]) == 1
    kinds = [each["type"] for each in await stage.items("b", made["id"])]
    assert kinds.count("vn.lienthong.document.recalled") == 1


async def test_an_organ_may_recall_from_itself(stage: Stage) -> None:
    made, _ = await spread(stage, COMMUNE_A)
    id_ = made["id"]
    await change(stage, id_, "update", subject="mới")
    await change(stage, id_, "recall", reason="x")
    await stage.deliver(hop(await stage.fact(id_, 2), 2, COMMUNE_A), hop(await stage.fact(id_, 3), 3, COMMUNE_A))
    await stage.answers("receipt.handed-over", id_, count=3)

    await answer(stage, id_, "15", "a")
    await stage.deliver(hop(await stage.fact(id_, 4), 4, COMMUNE_A))

    own = await shown(stage, id_, state="recalled")
    assert (own["subject"], len(own["changes"])) == ("mới", 2)


@pytest.mark.parametrize("verb", ["recall", "update", "replace"])
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"reason": "a\\u0000b"}',
        b'{"reason": "\\ud800"}',
        b'{"reason": "x", "to": ["\\u0000"], "add": ["\\ud800"], "also": ["\\ud800"]}',
        b'{"reason": "x", "priority": 1e400}',
        b'{"reason": "x", "type": 123456789012345678901234567890}',
        b'{"reason": "x", "due_on": "0000-00-00"}',
        b'{"reason": "\xff"}',
        b'{"reason": "' + b"x" * 2001 + b'"}',
        b'{"reason": "x", "subject": "x", "extra": 1}',
        b'{"reason": "x", "signer": ' + b'{"name":' * 500 + b"1" + b"}" * 500 + b"}",
    ],
)
async def test_odd_bodies_are_refused(stage: Stage, verb: str, raw: bytes) -> None:
    made = await issue(stage)
    headers = {"Content-Type": "application/json"}
    refused = await stage.call("POST", f"/v1/documents/{made['id']}/{verb}", content=raw, headers=headers)
    assert 400 <= refused.status_code < 500, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert (await stage.get(f"/v1/documents/{made['id']}"))["changes"] == []


async def test_also_may_hold_anything_and_finds_nothing(stage: Stage) -> None:
    made = await issue(stage)
    for odd in ("%00", "x" * 100, "../etc", made["document_id"], " "):
        refused = await change(stage, made["id"], "replace", expect=422, also=[odd], **document())
        assert refused["code"] == "document.unknown"
