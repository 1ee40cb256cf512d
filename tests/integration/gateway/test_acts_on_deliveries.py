"""Operators send deliveries again or give them up: in hop order, audited, once, and the senders are told the truth."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import orjson
import pytest

from contracts.envelope import Envelope
from contracts.protocol import Stamp
from gateway.audit.actions import Act
from gateway.operations import actions
from services.kernel.connection import DatabaseError
from tests.integration import relaying
from tests.integration.gateway.conftest import COMMUNE, DEPARTMENT, DISTRICT, NOW, OTHER, Bench
from tests.integration.gateway.operators import REASON, Operators, opened, told_stuck, two_to_the_department
from tests.integration.gateway.succession import CLOSED, Changing
from tests.integration.gateway.test_document_changes import Paper
from tests.integration.gateway.test_ingest import CODE, act, receipt, submitted


@pytest.fixture
async def operators(bench: Bench) -> AsyncIterator[Operators]:
    async with opened(bench) as operators:
        yield operators


async def test_redelivers_with_what_is_open_before_it_past_the_schedule(bench: Bench, operators: Operators) -> None:
    first, second = await two_to_the_department(bench, act)
    assert await operators.numbers() == []

    body = await operators.act(f"/v1/deliveries/{await operators.delivery(nth=1)}:redeliver", status=202)

    assert body["queued"] == [
        {"transfer": first.id, "hopsequence": 1},
        {"transfer": second.id, "hopsequence": 2},
    ]
    assert (body["transfer"], body["organ"], body["office"], body["attempts"]) == (
        second.id,
        DEPARTMENT,
        "province",
        1,
    )
    assert await operators.numbers() == [(1, DEPARTMENT), (2, DEPARTMENT)]
    await bench.take(receipt(first.source, first.id, DEPARTMENT, "handed_over"), topic="ingest.province")
    body = await operators.act(f"/v1/deliveries/{await operators.delivery(nth=1)}:redeliver", status=202)
    assert [each["hopsequence"] for each in body["queued"]] == [2]
    assert body["attempts"] == 2
    assert await operators.audited() == [("delivery.redelivered", "delivery", "operator", REASON)] * 2


async def test_a_late_ack_of_an_earlier_sending_does_not_swallow_a_redelivery(
    bench: Bench, operators: Operators
) -> None:
    await bench.take(submitted(deciding_organ=DEPARTMENT))
    async with bench.database.transaction() as conn:
        taken = await relaying.take(bench.hops, conn)
    await operators.act(f"/v1/deliveries/{await operators.delivery()}:redeliver", status=202)
    async with bench.database.transaction() as conn:
        await relaying.acknowledge(bench.hops, conn, [bench.ack(message) for message in taken])
    assert await operators.numbers() == [(1, DEPARTMENT)]


async def test_redelivers_to_the_axis_at_once_and_earlier_files_first(bench: Bench, operators: Operators) -> None:
    await bench.take(Paper().issued("G22"))
    await bench.execute("UPDATE delivery SET due_at = now() + interval '1 h', attempts = 3")

    body = await operators.act(f"/v1/deliveries/{await operators.delivery('G22')}:redeliver", status=202)

    assert (body["via"], body["attempts"], len(body["queued"])) == ("axis", 3, 1)
    assert "office" not in body
    assert (await bench.rows("SELECT due_at <= now() AS due FROM delivery"))[0]["due"]


async def test_a_delivery_without_successor_is_decided_first(bench: Bench) -> None:
    other = Bench(bench.database, Changing())
    async with opened(other) as operators:
        await other.take(Paper().issued(CLOSED))
        delivery = await operators.delivery(CLOSED)
        problem = await operators.act(f"/v1/deliveries/{delivery}:redeliver", status=409)
        assert problem["code"] == "recipient.undecided"
        closed = await operators.act(f"/v1/deliveries/{delivery}:close", status=200)
        assert (closed["final"], closed["sender_sees"]) == (True, "closed")
        assert (await other.rows("SELECT state FROM transfer"))[0]["state"] == "closed"


async def test_closes_a_hop_for_good_when_its_office_receipts_the_void(bench: Bench, operators: Operators) -> None:
    first, second = await two_to_the_department(bench, act)
    await bench.take(told_stuck(1), topic="ingest.province")
    delivery = await operators.delivery()

    body = await operators.act(f"/v1/deliveries/{delivery}:close", status=202)

    assert (body["final"], body["record"], body["left"], body["hopsequence"]) == (False, "voided", [], 1)
    assert body["sender_sees"] == "open"
    assert await bench.answers() == []
    assert await operators.numbers() == [(1, "")]
    assert [item["delivery"] for item in await operators.listed("/v1/stuck", kind="stuck")] == []
    await bench.take(_void_receipt(first), topic="ingest.province")
    [(topic, kind, told)] = await bench.answers()
    assert (topic, kind, told["id"]) == ("deliver.commune", "receipt.handed-over", first.id)
    assert [(each["state"], each["code"]) for each in told["deliveries"]] == [("closed", "delivery.closed")]
    states = {row["id"]: row["state"] for row in await bench.rows("SELECT id, state FROM transfer")}
    assert states == {first.id: "closed", second.id: "routed"}
    await bench.take(receipt(second.source, second.id, DEPARTMENT, "handed_over", hop=2), topic="ingest.province")
    assert (await bench.answers())[0][2]["deliveries"][0]["state"] == "handed_over", "later hops go on"
    assert await bench.rows("SELECT id FROM hop WHERE stuck_since IS NOT NULL") == []


async def test_a_voided_fact_of_a_dossier_tells_what_it_made_of_it(bench: Bench, operators: Operators) -> None:
    """It took effect, whoever receives it."""
    await bench.take(
        submitted(deciding_organ=DEPARTMENT), act("dossier.status-changed", 2, action="accept", status=2, epoch=1)
    )
    for nth in (0, 1):
        await operators.act(f"/v1/deliveries/{await operators.delivery(nth=nth)}:close", status=202)

    voids = [dict(message.headers) for message in await bench.sent(bench.hops)]

    assert [void["ce_type"].decode() for void in voids] == ["vn.lienthong.delivery.voided"] * 2
    stamps = [Stamp.from_text(void["ce_stamp"].decode()) for void in voids]
    assert [(stamp.version, stamp.status, stamp.custodian) for stamp in stamps] == [(1, 1, COMMUNE), (2, 2, COMMUNE)]


async def test_closing_one_of_two_leaves_the_record_to_the_other(bench: Bench, operators: Operators) -> None:
    paper = Paper(DEPARTMENT, "sys-department")
    source = "urn:lienthong:h28:province"
    await bench.take(replace(paper.issued(COMMUNE, OTHER), source=source), topic="ingest.province")
    assert await operators.numbers() == [(1, f"{COMMUNE},{OTHER}")]

    body = await operators.act(f"/v1/deliveries/{await operators.delivery(OTHER)}:close", status=202)

    assert (body["record"], body["left"]) == ("narrowed", [COMMUNE])
    assert await operators.numbers() == [(1, COMMUNE)]


@pytest.mark.parametrize("verb", ["redeliver", "close"])
async def test_a_dry_run_tells_the_same_and_changes_nothing(bench: Bench, operators: Operators, verb: str) -> None:
    await two_to_the_department(bench, act)
    path = f"/v1/deliveries/{await operators.delivery(nth=1)}:{verb}"
    before = await operators.everything()

    tried = await operators.act(path, status=200, dry_run=True)

    assert await operators.everything() == before
    done = await operators.act(path, status=202)
    assert {**tried, "dry_run": False} == done


async def test_of_two_operators_at_once_one_closes(bench: Bench, operators: Operators) -> None:
    await two_to_the_department(bench, act)
    path = f"/v1/deliveries/{await operators.delivery()}:close"

    answers = await asyncio.gather(*(operators.http.post(path, json={"reason": REASON}) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    assert {answer.json().get("code") for answer in answers if answer.status_code == 409} == {"delivery.not_open"}
    assert len(await operators.audited()) == 1


async def test_a_key_gives_the_same_answer_again_and_acts_once(bench: Bench, operators: Operators) -> None:
    await two_to_the_department(bench, act)
    path = f"/v1/deliveries/{await operators.delivery()}:close"
    first = await operators.act(path, status=202, key="k1")
    assert await operators.act(path, status=202, key="k1") == first
    assert (await operators.act(path, status=409))["code"] == "delivery.not_open"
    assert len(await operators.audited()) == 1


async def test_what_is_over_or_unknown_or_unreasoned_is_refused(bench: Bench, operators: Operators) -> None:
    envelope = submitted(deciding_organ=DEPARTMENT)
    await bench.take(envelope)
    await bench.take(receipt(envelope.source, envelope.id, DEPARTMENT, "handed_over"), topic="ingest.province")
    delivery = await operators.delivery()
    for verb in ("redeliver", "close"):
        assert (await operators.act(f"/v1/deliveries/{delivery}:{verb}", status=409))["code"] == "delivery.not_open"
        assert (await operators.act(f"/v1/deliveries/nothing:{verb}", status=404))["code"] == "request.not_found"
        for reason in ("", "vì", "x" * 501, None):
            answer = await operators.http.post(f"/v1/deliveries/{delivery}:{verb}", json={"reason": reason})
            assert answer.status_code == 422, reason
    assert await operators.audited() == []


async def test_the_audit_and_the_act_are_in_one_transaction(bench: Bench, operators: Operators) -> None:
    await two_to_the_department(bench, act)
    delivery = await operators.delivery()
    await bench.execute("ALTER TABLE audit ADD CONSTRAINT none CHECK (action = 'none') NOT VALID")
    before = await operators.everything()
    for verb in (actions.close, actions.redeliver):
        with pytest.raises(DatabaseError):
            async with bench.database.transaction() as conn:
                await verb(conn, bench.desk, delivery, by=Act("operator", NOW, REASON))
    assert await operators.everything() == before


async def test_a_close_moves_no_custody_and_the_giver_recalls_the_offer(bench: Bench, operators: Operators) -> None:
    offer = str(uuid4())
    snapshot = {"dossier": orjson.loads(submitted().value), "history": []}
    await bench.take(
        submitted(),
        act("dossier.status-changed", 2, action="accept", status=2, epoch=1),
        act("dossier.transferred", 3, offer=offer, to=DISTRICT, reason="chuyển", snapshot=snapshot, epoch=1),
    )
    await operators.numbers()
    await bench.answers()
    before = await bench.rows("SELECT * FROM dossier")

    body = await operators.act(f"/v1/deliveries/{await operators.delivery(DISTRICT)}:close", status=202)

    assert body["open_offer"] == offer
    assert await bench.rows("SELECT * FROM dossier") == before
    await bench.take(act("dossier.custody-recalled", 4, offer=offer, epoch=1))
    [(_, kind, item)] = await bench.answers()
    assert (kind, item["stamp"]["offer"], item["stamp"]["custodian"]) == ("receipt.routed", None, COMMUNE)
    assert await operators.numbers() == [(1, ""), (2, DISTRICT)], "the taker's office gets the void, then the recall"
    await bench.take(
        act("dossier.custody-accepted", 1, offer=offer, sender=DISTRICT, level="district"), topic="ingest.district"
    )
    assert [(kind, item["code"]) for _, kind, item in await bench.answers()] == [
        ("receipt.refused", "custody.offer_closed")
    ]
    await bench.take(act("dossier.status-changed", 5, action="assign", status=4, epoch=1))
    assert [kind for _, kind, _ in await bench.answers()] == ["receipt.routed"], "the giver may act again"


async def test_what_the_office_did_outranks_a_close(bench: Bench, operators: Operators) -> None:
    envelope = submitted(deciding_organ=DEPARTMENT)
    await bench.take(envelope)
    await operators.numbers()
    await bench.answers()
    await operators.act(f"/v1/deliveries/{await operators.delivery()}:close", status=202)
    await bench.take(receipt(envelope.source, envelope.id, DEPARTMENT, "handed_over"), topic="ingest.province")
    [(_, _, told)] = await bench.answers()
    assert told["deliveries"][0]["state"] == "handed_over"
    assert (await bench.rows("SELECT state FROM transfer"))[0]["state"] == "handed_over"


def _void_receipt(envelope: Envelope) -> Envelope:
    """An office's receipt of `delivery.voided`."""
    item = {"source": envelope.source, "id": envelope.id, "subject": CODE, "hopsequence": 1}
    item["deliveries"] = [{"organ": "gateway", "state": "closed"}]
    return Envelope(
        id=str(uuid4()),
        source="urn:lienthong:h28:province",
        type="receipt.handed-over",
        subject="province",
        time=envelope.time,
        value=orjson.dumps({"items": [item]}),
    )
