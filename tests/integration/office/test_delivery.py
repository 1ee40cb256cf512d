"""What comes from the gateway: applied once, in hop order, receipted every time, stuck only as long as it must be."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from contracts.envelope import Envelope
from services.kernel.messaging.kafka import Reader
from services.kernel.messaging.records import Outgoing
from tests.integration.office.stage import (
    COMMUNE_A,
    COMMUNE_B,
    DEPARTMENT,
    GATEWAY,
    Journey,
    Json,
    Stage,
    act_payload,
    fresh_code,
    receipt,
    stamp,
    submitted,
    until,
)

HELD_BY_DEPARTMENT = {"custodian": DEPARTMENT}


def begun(stage: Stage, *, organs: tuple[str, ...] = (COMMUNE_A,)) -> Journey:
    """A dossier of the department with communes as parties."""
    return Journey(stage, fresh_code(DEPARTMENT), organs)


def first(journey: Journey, **changes: Any) -> Envelope:
    payload = changes.pop("payload", None) or submitted(journey.subject, deciding_organ=journey.organs[0])
    fields: Json = {"stamp": stamp(**HELD_BY_DEPARTMENT)}
    return journey.envelope("dossier.submitted", payload, **fields | changes)


def act(journey: Journey, action: str, status: int, version: int, **changes: Any) -> Envelope:
    payload = act_payload(journey.subject, action=action, status=status)
    fields: Json = {"stamp": stamp(**HELD_BY_DEPARTMENT, status=status, version=version), "epoch": 1}
    return journey.envelope("dossier.status-changed", payload, **fields | changes)


async def test_fact_reaches_every_organ_named_and_is_receipted_per_organ(stage: Stage) -> None:
    journey = begun(stage, organs=(COMMUNE_A, COMMUNE_B))
    fact = first(journey)

    await stage.deliver(fact)

    (answer,) = await stage.answers("receipt.handed-over", journey.subject)
    assert (answer["id"], answer["hopsequence"]) == (fact.id, 1)
    assert [(each["organ"], each["state"]) for each in answer["deliveries"]] == [
        (COMMUNE_A, "handed_over"),
        (COMMUNE_B, "handed_over"),
    ]
    for system, organ in (("a", COMMUNE_A), ("b", COMMUNE_B)):
        (item,) = await stage.items(system, journey.subject)
        assert (item["kind"], item["type"], item["from"], item["to"]) == (
            "dossier",
            "vn.lienthong.dossier.submitted",
            DEPARTMENT,
            organ,
        )
        assert item["data"]["applicant"]["name"] == "Trần Văn Mẫu"
        shown = await stage.get(item["href"], system)
        assert (shown["status"], shown["custodian"], shown["custody"], shown["version"]) == (1, DEPARTMENT, "none", 1)
        transfer = await stage.get(f"/v1/transfers/{fact.id}", system)
        assert [each["organ"] for each in transfer["deliveries"]] == [organ]
        assert transfer["state"] == "handed_over"
    assert (await stage.call("GET", f"/v1/dossiers/{journey.subject}", "c")).status_code == 404


async def test_facts_and_receipts_of_many_subjects_that_come_together_each_take_their_own_effect(stage: Stage) -> None:
    """They lie in all partitions, where offsets are the same."""
    journeys = [begun(stage) for _ in range(30)]
    firsts = [first(journey) for journey in journeys]
    seconds = [act(journey, "accept", 2, 2) for journey in journeys]
    sent = await stage.fact((await stage.submit(deciding_organ=DEPARTMENT))["code"], 1)

    await stage.deliver(*firsts, *seconds)
    await stage.route(sent, stamp(), DEPARTMENT)
    await stage.hand_over(sent, stamp(), DEPARTMENT)

    await stage.await_transfer(sent.id, "handed_over")
    for journey, fact in zip(journeys, firsts, strict=True):
        shown = await stage.await_dossier(journey.subject, status=2)
        assert [step["status"] for step in shown["history"]] == [1, 2]
        answers = await stage.answers("receipt.handed-over", journey.subject, count=2)
        assert [answer["hopsequence"] for answer in answers] == [1, 2]
        assert answers[0]["id"] == fact.id


async def test_duplicate_takes_no_effect_and_gets_the_same_receipt(stage: Stage) -> None:
    journey = begun(stage)
    fact, moved = first(journey), act(journey, "accept", 2, 2)
    await stage.deliver(fact, moved)
    before = await stage.answers("receipt.handed-over", journey.subject, count=2)

    await stage.deliver(fact)
    await stage.deliver(moved, fact)

    after = await stage.answers("receipt.handed-over", journey.subject, count=4)
    assert len(after) >= 4
    assert all(answer in before for answer in after)
    shown = await stage.get(f"/v1/dossiers/{journey.subject}")
    assert (shown["status"], len(shown["history"])) == (2, 2)
    assert len(await stage.items("a", journey.subject)) == 2


async def test_gap_is_asked_for_once_and_filled_in_order(stage: Stage) -> None:
    journey = begun(stage)
    facts = [first(journey), act(journey, "accept", 2, 2), act(journey, "assign", 4, 3)]

    await stage.deliver(facts[0], facts[2], facts[2])

    asked = await stage.answers("control.resend-requested", journey.subject)
    assert asked[0]["first"] == 2
    assert (await stage.get(f"/v1/dossiers/{journey.subject}"))["status"] == 1
    await stage.deliver(*facts)
    shown = await stage.await_dossier(journey.subject, status=4)
    assert [step["status"] for step in shown["history"]] == [1, 2, 4]


async def test_act_on_a_dossier_that_an_organ_does_not_hold_is_refused_for_it_alone(stage: Stage) -> None:
    journey = begun(stage)
    await stage.deliver(first(journey))

    await stage.deliver(act(journey, "accept", 2, 2, recipients=(COMMUNE_A, COMMUNE_B)))

    answers = await stage.answers("receipt.handed-over", journey.subject, count=2)
    results = {each["organ"]: (each["state"], each.get("code")) for each in answers[-1]["deliveries"]}
    assert results == {COMMUNE_A: ("handed_over", None), COMMUNE_B: ("refused", "dossier.unknown")}
    assert await stage.items("b", journey.subject) == []


async def test_missing_attachment_makes_its_subject_wait_until_it_is_there(stage: Stage) -> None:
    journey = begun(stage)
    content = f"Giấy tờ {journey.subject}".encode()
    digest = hashlib.sha256(content).hexdigest()
    paper = {"sha256": digest, "name": "giấy tờ.pdf", "media_type": "application/pdf", "size": len(content)}
    payload = submitted(journey.subject, deciding_organ=COMMUNE_A, attachments=[paper])
    fact, later = first(journey, payload=payload), act(journey, "accept", 2, 2)

    await stage.deliver(fact, later)
    await until(lambda: stuck(stage, journey.subject), what="the hop to be stuck")
    await until(lambda: unready_part(stage, "stuck"), what="the part to show it")
    assert (await stage.call("GET", f"/v1/dossiers/{journey.subject}")).status_code == 404

    put(stage.settings.home / "attachments" / "province", digest, content)

    shown = await stage.await_dossier(journey.subject, status=1)
    assert shown["attachments"][0]["sha256"] == digest
    asked = await stage.answers("control.resend-requested", journey.subject)
    assert asked[-1]["first"] == 2
    await stage.deliver(later)
    await stage.await_dossier(journey.subject, status=2)
    assert not await stuck(stage, journey.subject)
    fetched = await stage.call("GET", f"/v1/attachments/{digest}")
    assert (fetched.content, fetched.headers["content-disposition"].partition(";")[0]) == (content, "attachment")
    assert (await stage.call("GET", f"/v1/attachments/{digest}", "b")).status_code == 404


async def test_attachment_with_other_bytes_is_never_taken(stage: Stage) -> None:
    journey = begun(stage)
    digest = hashlib.sha256(journey.subject.encode()).hexdigest()
    paper = {"sha256": digest, "name": "x", "media_type": "application/pdf", "size": 3}
    put(stage.settings.home / "attachments" / "province", digest, b"abc")

    await stage.deliver(first(journey, payload=submitted(journey.subject, attachments=[paper])))

    await until(lambda: stuck(stage, journey.subject), what="the hop to be stuck")
    assert not (stage.settings.home / "attachments" / "commune" / digest).exists()
    await free(stage, journey, hop=1)


async def test_voided_hop_frees_a_stuck_subject(stage: Stage) -> None:
    journey = begun(stage)
    broken = first(journey, payload={"code": journey.subject, "colour": "red"})
    later = first(journey)

    await stage.deliver(broken, later)
    reasons = await until(lambda: stuck(stage, journey.subject), what="the hop to be stuck")
    assert reasons[0].reason.startswith("contract")

    await free(stage, journey, hop=1, fact=broken)

    answers = await stage.answers("receipt.handed-over", journey.subject)
    assert (answers[0]["id"], answers[0]["hopsequence"], answers[0]["deliveries"][0]["state"]) == (
        broken.id,
        1,
        "closed",
    )
    assert (await stage.answers("control.resend-requested", journey.subject))[-1]["first"] == 2
    await stage.deliver(later)
    await stage.await_dossier(journey.subject, status=1)


async def test_expired_and_conflict_are_told_to_the_sender(stage: Stage) -> None:
    made = await stage.submit(deciding_organ=DEPARTMENT)
    late, taken = made["code"], (await stage.submit())["code"]
    fact, clash = await stage.fact(late, 1), await stage.fact(taken, 1)
    await stage.route(fact, stamp(), DEPARTMENT)

    await stage.tell(
        "receipt.expired", receipt(fact, stamp(), deliveries=[{"organ": DEPARTMENT, "state": "open", "via": "office"}])
    )
    await stage.tell("receipt.conflict", receipt(clash, None, sequence=1))

    await until(lambda: stage.items("a", late, kind="receipt"), what="the expiry to be told")
    shown = await stage.await_transfer(fact.id, "routed")
    assert shown["deliveries"][0]["expired_at"]
    refused = await stage.await_transfer(clash.id, "refused")
    assert refused["verdict"]["code"] == "sequence.conflict"
    await stage.hand_over(fact, stamp(), DEPARTMENT)
    await stage.await_transfer(fact.id, "handed_over")


async def test_unreadable_record_stops_nothing_and_becomes_a_dead_letter(stage: Stage) -> None:
    journey = begun(stage)
    headers = (("ce_type", b"vn.lienthong.dossier.submitted"), ("ce_id", b"no uuid"))

    await stage.send([Outgoing(topic="deliver.commune", key=journey.subject, value=b"{", headers=headers)])
    fact = first(journey)
    await stage.deliver(fact)

    await stage.await_dossier(journey.subject, status=1)
    assert b"envelope.unreadable" in await dead_letter(stage)


async def test_redirected_delivery_replaces_the_one_that_waited_for_a_decision(stage: Stage) -> None:
    made = await stage.submit(deciding_organ=DEPARTMENT)
    fact = await stage.fact(made["code"], 1)
    await stage.route(fact, stamp(), DEPARTMENT)
    await stage.await_transfer(fact.id, "routed")

    decided = [{"organ": "000.00.04.H28", "redirected_from": DEPARTMENT, "state": "open", "via": "office"}]
    await stage.tell("receipt.routed", receipt(fact, stamp(), at="2024-06-03T01:00:00Z", deliveries=decided))

    async def replaced() -> bool:
        shown = await stage.get(f"/v1/transfers/{fact.id}")
        return [each["organ"] for each in shown["deliveries"]] == ["000.00.04.H28"]

    await until(replaced, what="one delivery under its new organ")
    await stage.route(fact, stamp(), DEPARTMENT)  # written before the decision, read after it
    await stage.hand_over(fact, stamp(), "000.00.04.H28")
    await stage.await_transfer(fact.id, "handed_over")
    assert await replaced(), "what was decided stays decided"


async def test_facts_of_many_subjects_in_one_burst_all_take_effect_in_order(stage: Stage) -> None:
    journeys = [begun(stage, organs=(COMMUNE_A, COMMUNE_B)) for _ in range(20)]
    steps = ((1, ""), (2, "accept"), (4, "assign"))
    for version, (status, step) in enumerate(steps, start=1):
        facts = [act(journey, step, status, version) if step else first(journey) for journey in journeys]
        await stage.deliver(*facts)

    shown = await asyncio.gather(*(stage.await_dossier(journey.subject, "b", status=4) for journey in journeys))

    assert all([step["status"] for step in each["history"]] == [1, 2, 4] for each in shown)
    positions = await stage.sql(
        "SELECT position FROM inbox_item WHERE organ = :organ ORDER BY position", organ=COMMUNE_B
    )
    assert len({row.position for row in positions}) == len(positions)


async def test_a_voided_fact_brings_every_holder_up_to_date(stage: Stage) -> None:
    """It took effect at the gateway, whoever gave up on its delivery here."""
    journey = begun(stage, organs=(COMMUNE_A, COMMUNE_B))
    await stage.deliver(first(journey))
    await stage.await_dossier(journey.subject, "b", status=1)
    closed = stamp(**HELD_BY_DEPARTMENT, status=2, version=2)
    void = {"source": GATEWAY, "id": journey.envelope("x", {}).id}

    await stage.deliver(
        journey.envelope("delivery.voided", void, source=GATEWAY, sender="", recipients=(), hopsequence=2, stamp=closed)
    )

    for system in ("a", "b"):
        shown = await stage.await_dossier(journey.subject, system, status=2)
        assert [step["status"] for step in shown["history"]] == [1], "the fact itself stays unknown"


async def test_a_narrowed_record_brings_those_left_out_up_to_date(stage: Stage) -> None:
    journey = begun(stage, organs=(COMMUNE_A, COMMUNE_B))
    await stage.deliver(first(journey), act(journey, "accept", 2, 2, recipients=(COMMUNE_B,)))

    shown = await stage.await_dossier(journey.subject, "a", status=2)

    assert [step["status"] for step in shown["history"]] == [1]
    assert [step["status"] for step in (await stage.await_dossier(journey.subject, "b", status=2))["history"]] == [1, 2]


def put(folder: Path, digest: str, content: bytes) -> None:
    """The bytes as the other office's store has them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / digest).write_bytes(content)


async def stuck(stage: Stage, subject: str) -> list[Any]:
    return await stage.sql("SELECT reason FROM stuck WHERE subject = :subject", subject=subject)


async def unready_part(stage: Stage, name: str) -> bool:
    """The part is bad and the program is ready all the same."""
    answer = await stage.http.get("/readyz")
    parts = {part["name"]: part["ok"] for part in answer.json()["parts"]}
    return answer.status_code == 200 and not parts[name]


async def free(stage: Stage, journey: Journey, *, hop: int, fact: Envelope | None = None) -> None:
    """The gateway's operators close the hop."""
    named = {"source": fact.source, "id": fact.id} if fact else {"source": GATEWAY, "id": journey.envelope("x", {}).id}
    await stage.deliver(
        journey.envelope("delivery.voided", named, source=GATEWAY, sender="", recipients=(), hopsequence=hop)
    )

    async def freed() -> bool:
        return not await stuck(stage, journey.subject)

    await until(freed, what="the subject to be free")


async def dead_letter(stage: Stage) -> bytes:
    """The newest dead letter of the topic, as operators read it."""
    reader = Reader(stage.cluster, ["deliver.commune.dead"])
    await reader.start()
    try:

        async def came() -> bytes:
            return b"".join([record.value or b"" for record in await reader.poll(0.2)])

        return await until(came, what="a dead letter")
    finally:
        await reader.stop()
