"""The gateway's path of a fact on a real database: identity, number, checks, route, receipts, settling."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import text

from contracts.envelope import Envelope
from services.kernel.messaging.records import Record
from tests.integration import relaying
from tests.integration.gateway.conftest import COMMUNE, DEPARTMENT, DISTRICT, NOW, OTHER, Bench
from tests.integration.kernel.scene import until

CODE = f"{COMMUNE}-20240603-0000001"


def fact(kind: str, sequence: int, payload: dict[str, Any], **attributes: Any) -> Envelope:
    level = attributes.pop("level", "commune")
    defaults: dict[str, Any] = {"sender": COMMUNE, "system": f"sys-{level}", "subject": CODE}
    return Envelope(
        id=str(uuid4()),
        source=f"urn:lienthong:h28:{level}",
        type=kind,
        time=NOW,
        sequence=sequence,
        value=orjson.dumps(payload),
        **(defaults | attributes),
    )


def submitted(sequence: int = 1, *, code: str = CODE, **fields: Any) -> Envelope:
    payload = {
        "code": code,
        "procedure": "1.001612",
        "receiving_organ": COMMUNE,
        "channel": 1,
        "applicant": {"kind": "citizen", "name": "Nguyễn Thị Mẫu"},
    }
    return fact("dossier.submitted", sequence, payload | fields, subject=code)


def act(kind: str, sequence: int, **fields: Any) -> Envelope:
    attributes = {name: fields.pop(name) for name in ("sender", "level", "system", "epoch") if name in fields}
    return fact(kind, sequence, {"code": CODE, "at": "2024-06-03T01:00:00Z"} | fields, **attributes)


def receipt(source: str, id_: str, organ: str, state: str, *, hop: int = 1) -> Envelope:
    told = {"organ": organ, "state": state, "handed_over_at": "2024-06-03T01:00:05Z"}
    item = {"source": source, "id": id_, "subject": CODE, "hopsequence": hop, "deliveries": [told]}
    return Envelope(
        id=str(uuid4()),
        source="urn:lienthong:h28:province",
        type="receipt.handed-over",
        subject="province",
        time=NOW,
        value=orjson.dumps({"items": [item]}),
    )


async def test_answers_an_accepted_dossier_with_its_stamp(bench: Bench) -> None:
    await bench.take(submitted(deciding_organ=DEPARTMENT))
    [(topic, kind, item)] = await bench.answers()
    assert (topic, kind) == ("deliver.commune", "receipt.routed")
    assert item["stamp"] == {"status": 1, "custodian": COMMUNE, "epoch": 1, "version": 1, "offer": None}
    assert [(d["organ"], d["state"], d["via"]) for d in item["deliveries"]] == [(DEPARTMENT, "open", "office")]
    [delivery] = await bench.sent(bench.hops)
    headers = {name: raw.decode() for name, raw in delivery.headers}
    assert delivery.topic == "deliver.province"
    assert (int(headers["ce_hopsequence"]), headers["ce_recipients"]) == (1, DEPARTMENT)
    [event] = await bench.sent(bench.events)
    assert b"Nguy" not in (event.value or b"")


async def test_answers_a_duplicate_again_without_a_second_effect(bench: Bench) -> None:
    envelope = submitted(deciding_organ=DEPARTMENT)
    await bench.take(envelope, envelope)
    await bench.take(envelope)
    kinds = [kind for _, kind, _ in await bench.answers()]
    assert kinds == ["receipt.routed", "receipt.routed"]
    assert len(await bench.rows("SELECT * FROM hop")) == 1
    assert (await bench.rows("SELECT version FROM dossier"))[0]["version"] == 1


async def test_asks_for_a_gap_and_stores_nothing_of_what_came_early(bench: Bench) -> None:
    first = submitted()
    second = act("dossier.status-changed", 2, action="accept", status=2, epoch=1)
    await bench.take(second)
    [(_, kind, item)] = await bench.answers()
    assert (kind, item["first"]) == ("control.resend-requested", 1)
    await bench.take(first, second)
    assert [kind for _, kind, _ in await bench.answers()] == ["receipt.routed", "receipt.routed"]
    assert (await bench.rows("SELECT status, version FROM dossier"))[0] == {"status": 2, "version": 2}


async def test_a_forged_number_of_a_live_subject_is_a_conflict_for_a_person(bench: Bench) -> None:
    await bench.take(submitted())
    await bench.answers()
    await bench.take(act("dossier.status-changed", 1, action="refuse", status=3, epoch=1))
    [(_, kind, item)] = await bench.answers()
    assert (kind, item["sequence"]) == ("receipt.conflict", 1)
    assert "sequence.conflict" in (await bench.rows("SELECT verdict FROM dead_letter"))[0]["verdict"]


async def test_same_identity_with_other_content_is_buried(bench: Bench) -> None:
    envelope = submitted()
    await bench.take(envelope)
    await bench.take(replace(envelope, value=envelope.value + b" "))
    assert "envelope.id_reused" in (await bench.rows("SELECT verdict FROM dead_letter"))[0]["verdict"]


async def test_refusals_name_step_code_and_place_and_consume_the_number(bench: Bench) -> None:
    cases: list[tuple[Envelope, str, str, str]] = [
        (submitted(1, code=f"{COMMUNE}-20240603-0000002", channel=9), "contract", "contract.invalid", "/channel"),
        (replace(submitted(1, code=f"{COMMUNE}-20240603-0000003"), value=b"\xff{"), "contract", "contract.invalid", ""),
        (
            replace(submitted(1, code=f"{COMMUNE}-20240603-0000004"), system="sys-other"),
            "competence",
            "organ.forbidden",
            "",
        ),
        (
            submitted(1, code=f"{COMMUNE}-20240603-0000005", deciding_organ="000.99.99.H28"),
            "recipients",
            "recipient.unknown",
            "/deciding_organ",
        ),
        (
            replace(submitted(1, code=f"{COMMUNE}-20240603-0000006"), source="urn:lienthong:h28:district"),
            "level",
            "level.mismatch",
            "",
        ),
        (
            submitted(1, code=f"{OTHER}-20240603-0000007"),
            "competence",
            "dossier.code_invalid",
            "/code",
        ),
    ]
    for envelope, step, code, pointer in cases:
        await bench.take(envelope)
        [(_, kind, item)] = await bench.answers()
        assert (kind, item["step"], item["code"], item["pointer"]) == ("receipt.refused", step, code, pointer)
        assert item["remedy"]["vi"]
        await bench.take(replace(envelope, id=str(uuid4())))
        assert [kind for _, kind, _ in await bench.answers()] == ["receipt.conflict"], "the number was consumed"


async def test_unreadable_headers_are_buried_while_traffic_behind_flows(bench: Bench) -> None:
    poison = Record(
        topic="ingest.commune", partition=0, offset=0, key="x", value=b"\x00", headers=(("ce_id", b"\xff"),)
    )
    await bench.take_records([poison, bench.record(submitted(), "ingest.commune")])
    assert [kind for _, kind, _ in await bench.answers()] == ["receipt.routed"]
    assert len(await bench.rows("SELECT * FROM dead_letter")) == 1


async def test_custody_moves_in_the_gateway_and_a_stale_epoch_is_refused(bench: Bench) -> None:
    offer = str(uuid4())
    snapshot = {"dossier": orjson.loads(submitted().value), "history": []}
    await bench.take(
        submitted(),
        act("dossier.status-changed", 2, action="accept", status=2, epoch=1),
        act("dossier.transferred", 3, offer=offer, to=DISTRICT, reason="chuyển", snapshot=snapshot, epoch=1),
    )
    await bench.take(
        act("dossier.custody-accepted", 1, offer=offer, sender=DISTRICT, level="district"), topic="ingest.district"
    )
    stamp = (await bench.answers())[-1][2]["stamp"]
    assert (stamp["custodian"], stamp["epoch"], stamp["offer"]) == (DISTRICT, 2, None)
    await bench.take(act("dossier.status-changed", 4, action="assign", status=4, epoch=1))
    [(_, kind, item)] = await bench.answers()
    assert (kind, item["code"], item["stamp"]["custodian"]) == ("receipt.refused", "custody.stale", DISTRICT)


async def test_a_chunk_of_several_topics_keeps_apart_what_came_by_each(bench: Bench) -> None:
    code = f"{DEPARTMENT}-20240603-0000001"
    payload = orjson.loads(submitted(code=code).value) | {"receiving_organ": DEPARTMENT, "deciding_organ": COMMUNE}
    theirs = fact("dossier.submitted", 1, payload, subject=code, sender=DEPARTMENT, level="province")
    theirs = replace(theirs, system="sys-department")
    ours = submitted(deciding_organ=DEPARTMENT)
    strange = fact("dossier.submitted", 1, {"colour": "red"}, subject=f"{DISTRICT}-20240603-0000001", level="district")
    records = [
        bench.record(ours, "ingest.commune"),
        bench.record(theirs, "ingest.province"),
        replace(bench.record(strange, "ingest.district"), headers=(("ce_id", b"\xff"),)),
        bench.record(receipt(ours.source, str(uuid4()), DEPARTMENT, "handed_over"), "ingest.province"),
    ]
    records = [replace(record, partition=n, offset=5) for n, record in enumerate(records)]

    await bench.take_records(records)

    answers = {(topic, kind): item["id"] for topic, kind, item in await bench.answers()}
    assert answers == {
        ("deliver.commune", "receipt.routed"): ours.id,
        ("deliver.province", "receipt.routed"): theirs.id,
    }
    dead = await bench.rows("SELECT topic, log_partition, log_offset, verdict FROM dead_letter ORDER BY log_partition")
    assert [tuple(row.values())[:3] for row in dead] == [("ingest.district", 2, 5), ("ingest.province", 3, 5)]
    assert ["envelope.unreadable" in dead[0]["verdict"], "delivery.misaddressed" in dead[1]["verdict"]] == [True, True]


async def test_two_chunks_that_name_the_same_subjects_crosswise_take_their_turns(bench: Bench) -> None:
    """One asks again for what the other receipts, and the other way round."""
    facts = [submitted(code=f"{COMMUNE}-20240603-{n:07}", deciding_organ=DEPARTMENT) for n in range(2)]
    await bench.take(*facts)
    for _ in range(15):
        await bench.sent(bench.hops)
        await bench.execute("UPDATE hop SET done = false")
        chunks = [[_told(given), _asked(asked)] for given, asked in (facts, facts[::-1])]
        await asyncio.gather(*(bench.take(*chunk, topic="ingest.province") for chunk in chunks))
    assert await bench.rows("SELECT id FROM dead_letter") == []


def _told(envelope: Envelope) -> Envelope:
    told = receipt(envelope.source, envelope.id, DEPARTMENT, "handed_over")
    return replace(told, value=told.value.replace(CODE.encode(), envelope.subject.encode()))


def _asked(envelope: Envelope) -> Envelope:
    item = {"subject": envelope.subject, "emitter": "gateway", "first": 1}
    asked = replace(_told(envelope), type="control.resend-requested")
    return replace(asked, value=orjson.dumps({"items": [item]}))


async def test_settles_by_the_offices_receipt_and_tells_the_sender(bench: Bench) -> None:
    envelope = submitted(deciding_organ=DEPARTMENT)
    await bench.take(envelope)
    await bench.answers()
    given = receipt(envelope.source, envelope.id, DEPARTMENT, "handed_over")
    await bench.take(given, given, topic="ingest.province")
    [(topic, kind, told)] = await bench.answers()
    assert (topic, kind) == ("deliver.commune", "receipt.handed-over")
    assert told["deliveries"][0]["handed_over_at"] == "2024-06-03T01:00:05.000Z"
    assert (await bench.rows("SELECT state FROM transfer"))[0]["state"] == "handed_over"
    assert (await bench.rows("SELECT done FROM hop"))[0]["done"]
    await bench.take(receipt(envelope.source, envelope.id, DEPARTMENT, "handed_over", hop=7), topic="ingest.province")
    assert "delivery.misaddressed" in (await bench.rows("SELECT verdict FROM dead_letter"))[0]["verdict"]


async def test_of_two_words_about_one_delivery_the_first_counts(bench: Bench) -> None:
    envelope = submitted(deciding_organ=DEPARTMENT)
    await bench.take(envelope)
    await bench.answers()
    words = [receipt(envelope.source, envelope.id, DEPARTMENT, state) for state in ("handed_over", "refused")]
    await bench.take(*words, topic="ingest.province")
    assert [row["state"] for row in await bench.rows("SELECT state FROM delivery")] == ["handed_over"]
    [(_, _, told)] = await bench.answers()
    assert [each["state"] for each in told["deliveries"]] == ["handed_over"]


async def test_what_is_receipted_and_asked_for_in_one_chunk_is_sent_again(bench: Bench) -> None:
    envelope = submitted(deciding_organ=DEPARTMENT)
    await bench.take(envelope)
    await bench.sent(bench.hops)
    await bench.take(_told(envelope), _asked(envelope), topic="ingest.province")
    assert await bench.rows("SELECT done, pending FROM hop") == [{"done": True, "pending": True}]


async def test_new_and_known_subjects_and_one_nobody_knows_in_one_chunk(bench: Bench) -> None:
    """The known one goes on from its state, the new one begins, and the receipt about nothing leaves no trace."""
    codes = [f"{COMMUNE}-20240603-{n:07}" for n in range(1, 4)]
    known, new, unknown = (submitted(code=code, deciding_organ=DEPARTMENT) for code in codes)
    await bench.take(known)
    await bench.answers()
    again = act("dossier.status-changed", 2, action="accept", status=2, epoch=1)
    await bench.take_records(
        [
            bench.record(again, "ingest.commune"),
            bench.record(new, "ingest.commune"),
            bench.record(_told(unknown), "ingest.province"),
            bench.record(_told(known), "ingest.province"),
        ]
    )
    assert [(kind, item["id"]) for _, kind, item in await bench.answers()] == [
        ("receipt.handed-over", known.id),
        ("receipt.routed", again.id),
        ("receipt.routed", new.id),
    ]
    states = await bench.rows("SELECT subject, status, version FROM dossier ORDER BY subject")
    assert [tuple(row.values()) for row in states] == [(codes[0], 2, 2), (codes[1], 1, 1)]
    assert [row["subject"] for row in await bench.rows("SELECT subject FROM subject ORDER BY subject")] == codes[:2]
    hops = await bench.rows("SELECT subject, hopsequence, done FROM hop ORDER BY subject, hopsequence")
    assert [tuple(row.values()) for row in hops] == [(codes[0], 1, True), (codes[0], 2, False), (codes[1], 1, False)]


async def test_one_fact_in_two_chunks_at_once_takes_effect_once(bench: Bench) -> None:
    """Whether its subject is new or known: the second chunk waits, and finds what the first one wrote."""
    for number in range(10):
        code = f"{COMMUNE}-20240603-{number:07}"
        first = submitted(code=code, deciding_organ=DEPARTMENT)
        second = act("dossier.status-changed", 2, action="accept", status=2, epoch=1)
        second = replace(second, subject=code, value=second.value.replace(CODE.encode(), code.encode()))
        for envelope in (first, second):
            await asyncio.gather(bench.take(envelope), bench.take(envelope))
            assert [kind for _, kind, _ in await bench.answers()] == ["receipt.routed"] * 2
    assert (await bench.rows("SELECT count(*) AS n, max(version) AS version FROM dossier")) == [{"n": 10, "version": 2}]
    assert await bench.rows("SELECT id FROM dead_letter") == []


async def test_neither_an_ack_nor_a_receipt_overwrites_what_it_waited_for(bench: Bench) -> None:
    """Each finds the row of the hop changed by the other when its turn comes."""
    envelope = submitted(deciding_organ=DEPARTMENT)
    await bench.take(envelope)
    async with bench.database.glance() as conn:
        acks = [bench.ack(message) for message in await relaying.take(bench.hops, conn)]

    async def acknowledge() -> None:
        async with bench.database.transaction() as conn:
            await relaying.acknowledge(bench.hops, conn, acks)

    async def is_waiting() -> bool:
        return bool(await bench.rows("SELECT FROM pg_locks WHERE NOT granted"))

    given = receipt(envelope.source, envelope.id, DEPARTMENT, "handed_over")
    for waits, meanwhile in (
        (acknowledge(), "UPDATE hop SET stuck_attempts = 5"),
        (bench.take(given, topic="ingest.province"), "UPDATE hop SET attempts = 7"),
    ):
        async with bench.database.transaction() as conn:
            await conn.execute(text(meanwhile))
            waiting = asyncio.create_task(waits)
            await until(is_waiting)
        await waiting
        assert (await bench.rows("SELECT pending FROM hop"))[0]["pending"] is False
    [hop] = await bench.rows("SELECT done, attempts, log_offset, stuck_attempts FROM hop")
    assert hop == {"done": True, "attempts": 7, "log_offset": acks[0].offset, "stuck_attempts": None}


async def test_sends_every_hop_again_from_the_number_asked_for(bench: Bench) -> None:
    await bench.take(
        submitted(deciding_organ=DEPARTMENT), act("dossier.status-changed", 2, action="accept", status=2, epoch=1)
    )
    assert len(await bench.sent(bench.hops)) == 2
    assert await bench.sent(bench.hops) == []
    asking = Envelope(
        id=str(uuid4()),
        source="urn:lienthong:h28:province",
        type="control.resend-requested",
        subject="province",
        time=NOW,
        value=orjson.dumps({"items": [{"subject": CODE, "emitter": "gateway", "first": 1}]}),
    )
    await bench.take(asking, topic="ingest.province")
    numbers = [int(dict(m.headers)["ce_hopsequence"]) for m in await bench.sent(bench.hops)]
    assert numbers == [1, 2]


async def test_closing_the_last_organ_voids_the_hop_under_its_number(bench: Bench) -> None:
    await bench.take(
        submitted(deciding_organ=DEPARTMENT), act("dossier.status-changed", 2, action="accept", status=2, epoch=1)
    )
    await bench.sent(bench.hops)
    await bench.answers()
    first = (await bench.rows("SELECT id FROM delivery WHERE hopsequence = 1"))[0]["id"]
    assert await bench.close(first)
    assert not await bench.close(first), "closed once"
    assert await bench.answers() == [], "its record may be on the way and be applied after all"
    [void] = await bench.sent(bench.hops)
    headers = {name: raw.decode() for name, raw in void.headers}
    assert (headers["ce_type"], int(headers["ce_hopsequence"])) == ("vn.lienthong.delivery.voided", 1)
    [transfer, _] = await bench.rows("SELECT source, id FROM transfer ORDER BY sequence")
    await bench.take(receipt(transfer["source"], transfer["id"], "gateway", "closed"), topic="ingest.province")
    [(_, kind, item)] = await bench.answers()
    assert (kind, item["deliveries"][0]["state"]) == ("receipt.handed-over", "closed")
    assert (await bench.rows("SELECT state FROM transfer ORDER BY sequence"))[0]["state"] == "closed"


async def test_what_the_office_did_outranks_a_closing(bench: Bench) -> None:
    envelope = submitted(deciding_organ=DEPARTMENT)
    await bench.take(envelope)
    await bench.answers()
    assert await bench.close((await bench.rows("SELECT id FROM delivery"))[0]["id"])
    await bench.take(receipt(envelope.source, envelope.id, DEPARTMENT, "handed_over"), topic="ingest.province")
    [(_, _, item)] = await bench.answers()
    assert item["deliveries"][0]["state"] == "handed_over"


async def test_tells_once_of_deliveries_that_nobody_took_in_time(bench: Bench) -> None:
    await bench.take(submitted(deciding_organ=DEPARTMENT))
    await bench.answers()
    assert await bench.expire() == 1
    assert await bench.expire() == 0
    [(_, kind, item)] = await bench.answers()
    assert (kind, item["deliveries"][0]["state"]) == ("receipt.expired", "open")
