"""From the posted dossier to the settled transfer."""

import asyncio

from contracts.envelope import Envelope
from tests.integration.office.stage import (
    ALIAS_A,
    COMMUNE_A,
    COMMUNE_B,
    DEPARTMENT,
    DISTRICT,
    Stage,
    dossier,
    fresh_code,
    stamp,
)


async def test_posted_dossier_becomes_fact_number_one(stage: Stage) -> None:
    made = await stage.submit(deciding_organ=DEPARTMENT)

    fact = await stage.fact(made["code"], 1)

    assert made["status"] == 1
    assert made["custodian"] == COMMUNE_A
    assert fact.id == made["transfers"][0]
    assert (fact.type, fact.sender, fact.system, fact.recipients) == (
        "dossier.submitted",
        COMMUNE_A,
        "a",
        (DEPARTMENT,),
    )
    assert fact.source == stage.settings.source


async def test_receipts_lead_the_transfer_to_handed_over(stage: Stage) -> None:
    made = await stage.submit(deciding_organ=DEPARTMENT)
    transfer, code = made["transfers"][0], made["code"]
    assert (await stage.get(f"/v1/transfers/{transfer}"))["state"] == "accepted"
    fact = await stage.fact(code, 1)

    await stage.route(fact, stamp(), DEPARTMENT)
    routed = await stage.await_transfer(transfer, "routed")
    await stage.hand_over(fact, stamp(), DEPARTMENT)
    done = await stage.await_transfer(transfer, "handed_over")

    assert [each["state"] for each in routed["deliveries"]] == ["open"]
    assert done["deliveries"][0]["organ"] == DEPARTMENT
    assert done["deliveries"][0]["handed_over_at"].endswith("+07:00")
    assert (await stage.get(f"/v1/dossiers/{code}"))["version"] == 1
    assert await outbox_state(stage, fact) == "settled"
    news = await stage.items("a", code, kind="receipt")
    assert [(each["type"], each["data"]["state"]) for each in news] == [
        ("vn.lienthong.receipt.handed-over", "handed_over")
    ]


async def test_receipts_may_come_in_the_other_order_and_twice(stage: Stage) -> None:
    made = await stage.submit(deciding_organ=DEPARTMENT)
    fact = await stage.fact(made["code"], 1)

    await stage.hand_over(fact, stamp(), DEPARTMENT)
    await stage.await_transfer(made["transfers"][0], "routed")
    await stage.route(fact, stamp(), DEPARTMENT, DISTRICT)
    await stage.route(fact, stamp(), DEPARTMENT, DISTRICT)
    await stage.hand_over(fact, stamp(), DISTRICT)
    await stage.hand_over(fact, stamp(), DISTRICT)

    done = await stage.await_transfer(made["transfers"][0], "handed_over")
    assert len(done["deliveries"]) == 2
    assert len(await stage.items("a", made["code"], kind="receipt")) == 1


async def test_transfer_of_another_organ_is_not_found(stage: Stage) -> None:
    made = await stage.submit()

    assert (await stage.call("GET", f"/v1/transfers/{made['transfers'][0]}", "b")).status_code == 404
    assert (await stage.call("GET", f"/v1/dossiers/{made['code']}", "b")).status_code == 404
    assert (await stage.call("GET", f"/v1/transfers/{made['transfers'][0]}", "a-documents")).status_code == 404


async def test_unanswered_fact_is_sent_again(stage: Stage) -> None:
    made = await stage.submit()
    first = await stage.fact(made["code"], 1)

    await stage.tell("control.resend-requested", {"subject": made["code"], "emitter": first.emitter, "first": 1})

    await again(stage, first, 2)


async def test_refused_submission_frees_the_code(stage: Stage) -> None:
    code = fresh_code()
    made = await stage.submit(code=code, deciding_organ=DEPARTMENT)
    assert (await stage.call("POST", "/v1/dossiers", json=dossier(code=code))).json()["code"] == "dossier.exists"
    fact = await stage.fact(code, 1)

    await stage.refuse(fact, "recipient.suspended")

    shown = await stage.await_transfer(made["transfers"][0], "refused")
    assert shown["verdict"]["code"] == "recipient.suspended"
    assert shown["verdict"]["remedy"]["vi"]
    refused = await stage.await_dossier(code, custodian=None)
    assert refused["history"][0]["refused"] == "recipient.suspended"
    assert (await stage.act(code, "accept", expect=409))["code"] == "dossier.unknown"
    renewed = await stage.submit(code=code)
    await stage.accept(await stage.fact(code, 2), stamp(version=1))
    assert (await stage.await_dossier(code, version=1))["custodian"] == COMMUNE_A
    assert renewed["code"] == code
    news = await stage.items("a", code, kind="receipt")
    assert [each["type"] for each in news] == ["vn.lienthong.receipt.refused"]


async def test_code_must_be_of_the_receiving_organ(stage: Stage) -> None:
    by_alias = fresh_code(ALIAS_A.lower())

    assert (await stage.submit(code=by_alias))["code"] == by_alias
    refused = await stage.call("POST", "/v1/dossiers", json=dossier(code=fresh_code(COMMUNE_B)))
    assert (refused.status_code, refused.json()["code"]) == (422, "dossier.code_invalid")


async def test_unknown_deciding_organ_is_refused_at_once(stage: Stage) -> None:
    refused = await stage.call("POST", "/v1/dossiers", json=dossier(deciding_organ="H28.99"))

    assert (refused.status_code, refused.json()["code"]) == (422, "recipient.unknown")
    assert refused.json()["errors"][0]["pointer"] == "/deciding_organ"


async def test_unknown_field_and_nul_are_refused(stage: Stage) -> None:
    unknown = await stage.call("POST", "/v1/dossiers", json=dossier(colour="red"))
    nul = await stage.call("POST", "/v1/dossiers", json=dossier(summary="a\x00b"))

    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/colour")
    assert nul.status_code == 422


async def test_issued_code_avoids_one_that_was_chosen(stage: Stage) -> None:
    first = await stage.submit()
    organ, day, number = first["code"].rsplit("-", 2)
    taken = f"{organ}-{day}-{int(number) + 1:07d}"
    await stage.submit(code=taken)

    second = await stage.submit()

    assert second["code"] not in (first["code"], taken)


async def test_same_key_and_body_give_the_same_answer(stage: Stage) -> None:
    key = {"Idempotency-Key": fresh_code()}
    body = dossier()

    first = await stage.call("POST", "/v1/dossiers", json=body, headers=key)
    again_ = await stage.call("POST", "/v1/dossiers", json=body, headers=key)
    other = await stage.call("POST", "/v1/dossiers", json=dossier(note="khác"), headers=key)

    assert first.status_code == again_.status_code == 201
    assert first.json() == again_.json()
    assert again_.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.reused")


async def test_same_chosen_code_at_once_is_accepted_once(stage: Stage) -> None:
    code = fresh_code()

    answers = await asyncio.gather(*(stage.call("POST", "/v1/dossiers", json=dossier(code=code)) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def again(stage: Stage, fact: Envelope, count: int) -> None:
    """Waits until the fact has come so many times."""
    while sum(each.id == fact.id for each in stage.ingested) < count:
        async with asyncio.timeout(20):
            await stage.read()


async def outbox_state(stage: Stage, fact: Envelope) -> str:
    rows = await stage.sql("SELECT state FROM outbox WHERE envelope_id = :id", id=fact.id)
    return str(rows[0].state)
