"""Acts, offers and what the gateway makes of them."""

import asyncio

import orjson
import pytest
from sqlalchemy import text

from contracts.problems import HubError
from contracts.protocol import Offer
from services.office.dossiers import waiting
from services.office.dossiers.actions import Dossiers
from tests.integration.office.stage import (
    COMMUNE_A,
    COMMUNE_B,
    DEPARTMENT,
    DISTRICT,
    Journey,
    Json,
    Stage,
    act_payload,
    dossier,
    fresh_code,
    moment,
    stamp,
    submitted,
    until,
)


async def stamped(stage: Stage, system: str = "a", **fields: object) -> Json:
    """A submitted dossier with its first stamp."""
    made = await stage.submit(system, **fields)
    fact = await stage.fact(made["code"], 1)
    organ = {"a": COMMUNE_A, "b": COMMUNE_B}[system]
    await stage.accept(fact, stamp(custodian=organ))
    return await stage.await_dossier(made["code"], system, version=1)


async def offered(stage: Stage) -> tuple[str, str, Journey]:
    """A dossier of the department offered to commune A; its code, the offer, and the hops so far."""
    code, offer = fresh_code(DEPARTMENT), fresh_code()
    journey = Journey(stage, code)
    snapshot = {
        "dossier": submitted(code),
        "history": [
            {
                "transfer": "01936f5a-7c3e-7b1a-9d2e-3f4a5b6c7d8e",
                "type": "vn.lienthong.dossier.submitted",
                "actor": DEPARTMENT,
                "status": 1,
                "at": moment(-60),
            }
        ],
    }
    payload = act_payload(code, offer=offer, to=COMMUNE_A, reason="Đúng thẩm quyền", snapshot=snapshot)
    frozen = stamp(custodian=DEPARTMENT, version=2, offer=Offer(offer, DEPARTMENT, COMMUNE_A))
    await stage.deliver(journey.envelope("dossier.transferred", payload, stamp=frozen, epoch=1))
    await stage.await_dossier(code, custody="offered")
    return code, offer, journey


async def test_own_acts_show_at_once_and_go_in_order(stage: Stage) -> None:
    code = (await stage.submit())["code"]

    accepted = await stage.act(code, "accept")
    assigned = await stage.act(code, "assign", staff="Cán bộ Mẫu")
    shown = await stage.get(f"/v1/dossiers/{code}")

    assert (accepted["status"], assigned["status"]) == (2, 4)
    assert (shown["status"], shown["version"], shown["custody"]) == (4, 0, "held")
    assert [step["type"].rpartition(".")[2] for step in shown["history"]] == ["submitted", *["status-changed"] * 2]
    fact = await stage.fact(code, 3)
    assert (fact.type, fact.epoch, fact.id) == ("dossier.status-changed", 1, assigned["transfers"][0])
    assert orjson.loads(fact.value)["action"] == "assign"


async def test_repeat_of_the_present_status_changes_nothing(stage: Stage) -> None:
    code = (await stage.submit())["code"]
    await stage.act(code, "accept")

    repeated = await stage.act(code, "accept")

    assert (repeated["status"], repeated["transfers"]) == (2, [])


async def test_impossible_acts_are_refused_at_once(stage: Stage) -> None:
    code = (await stage.submit())["code"]

    assert (await stage.act(code, "resume", expect=409))["code"] == "status.not_allowed"
    assert (await stage.act(code, "accept_custody", expect=409))["code"] == "custody.offer_closed"
    wrong = await stage.act(code, "accept", missing=["x"], expect=422)
    assert wrong["errors"][0]["pointer"] == "/missing"


async def test_a_read_between_stamp_and_step_shows_one_of_both(stage: Stage) -> None:
    """The stamp of an own offer takes the place of the step on its way: whoever reads meanwhile sees the dossier
    offered by the one or by the other, never held."""
    code = (await stamped(stage))["code"]
    body = {"to": COMMUNE_B, "reason": "Đúng thẩm quyền"}
    offer = (await stage.post(f"/v1/dossiers/{code}/transfers", body, expect=201))["offer"]
    frozen = {"h": COMMUNE_A, "c": code, "o": offer, "t": COMMUNE_B}
    async with stage.office.database.transaction() as conn:
        await conn.execute(text("UPDATE dossier SET version = 2, offer = :o, giver = :h, taker = :t" + _HELD), frozen)
        await conn.execute(text("UPDATE dossier_entry SET state = 'routed'" + _HELD), frozen)
        await conn.execute(text("LOCK TABLE dossier_entry IN ACCESS EXCLUSIVE MODE"))
        reading = asyncio.create_task(stage.get(f"/v1/dossiers/{code}"))
        listing = asyncio.create_task(stage.get("/v1/dossiers"))
        waits = "SELECT pid FROM pg_locks WHERE relation = 'dossier_entry'::regclass AND NOT granted"

        async def both_wait() -> bool:
            return len((await conn.execute(text(waits))).all()) == 2

        await until(both_wait, what="both to have read the old row")
    shown, listed = await reading, (await listing)["items"]
    assert shown["custody"] == "offered"
    assert shown["offer"]["id"] == offer
    assert [each["custody"] for each in listed if each["code"] == code] == ["offered"]


_HELD = " WHERE holder = :h AND code = :c"


async def test_refusal_restores_the_state(stage: Stage) -> None:
    code = (await stamped(stage))["code"]
    done = await stage.act(code, "accept")
    assert done["status"] == 2
    fact = await stage.fact(code, 2)

    await stage.refuse(fact, "custody.stale", stamp(custodian=DEPARTMENT, epoch=2, version=4, status=4))

    shown = await stage.await_dossier(code, version=4)
    assert (shown["status"], shown["custodian"], shown["custody"]) == (4, DEPARTMENT, "none")
    assert shown["history"][-1]["refused"] == "custody.stale"
    assert (await stage.await_transfer(fact.id, "refused"))["verdict"]["code"] == "custody.stale"
    news = await stage.items("a", code, kind="receipt")
    assert [(each["type"], each["data"]["state"]) for each in news] == [("vn.lienthong.receipt.refused", "refused")]
    assert (await stage.act(code, "assign", expect=403))["code"] == "custody.not_custodian"


async def test_older_stamp_never_replaces_a_newer_one(stage: Stage) -> None:
    code = (await stage.submit(deciding_organ=DEPARTMENT))["code"]
    fact = await stage.fact(code, 1)

    await stage.route(fact, stamp(version=5, status=4), DEPARTMENT)
    await stage.await_dossier(code, version=5)
    await stage.hand_over(fact, stamp(version=2, status=2), DEPARTMENT)
    await stage.await_transfer(fact.id, "handed_over")

    assert (await stage.get(f"/v1/dossiers/{code}"))["status"] == 4


async def test_version_of_if_match_is_honoured(stage: Stage) -> None:
    code = (await stamped(stage))["code"]

    stale = await stage.call(
        "POST", f"/v1/dossiers/{code}/actions", json={"action": "accept"}, headers={"If-Match": '"0"'}
    )
    right = await stage.call(
        "POST", f"/v1/dossiers/{code}/actions", json={"action": "accept"}, headers={"If-Match": '"1"'}
    )

    assert (stale.status_code, stale.json()["code"]) == (412, "request.precondition_failed")
    assert right.status_code == 200


async def test_offer_freezes_and_carries_a_snapshot(stage: Stage) -> None:
    code = (await stamped(stage))["code"]
    await stage.act(code, "accept", reason="Đủ giấy tờ")

    made = await stage.post(f"/v1/dossiers/{code}/transfers", {"to": DISTRICT, "reason": "Chuyển"}, expect=201)

    fact = await stage.fact(code, 3)
    payload = orjson.loads(fact.value)
    assert (payload["offer"], payload["to"], fact.epoch) == (made["offer"], DISTRICT, 1)
    assert fact.recipients == (DISTRICT,)
    assert payload["snapshot"]["dossier"]["applicant"]["name"] == "Nguyễn Thị Mẫu"
    assert [step["status"] for step in payload["snapshot"]["history"]] == [1, 2]
    shown = await stage.get(f"/v1/dossiers/{code}")
    assert shown["custody"] == "offered"
    assert shown["offer"] == {"id": made["offer"], "from": COMMUNE_A, "to": DISTRICT}
    frozen = await stage.call("POST", f"/v1/dossiers/{code}/actions", json={"action": "assign"})
    assert (frozen.status_code, frozen.json()["code"]) == (409, "custody.offered")
    assert "Retry-After" not in frozen.headers  # an offer may stand for days


async def test_offer_needs_another_registered_organ(stage: Stage) -> None:
    code = (await stage.submit())["code"]

    async def refusal(to: str) -> str:
        answer = await stage.post(f"/v1/dossiers/{code}/transfers", {"to": to, "reason": "x"}, expect=422)
        return str(answer["code"])

    assert await refusal("H28.99") == "recipient.unknown"
    assert await refusal(COMMUNE_A) == "recipient.none"


async def test_custody_is_held_when_its_stamp_comes_in_time(stage: Stage) -> None:
    code, offer, _ = await offered(stage)
    assert [each["type"] for each in await stage.items("a", code)] == ["vn.lienthong.dossier.transferred"]

    accepting = asyncio.create_task(stage.act(code, "accept_custody"))
    fact = await stage.fact(code, 1, sender=COMMUNE_A)
    taking = await stage.call("POST", f"/v1/dossiers/{code}/actions", json={"action": "assign"})
    await stage.route(fact, stamp(custodian=COMMUNE_A, epoch=2, version=3), DEPARTMENT)
    answer = await accepting

    assert (taking.status_code, taking.json()["code"]) == (409, "custody.taking")
    assert taking.headers["Retry-After"]
    assert orjson.loads(fact.value)["offer"] == offer
    assert (answer["custody"], answer["custodian"], answer["transfers"]) == ("held", COMMUNE_A, [fact.id])
    acted = await stage.act(code, "accept")
    assert acted["status"] == 2
    assert (await stage.fact(code, 2, sender=COMMUNE_A)).epoch == 2
    assert (await stage.act(code, "accept_custody"))["transfers"] == []


async def test_custody_is_taking_while_no_stamp_comes(stage: Stage) -> None:
    code, _, _ = await offered(stage)
    key = {"Idempotency-Key": code}

    async def accept() -> Json:
        path = f"/v1/dossiers/{code}/actions"
        answer = await stage.call("POST", path, json={"action": "accept_custody"}, headers=key)
        return {"http": answer.status_code, "retry": answer.headers.get("Retry-After"), **answer.json()}

    first = asyncio.create_task(accept())
    fact = await stage.fact(code, 1, sender=COMMUNE_A)
    concurrent = await accept()
    answer, replay = await first, await accept()

    assert (concurrent["http"], concurrent["code"]) == (409, "idempotency.in_progress")
    assert (answer["http"], answer["custody"], answer["transfers"]) == (202, "taking", [fact.id])
    assert answer["retry"]
    assert replay == answer
    assert (await stage.get(f"/v1/dossiers/{code}"))["custody"] == "taking"
    await stage.route(fact, stamp(custodian=COMMUNE_A, epoch=2, version=3), DEPARTMENT)
    assert (await stage.await_dossier(code, custody="held"))["epoch"] == 2


async def test_an_act_that_is_done_stays_promised_when_the_database_does_not_say_more(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, _ = await offered(stage)
    path, key = f"/v1/dossiers/{code}/actions", {"Idempotency-Key": code}

    async def overloaded(*_: object) -> bool:
        raise HubError("system.overloaded", "no free database connection")

    monkeypatch.setattr(waiting, "HOLD_SECONDS", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(Dossiers, "word", overloaded)
        first = await stage.call("POST", path, json={"action": "accept_custody"}, headers=key)
    fact = await stage.fact(code, 1, sender=COMMUNE_A)
    await stage.route(fact, stamp(custodian=COMMUNE_A, epoch=2, version=3), DEPARTMENT)
    await stage.await_dossier(code, custody="held")
    again = await stage.call("POST", path, json={"action": "accept_custody"}, headers=key)

    assert (first.status_code, first.json()["custody"], first.json()["transfers"]) == (202, "taking", [fact.id])
    assert (again.status_code, again.content) == (first.status_code, first.content)


async def test_lost_race_for_custody_is_answered_with_the_refusal(stage: Stage) -> None:
    code, _, _ = await offered(stage)

    accepting = asyncio.create_task(stage.act(code, "accept_custody", expect=409))
    fact = await stage.fact(code, 1, sender=COMMUNE_A)
    await stage.refuse(fact, "custody.offer_closed", stamp(custodian=DEPARTMENT, version=3))

    assert (await accepting)["code"] == "custody.offer_closed"
    shown = await stage.get(f"/v1/dossiers/{code}")
    assert (shown["custody"], shown["custodian"]) == ("none", DEPARTMENT)


async def test_refused_offer_is_gone_at_once(stage: Stage) -> None:
    code, offer, _ = await offered(stage)

    done = await stage.act(code, "refuse_custody", reason="Không thuộc thẩm quyền")

    assert (done["custody"], done["custodian"]) == ("none", DEPARTMENT)
    assert orjson.loads((await stage.fact(code, 1, sender=COMMUNE_A)).value)["offer"] == offer


async def test_recall_waits_for_its_stamp(stage: Stage) -> None:
    code = (await stamped(stage))["code"]
    made = await stage.post(f"/v1/dossiers/{code}/transfers", {"to": DISTRICT, "reason": "Chuyển"}, expect=201)
    offer = await stage.fact(code, 2)
    await stage.route(offer, stamp(version=2, offer=Offer(made["offer"], COMMUNE_A, DISTRICT)), DISTRICT)

    recalling = asyncio.create_task(stage.act(code, "recall_custody"))
    fact = await stage.fact(code, 3)
    await stage.route(fact, stamp(version=3), DISTRICT)

    assert (await recalling)["custody"] == "held"
    assert fact.epoch == 1


async def test_complete_gives_custody_back_to_the_receiving_organ(stage: Stage) -> None:
    code, _, _ = await offered(stage)
    accepting = asyncio.create_task(stage.act(code, "accept_custody"))
    taken = await stage.fact(code, 1, sender=COMMUNE_A)
    await stage.route(taken, stamp(custodian=COMMUNE_A, epoch=2, version=3, status=2), DEPARTMENT)
    await accepting
    paper = await stage.attach(b"ket qua " + code.encode())

    done = await stage.act(code, "complete", result={"number": "12/GP", "attachments": [paper]})
    repeated = await stage.act(code, "complete", result={"number": "12/GP", "attachments": [paper]})

    assert (done["status"], done["custodian"], done["custody"]) == (9, DEPARTMENT, "none")
    assert repeated["transfers"] == []
    result = orjson.loads((await stage.fact(code, 2, sender=COMMUNE_A)).value)["result"]
    assert (result["number"], result["attachments"][0]["size"]) == ("12/GP", 8 + len(code))
    shown = await stage.get(f"/v1/dossiers/{code}")
    assert shown["result"]["number"] == "12/GP"


async def test_two_communes_of_one_office_each_hold_their_row(stage: Stage) -> None:
    code = (await stamped(stage))["code"]
    made = await stage.post(f"/v1/dossiers/{code}/transfers", {"to": COMMUNE_B, "reason": "Chuyển"}, expect=201)
    fact = await stage.fact(code, 2)
    frozen = stamp(version=2, offer=Offer(made["offer"], COMMUNE_A, COMMUNE_B))
    own = Journey(stage, code)
    await stage.route(fact, frozen, COMMUNE_B)
    await stage.deliver(
        own.envelope(
            fact.type, orjson.loads(fact.value), id=fact.id, source=fact.source, sender=COMMUNE_A,
            recipients=(COMMUNE_B,), stamp=frozen,
        )
    )  # fmt: skip

    taken = await stage.await_dossier(code, "b", custody="offered")
    assert taken["history"][0]["actor"] == COMMUNE_A
    accepting = asyncio.create_task(stage.act(code, "accept_custody", "b"))
    accepted = await stage.fact(code, 1, sender=COMMUNE_B)
    await stage.route(accepted, stamp(custodian=COMMUNE_B, epoch=2, version=3), COMMUNE_A)
    assert (await accepting)["custody"] == "held"
    assert (await stage.get(f"/v1/dossiers/{code}"))["custody"] == "offered"
    await stage.deliver(
        own.envelope(
            accepted.type, orjson.loads(accepted.value), id=accepted.id, source=accepted.source, sender=COMMUNE_B,
            recipients=(COMMUNE_A,), stamp=stamp(custodian=COMMUNE_B, epoch=2, version=3),
        )
    )  # fmt: skip
    assert (await stage.await_dossier(code, "a", custody="none"))["custodian"] == COMMUNE_B


async def test_no_act_on_a_dossier_that_is_not_held(stage: Stage) -> None:
    assert (await stage.act(fresh_code(), "accept", expect=404))["code"] == "request.not_found"


async def test_receipt_shows_how_many_facts_are_on_their_way(stage: Stage) -> None:
    made = await stage.post("/v1/dossiers", dossier(), expect=201)
    fact = await stage.fact(made["code"], 1)
    await stage.accept(fact, stamp())

    async def settled() -> bool:
        rows = await stage.sql("SELECT state FROM outbox WHERE envelope_id = :id", id=fact.id)
        return bool(rows[0].state == "settled")

    assert await until(settled, what="a fact without recipients to settle")
    assert (await stage.get(f"/v1/transfers/{fact.id}"))["state"] == "handed_over"
