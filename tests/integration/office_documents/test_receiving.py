"""Documents that come from other offices, and the statuses recipients tell."""

import hashlib
from datetime import UTC, datetime
from uuid import uuid4

import orjson
import pytest

from contracts.envelope import Envelope
from tests.integration.office.stage import (
    COMMUNE_A,
    COMMUNE_B,
    DEPARTMENT,
    DISTRICT,
    Journey,
    Json,
    Stage,
    moment,
    new_id,
)
from tests.integration.office_documents.papers import (
    EDXML,
    answer,
    arrive,
    await_document,
    fetch,
    file,
    fresh_id,
    hop,
    issue,
    put,
    status_of,
    told,
)


async def test_a_document_that_came_is_held_by_its_recipients(stage: Stage) -> None:
    content = file(sender=DEPARTMENT)
    journey, payload = await arrive(stage, COMMUNE_A, COMMUNE_B, files=(b"phu luc 1",), original=content)

    shown = await await_document(stage, journey.subject, "a")

    named = payload["document"]
    assert (shown["box"], shown["from"], shown["to"]) == ("in", DEPARTMENT, [COMMUNE_A, COMMUNE_B])
    assert (shown["document_id"], shown["subject"]) == (named["document_id"], named["subject"])
    assert (shown["type"], shown["priority"], shown["statuses"]) == (2, 0, [])
    assert shown["attachments"] == named["attachments"]
    assert (await stage.get(f"/v1/documents/{journey.subject}", "b"))["transfers"] == shown["transfers"]
    assert (await stage.call("GET", f"/v1/documents/{journey.subject}", "c")).status_code == 404
    digest = named["attachments"][0]["sha256"]
    assert (await stage.call("GET", f"/v1/attachments/{digest}", "b")).content == b"phu luc 1"
    assert (await stage.call("GET", f"/v1/attachments/{digest}", "c")).status_code == 404
    got = await fetch(stage, journey.subject, "b")
    assert (got.content, got.headers["content-type"]) == (content, EDXML)
    receipt = (await stage.answers("receipt.handed-over", journey.subject))[0]
    assert {each["organ"]: each["state"] for each in receipt["deliveries"]} == {
        COMMUNE_A: "handed_over",
        COMMUNE_B: "handed_over",
    }


async def test_a_document_that_came_is_in_the_inbox_once(stage: Stage) -> None:
    same = {"id": new_id(), "time": datetime.now(UTC)}
    journey, payload = await arrive(stage, COMMUNE_A, **same)
    await await_document(stage, journey.subject)

    await stage.deliver(journey.envelope("document.issued", payload, hopsequence=1, **same))
    await stage.answers("receipt.handed-over", journey.subject, count=2)

    items = await stage.items("a-documents", journey.subject)
    assert [(each["kind"], each["type"], each["href"]) for each in items] == [
        ("document", "vn.lienthong.document.issued", f"/v1/documents/{journey.subject}")
    ]
    assert items[0]["data"] == payload
    assert await stage.items("b", journey.subject) == []


async def test_nothing_is_receipted_before_the_attachments_are_here(stage: Stage) -> None:
    content = uuid4().bytes
    digest = hashlib.sha256(content).hexdigest()
    document_id = fresh_id(DEPARTMENT)
    missing = {"sha256": digest, "name": "a.pdf", "media_type": "application/pdf", "size": len(content)}
    payload = {
        "document": {"document_id": document_id, "sender": DEPARTMENT, "to": [COMMUNE_A]},
        "original": missing,
    }
    journey = Journey(stage, str(uuid4()))
    await stage.deliver(journey.envelope("document.issued", payload))
    other, _ = await arrive(stage, COMMUNE_A)
    await await_document(stage, other.subject)
    assert (await stage.call("GET", f"/v1/documents/{journey.subject}")).status_code == 404

    await put(stage, content)

    await await_document(stage, journey.subject)
    assert (await stage.call("GET", f"/v1/attachments/{digest}")).content == content


async def test_a_recipient_answers_and_a_repeat_changes_nothing(stage: Stage) -> None:
    journey, payload = await arrive(stage, COMMUNE_A)
    await await_document(stage, journey.subject)

    first = await answer(stage, journey.subject, "03", "a", description="Vào sổ số 45", staff="Lê Thị Mẫu")
    again = await answer(stage, journey.subject, "03", "a", expect=200)
    lower = await answer(stage, journey.subject, "01", "a")

    fact = await stage.fact(journey.subject, 1)
    assert [fact.id] == first["transfers"]
    assert (fact.type, fact.sender, fact.recipients) == ("document.status-changed", COMMUNE_A, (DEPARTMENT,))
    value = orjson.loads(fact.value)
    assert value["document"] == {
        "id": journey.subject,
        "document_id": payload["document"]["document_id"],
        "sender": DEPARTMENT,
        "code": "45/SKHĐT-VP",
        "promulgated_on": "2024-06-01",
    }
    assert (value["code"], value["description"], value["staff"]) == ("03", "Vào sổ số 45", "Lê Thị Mẫu")
    assert again == {"transfers": []}
    assert (await stage.fact(journey.subject, 2)).id == lower["transfers"][0]
    shown = await stage.get(f"/v1/documents/{journey.subject}")
    assert [(each["organ"], each["code"], each["current"]) for each in shown["statuses"]] == [
        (COMMUNE_A, "03", True),
        (COMMUNE_A, "01", False),
    ]
    assert shown["statuses"][0]["description"] == "Vào sổ số 45"
    assert shown["statuses"][0]["at"].endswith("+07:00")


async def test_each_recipient_has_statuses_of_its_own(stage: Stage) -> None:
    journey, _ = await arrive(stage, COMMUNE_A, COMMUNE_B)
    await await_document(stage, journey.subject)

    await answer(stage, journey.subject, "01", "a")
    await answer(stage, journey.subject, "01", "b")

    shown = await stage.get(f"/v1/documents/{journey.subject}", "b")
    assert [each["organ"] for each in shown["statuses"]] == [COMMUNE_B]


async def test_statuses_are_refused_at_once_when_they_cannot_be(stage: Stage) -> None:
    journey, _ = await arrive(stage, COMMUNE_A)
    await await_document(stage, journey.subject)
    made = await issue(stage)

    odd = await answer(stage, journey.subject, "07", "a", expect=422)
    number = await answer(stage, journey.subject, 3, "a", expect=422)  # type: ignore[arg-type]
    wrong_side = await answer(stage, journey.subject, "13", "a", expect=422)
    own = await answer(stage, made["id"], "03", "a", expect=422)
    chosen = await answer(stage, journey.subject, "03", "a", expect=422, to=[DEPARTMENT])
    foreign = await answer(stage, journey.subject, "03", "b", expect=404)
    long = await answer(stage, journey.subject, "03", "a", expect=422, description="x" * 2001)

    assert (odd["code"], odd["errors"]) == ("document.status_unknown", [{"pointer": "/code"}])
    assert number["code"] == "request.invalid"
    assert (wrong_side["code"], own["code"]) == ("document.unknown", "document.unknown")
    assert chosen["errors"] == [{"pointer": "/to"}]
    assert foreign["code"] == "request.not_found"
    assert long["errors"][0]["pointer"] == "/description"
    assert await stage.sql("SELECT 1 FROM subject WHERE subject = :subject", subject="x") == []


async def test_same_key_gives_the_same_transfers(stage: Stage) -> None:
    journey, _ = await arrive(stage, COMMUNE_A)
    await await_document(stage, journey.subject)
    path, key = f"/v1/documents/{journey.subject}/statuses", {"Idempotency-Key": str(uuid4())}

    first = await stage.call("POST", path, json={"code": "01"}, headers=key)
    again = await stage.call("POST", path, json={"code": "01"}, headers=key)

    assert first.json() == again.json() != {"transfers": []}
    assert (first.status_code, again.status_code) == (202, 202)


async def test_a_refused_status_is_taken_back(stage: Stage) -> None:
    journey, _ = await arrive(stage, COMMUNE_A)
    await await_document(stage, journey.subject)
    made = await answer(stage, journey.subject, "03", "a")
    assert await answer(stage, journey.subject, "03", "a", expect=200) == {"transfers": []}

    await stage.refuse(await stage.fact(journey.subject, 1), "document.unknown")
    await stage.await_transfer(made["transfers"][0], "refused")

    assert (await stage.get(f"/v1/documents/{journey.subject}"))["statuses"] == []
    assert (await answer(stage, journey.subject, "03", "a"))["transfers"]
    receipts = await stage.items("a", journey.subject, kind="receipt")
    assert [each["data"]["state"] for each in receipts] == ["refused"]


async def test_an_answer_reaches_the_sender(stage: Stage) -> None:
    """Sender and recipient at the same office; the test is the gateway between them."""
    made = await issue(stage)
    transfer, subject = made["transfers"][0], made["id"]
    fact = await stage.fact(subject, 1)
    await stage.route(fact, None, COMMUNE_B)
    await stage.deliver(hop(fact, 1, COMMUNE_B))
    came = await await_document(stage, subject, "b")
    await stage.hand_over(fact, None, COMMUNE_B)

    await answer(stage, subject, "03", "b", description="Vào sổ")
    told_ = await stage.fact(subject, 1, sender=COMMUNE_B)
    await stage.deliver(hop(told_, 2, COMMUNE_A))

    shown = await await_document(stage, subject, "a", codes=["03"])
    assert (came["box"], shown["box"]) == ("in", "out")
    assert [(each["organ"], each["description"]) for each in shown["statuses"]] == [(COMMUNE_B, "Vào sổ")]
    journey = await stage.await_transfer(transfer, "handed_over")
    answers = journey["deliveries"][0]["answers"]
    assert [(each["code"], each["description"]) for each in answers] == [("03", "Vào sổ")]
    items = await stage.items("a", subject, kind="status")
    assert [(each["type"], each["from"], each["data"]["code"]) for each in items] == [
        ("vn.lienthong.document.status-changed", COMMUNE_B, "03")
    ]
    assert (await stage.await_transfer(told_.id, "handed_over"))["sender"] == COMMUNE_B
    assert (await stage.await_transfer(told_.id, "accepted", system="b"))["deliveries"] == []


async def test_a_lower_code_that_comes_later_is_history(stage: Stage) -> None:
    made = await issue(stage, to=[DEPARTMENT, DISTRICT])
    fact = await stage.fact(made["id"], 1)
    await stage.route(fact, None, DEPARTMENT, DISTRICT)

    await stage.deliver(
        status_of(fact, "06", DEPARTMENT, number=1, at=moment(5)),
        status_of(fact, "01", DISTRICT, number=2, at=moment(6)),
        status_of(fact, "03", DEPARTMENT, number=3, at=moment(7)),
        status_of(fact, "01", DEPARTMENT, number=4, at=moment(1)),
    )

    shown = await await_document(stage, made["id"], codes=["01", "06", "01", "03"])
    assert [(each["organ"], each["code"]) for each in shown["statuses"] if each["current"]] == [
        (DEPARTMENT, "06"),
        (DISTRICT, "01"),
    ]
    transfer = await stage.get(f"/v1/transfers/{made['transfers'][0]}")
    answers = {each["organ"]: [one["code"] for one in each["answers"]] for each in transfer["deliveries"]}
    assert answers == {DEPARTMENT: ["01", "06", "03"], DISTRICT: ["01"]}


async def test_a_status_that_comes_again_counts_once(stage: Stage) -> None:
    made = await issue(stage, to=[DEPARTMENT])
    fact = await stage.fact(made["id"], 1)
    status = status_of(fact, "01", DEPARTMENT, number=1)

    await stage.deliver(status)
    await stage.answers("receipt.handed-over", made["id"])
    await stage.deliver(status)
    await stage.answers("receipt.handed-over", made["id"], count=2)

    assert len((await await_document(stage, made["id"]))["statuses"]) == 1
    assert len(await stage.items("a", made["id"], kind="status")) == 1


async def test_a_status_of_a_document_nobody_holds_is_refused(stage: Stage) -> None:
    journey = Journey(stage, str(uuid4()))
    payload = {
        "document": {"id": journey.subject, "document_id": "x", "sender": COMMUNE_A},
        "code": "01",
        "at": moment(),
    }

    await stage.deliver(journey.envelope("document.status-changed", payload))

    receipt = (await stage.answers("receipt.handed-over", journey.subject))[0]
    assert receipt["deliveries"] == [{"organ": COMMUNE_A, "state": "refused", "code": "document.unknown"}]


async def test_the_sender_takes_back_from_whom_it_reached(stage: Stage) -> None:
    made = await issue(stage, to=[DEPARTMENT, DISTRICT, "H99"])
    subject = made["id"]
    fact = await stage.fact(subject, 1)
    await report(stage, fact, {DEPARTMENT: "open", DISTRICT: "handed_over", "H99": "refused"})
    await stage.await_transfer(made["transfers"][0], "routed")

    one = await answer(stage, subject, "13", "a", to=[DISTRICT.lower()], description="Gửi nhầm")
    rest = await answer(stage, subject, "13", "a")
    none = await answer(stage, subject, "13", "a", expect=200)
    unreached = await answer(stage, subject, "13", "a", expect=422, to=[DEPARTMENT, "H99"])

    assert [(await stage.fact(subject, number)).recipients for number in (2, 3)] == [(DISTRICT,), (DEPARTMENT,)]
    assert [(await stage.fact(subject, 2)).id, (await stage.fact(subject, 3)).id] == one["transfers"] + rest[
        "transfers"
    ]
    assert none == {"transfers": []}
    assert (unreached["code"], unreached["errors"]) == ("recipient.unknown", [{"pointer": "/to/1"}])

    await stage.deliver(status_of(fact, "16", DISTRICT, number=1, at=moment(5)))
    shown = await await_document(stage, subject, codes=["13", "13", "16"])
    assert [each["current"] for each in shown["statuses"]] == [False, True, True]
    assert (await answer(stage, subject, "13", "a"))["transfers"]
    assert (await stage.fact(subject, 4)).recipients == (DISTRICT,)


async def test_a_recipient_is_asked_and_agrees(stage: Stage) -> None:
    journey, payload = await arrive(stage, COMMUNE_A)
    await await_document(stage, journey.subject)
    await answer(stage, journey.subject, "03", "a")

    asked = journey.envelope("document.status-changed", told(payload, journey, "13", description="Gửi nhầm"))
    await stage.deliver(asked)
    shown = await await_document(stage, journey.subject, codes=["03", "13"])
    agreed = await answer(stage, journey.subject, "15", "a")
    repeat = await answer(stage, journey.subject, "15", "a", expect=200)

    assert [(each["organ"], each["current"]) for each in shown["statuses"]] == [(COMMUNE_A, True), (DEPARTMENT, True)]
    items = await stage.items("a", journey.subject, kind="status")
    assert [each["data"]["description"] for each in items] == ["Gửi nhầm"]
    assert (await stage.fact(journey.subject, 2)).id == agreed["transfers"][0]
    assert repeat == {"transfers": []}
    after = await stage.get(f"/v1/documents/{journey.subject}")
    assert [(each["code"], each["current"]) for each in after["statuses"]] == [
        ("03", True),
        ("13", False),
        ("15", True),
    ]


async def test_an_organ_may_write_to_itself(stage: Stage) -> None:
    made = await issue(stage, to=[COMMUNE_A])
    subject = made["id"]
    early = await answer(stage, subject, "01", "a", expect=422)
    fact = await stage.fact(subject, 1)
    await stage.route(fact, None, COMMUNE_A)
    await stage.deliver(hop(fact, 1, COMMUNE_A))
    await stage.answers("receipt.handed-over", subject)

    await answer(stage, subject, "01", "a")
    await stage.deliver(hop(await stage.fact(subject, 2), 2, COMMUNE_A))
    await stage.answers("receipt.handed-over", subject, count=2)

    assert early["code"] == "document.unknown"
    shown = await stage.get(f"/v1/documents/{subject}")
    assert (shown["box"], [each["code"] for each in shown["statuses"]]) == ("out", ["01"])
    kinds = [each["kind"] for each in await stage.items("a", subject)]
    assert [kind for kind in kinds if kind != "receipt"] == ["document", "status"]
    transfer = await stage.get(f"/v1/transfers/{made['transfers'][0]}")
    assert [each["code"] for each in transfer["deliveries"][0]["answers"]] == ["01"]


@pytest.mark.parametrize("at", ["2024-06-03T08:00:00.123456789+07:00", "1000-01-01T00:00:00Z"])
async def test_odd_times_that_fit_the_contract_are_taken(stage: Stage, at: str) -> None:
    made = await issue(stage, to=[DEPARTMENT])
    fact = await stage.fact(made["id"], 1)

    await stage.deliver(status_of(fact, "01", DEPARTMENT, number=1, at=at))

    await await_document(stage, made["id"], codes=["01"])


async def report(stage: Stage, fact: Envelope, states: dict[str, str]) -> None:
    """`receipt.routed` that tells these states."""
    deliveries: list[Json] = [{"organ": organ, "state": state} for organ, state in states.items()]
    item = {"source": fact.source, "id": fact.id, "subject": fact.subject, "at": moment(), "deliveries": deliveries}
    await stage.tell("receipt.routed", item)
