"""Closed organs with several successors: what is sent to them waits, in order, until a person chooses."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import text

from contracts.envelope import Envelope
from contracts.levels import Level
from contracts.problems import HubError
from gateway.delivery import store as deliveries
from gateway.national import store as national
from gateway.succession import actions
from tests.integration.gateway.conftest import COMMUNE, DEPARTMENT, DISTRICT, NOW, OTHER, Bench
from tests.integration.gateway.succession import (
    CLOSED,
    CLOSED_TOO,
    MINISTRY,
    NORTH,
    OLD_MINISTRY,
    SOUTH,
    Office,
)
from tests.integration.gateway.test_document_changes import Paper
from tests.integration.gateway.test_ingest import CODE, act, submitted


@pytest.fixture
async def office(bench: Bench) -> Office:
    return Office(bench.database)


def receipt(sent: Envelope, organ: str, *, hop: int, level: str = "commune", state: str = "handed_over") -> Envelope:
    told = {"organ": organ, "state": state, "handed_over_at": "2024-06-03T01:00:05Z"}
    item = {"source": sent.source, "id": sent.id, "subject": sent.subject, "hopsequence": hop, "deliveries": [told]}
    return Envelope(
        id=str(uuid4()),
        source=f"urn:lienthong:h28:{level}",
        type="receipt.handed-over",
        subject=level,
        time=NOW,
        value=orjson.dumps({"items": [item]}),
    )


async def test_a_document_to_an_undecided_organ_is_accepted_and_waits(office: Office) -> None:
    bench, paper = office.bench, Paper()
    sent = paper.issued(CLOSED)
    await bench.take(sent)
    assert await office.told(sent.id) == [(CLOSED, "open", None)]
    assert await bench.sent(bench.hops) == []
    [row] = await bench.rows("SELECT via, office, hopsequence, level, waiting FROM delivery")
    assert dict(row) == {"via": "office", "office": "", "hopsequence": 0, "level": "commune", "waiting": 1}
    assert (await bench.rows("SELECT state FROM transfer"))[0]["state"] == "routed"
    assert len(await bench.rows("SELECT * FROM payload")) == 1

    await bench.take(sent)
    assert await office.told(sent.id) == [(CLOSED, "open", None)], "answered again"
    assert await bench.expire() == 1
    [(_, kind, item)] = await bench.answers()
    assert (kind, item["deliveries"][0]["organ"]) == ("receipt.expired", CLOSED)


async def test_the_choice_sends_what_waited_and_tells_the_sender(office: Office) -> None:
    bench, paper = office.bench, Paper()
    sent = paper.issued(CLOSED, DISTRICT)
    await bench.take(sent)
    [before] = await bench.rows("SELECT id FROM delivery WHERE waiting IS NOT NULL")
    await bench.answers()
    outcome = await office.decide(NORTH)
    assert (outcome.deliveries, outcome.left) == (1, 0)
    assert sorted(await office.told(sent.id)) == [(DISTRICT, "open", None), (NORTH, "open", CLOSED)]
    [after] = await bench.rows(f"SELECT id, level, waiting FROM delivery WHERE organ = '{NORTH}'")
    assert (after["id"], after["level"], after["waiting"]) == (before["id"], "commune", None)
    assert await office.hops() == [(1, "issued", NORTH)]

    await bench.take(receipt(sent, NORTH, hop=1))
    assert await office.told(sent.id) == [(NORTH, "handed_over", CLOSED)]
    [audit] = await bench.rows("SELECT client_id, action, kind, target, reason, after FROM audit")
    assert (audit["client_id"], audit["action"], audit["target"]) == ("operator", actions.ACTION, CLOSED)
    assert orjson.loads(audit["after"]) == {"organ": CLOSED, "successor": NORTH}


async def test_the_successor_may_answer_like_any_recipient(office: Office) -> None:
    bench, paper = office.bench, Paper()
    await bench.take(paper.issued(CLOSED))
    await office.decide(NORTH)
    await bench.answers()
    payload = {"document": paper.reference(), "code": "03", "at": "2024-06-03T01:00:00Z"}
    answer = paper.fact(
        "document.status-changed", payload, COMMUNE, sender=NORTH, system="sys-north", sequence=1, version=2
    )
    await bench.take(answer)
    assert await office.told(answer.id) == [(COMMUNE, "open", None)]


ORDERS = {
    "one line, one successor": (["issued c", "updated c", "recalled c"], [NORTH] * 3),
    "behind what its office has": (["issued n c", "updated n c"], [NORTH, f"{NORTH}", "", ""]),
    "another organ between": (["issued c s", "updated s", "updated c"], [SOUTH, SOUTH, NORTH, NORTH]),
    "two closed organs": (["issued c t", "updated t c", "recalled c"], [NORTH, NORTH, NORTH]),
    "the registry decides meanwhile": (["issued c", "default", "updated c", "recalled c"], [NORTH] * 3),
    "the organ lives again meanwhile": (["issued c", "reopened", "updated c", "recalled c"], None),
    "closed by a person in between": (["issued c", "updated c", "close", "recalled c"], [NORTH, NORTH]),
}
NAMES = {"c": CLOSED, "t": CLOSED_TOO, "n": NORTH, "s": SOUTH, "d": DISTRICT}


@pytest.mark.parametrize("case", ORDERS)
async def test_nothing_overtakes(office: Office, case: str) -> None:
    """Whatever happens meanwhile, an organ gets the facts of a subject in the order of the ledger."""
    steps, expected = ORDERS[case]
    bench, paper = office.bench, Paper()
    sent: list[Envelope] = []
    for step in steps:
        kind, *names = step.split()
        organs = [NAMES[name] for name in names]
        if kind == "default":
            office.registries.put(CLOSED, default_successor=NORTH)
        elif kind == "reopened":
            office.registries.put(CLOSED, valid_to=None, successors=[])
        elif kind == "close":
            [first, *_] = await bench.rows("SELECT id FROM delivery WHERE waiting IS NOT NULL ORDER BY waiting")
            assert await bench.close(first["id"])
        else:
            sent.append(getattr(paper, kind)(*organs))
            await bench.take(sent[-1])
    for organ in dict.fromkeys(await office.lines()):
        await office.decide(CLOSED if case.startswith("the organ lives") else NORTH, organ=organ)
    assert await office.lines() == []

    order = {envelope.id: place for place, envelope in enumerate(sent)}
    rows = await bench.rows(
        "SELECT transfer_id, organ, office, hopsequence FROM delivery WHERE state = 'open' ORDER BY hopsequence"
    )
    for organ in {row["organ"] for row in rows}:
        places = [order[row["transfer_id"]] for row in rows if row["organ"] == organ]
        assert places == sorted(places), organ
    numbers = [number for number, *_ in await office.hops()]
    assert numbers == list(range(1, len(numbers) + 1)), "gapless"
    heirs = [organs for _, _, organs in await office.hops()]
    assert heirs == ([CLOSED] * 3 if expected is None else [organ for organ in expected if organ])


async def test_numbers_follow_what_the_successors_office_has_already(office: Office) -> None:
    bench, paper = office.bench, Paper()
    await bench.take(paper.issued(CLOSED, OTHER))
    await bench.take(paper.updated(OTHER), paper.updated(CLOSED))
    await office.decide(SOUTH)
    assert await office.hops() == [
        (1, "issued", OTHER),
        (2, "updated", OTHER),
        (3, "issued", SOUTH),
        (4, "updated", SOUTH),
    ]


async def test_who_had_it_already_does_not_get_it_twice(office: Office) -> None:
    bench, paper = office.bench, Paper()
    done, under_way = paper.issued(CLOSED, NORTH), paper.updated(CLOSED, NORTH)
    await bench.take(done, under_way)
    await bench.take(receipt(done, NORTH, hop=1))
    await bench.answers()
    await office.decide(NORTH)
    assert [row[0] for row in await office.hops()] == [1, 2]
    states = {row["id"]: row["state"] for row in await bench.rows("SELECT id, state FROM transfer")}
    assert states == {done.id: "handed_over", under_way.id: "routed"}
    await bench.answers()
    await bench.take(receipt(under_way, NORTH, hop=2))
    assert sorted(await office.told(under_way.id), key=str) == [
        (NORTH, "handed_over", CLOSED),
        (NORTH, "handed_over", None),
    ]
    assert {row["state"] for row in await bench.rows("SELECT state FROM delivery")} == {"handed_over"}


async def test_closing_one_of_two_that_share_a_hop_leaves_the_other(office: Office) -> None:
    bench, paper = office.bench, Paper()
    sent = paper.issued(CLOSED, CLOSED_TOO)
    await bench.take(sent)
    await office.decide(NORTH)
    await office.decide(NORTH, organ=CLOSED_TOO)
    assert await office.hops() == [(1, "issued", NORTH)]
    [first, _] = await bench.rows("SELECT id FROM delivery ORDER BY redirected_from")
    assert await bench.close(first["id"])
    assert [(organs, number) for number, _, organs in await office.hops()] == [(NORTH, 1)]
    [hop] = await bench.rows("SELECT void, done FROM hop")
    assert not hop["void"]


async def test_what_was_refused_to_the_successor_then_is_sent_to_it_now(office: Office) -> None:
    """Its own part of the transfer was refused, so nothing of it ever reached the organ."""
    bench, paper = office.bench, Paper()
    office.registries.put(NORTH, suspended=True)
    sent = paper.issued(CLOSED, NORTH)
    await bench.take(sent)
    office.registries.put(NORTH, suspended=False)
    await office.decide(NORTH)
    assert await office.hops() == [(1, "issued", NORTH)]


async def test_the_choice_holds_for_what_comes_later(office: Office) -> None:
    bench, first, second = office.bench, Paper(), Paper()
    await bench.take(first.issued(CLOSED))
    await office.decide(NORTH)
    await bench.take(first.updated(CLOSED))
    assert await office.lines() == [], "the subject keeps to it at once"
    unseen = second.issued(CLOSED)
    await bench.take(unseen)
    assert await office.lines() == [CLOSED], "this process has not seen the choice"
    assert await office.worker.turn() == 1
    office.registries.decided = {CLOSED: NORTH}
    third = Paper().issued(CLOSED)
    await bench.answers()
    await bench.take(third)
    assert await office.told(third.id) == [(NORTH, "open", CLOSED)]


async def test_a_subject_may_have_a_choice_of_its_own_and_keeps_it(office: Office) -> None:
    bench, one, other = office.bench, Paper(), Paper()
    await bench.take(one.issued(CLOSED), other.issued(CLOSED))
    assert (await office.decide(SOUTH, subject=one.subject)).deliveries == 1
    assert (await office.decide(NORTH)).deliveries == 1
    office.registries.decided = {CLOSED: NORTH}
    office.registries.put(CLOSED, default_successor=NORTH)
    await bench.take(one.updated(CLOSED), other.updated(CLOSED))
    rows = await bench.rows("SELECT subject, organ FROM delivery")
    assert {(row["subject"], row["organ"]) for row in rows} == {(one.subject, SOUTH), (other.subject, NORTH)}


async def test_the_same_choice_again_changes_nothing_and_another_is_refused(office: Office) -> None:
    bench = office.bench
    await bench.take(Paper().issued(CLOSED))
    await office.decide(NORTH)
    assert (await office.decide(NORTH.lower())).deliveries == 0
    with pytest.raises(HubError) as refused:
        await office.decide(SOUTH)
    assert refused.value.code == "succession.decided"
    assert len(await bench.rows("SELECT * FROM audit")) == 1

    office.registries.put(NORTH, suspended=True)
    await bench.take(Paper().issued(CLOSED))
    assert await office.worker.turn() == 0, "it waits for a successor that can receive"
    await office.decide(SOUTH)
    assert await office.lines() == []
    assert len(await bench.rows("SELECT * FROM audit")) == 2


@pytest.mark.parametrize(
    ("successor", "code"),
    [(DISTRICT, "succession.not_successor"), ("X99", "succession.not_successor"), (SOUTH, "recipient.suspended")],
)
async def test_refuses_who_cannot_receive_in_its_place(office: Office, successor: str, code: str) -> None:
    office.registries.put(SOUTH, suspended=True)
    await office.bench.take(Paper().issued(CLOSED))
    with pytest.raises(HubError) as refused:
        await office.decide(successor)
    assert (refused.value.code, refused.value.pointer) == (code, "/successor")
    assert await office.lines() == [CLOSED]


async def test_there_is_nothing_to_decide_where_nothing_is_open(office: Office) -> None:
    for fields in ({"organ": DISTRICT}, {"organ": "X99"}, {"subject": str(uuid4())}):
        with pytest.raises(HubError) as refused:
            await office.decide(NORTH, **fields)
        assert refused.value.code == "request.not_found"
    assert (await office.decide(NORTH)).deliveries == 0, "a choice may be made before anything comes"


async def test_a_dry_run_changes_nothing(office: Office) -> None:
    bench = office.bench
    await bench.take(Paper().issued(CLOSED), Paper().issued(CLOSED))
    assert (await office.decide(NORTH, dry_run=True)).deliveries == 2
    assert await office.lines() == [CLOSED, CLOSED]
    assert await bench.rows("SELECT * FROM successor") == await bench.rows("SELECT * FROM audit") == []


async def test_closing_what_waits_tells_the_sender_at_once_and_leaves_those_behind(office: Office) -> None:
    bench, paper = office.bench, Paper()
    first, second = paper.issued(CLOSED), paper.updated(CLOSED)
    await bench.take(first, second)
    await bench.answers()
    [row, _] = await bench.rows("SELECT id FROM delivery ORDER BY waiting")
    assert await bench.close(row["id"])
    assert await office.told(first.id) == [(CLOSED, "closed", None)]
    assert await office.lines() == [CLOSED]
    assert (await office.decide(NORTH)).deliveries == 1
    assert await office.hops() == [(1, "updated", NORTH)]


async def test_many_are_sent_in_parts_and_a_crash_between_loses_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, papers = office.bench, [Paper() for _ in range(7)]
    await bench.take(*(fact for paper in papers for fact in (paper.issued(CLOSED), paper.updated(CLOSED))))
    monkeypatch.setattr(actions, "AT_ONCE", 2)
    outcome = await office.decide(NORTH)
    assert (outcome.deliveries, outcome.left) == (14, 10)

    add, calls = deliveries.add, []

    def dies(*arguments: object) -> None:
        calls.append(1)
        add(*arguments)  # type: ignore[arg-type]
        if len(calls) == 2:
            raise RuntimeError

    monkeypatch.setattr(deliveries, "add", dies)
    with pytest.raises(RuntimeError):
        await office.worker.turn(at_once=2)
    assert len(await office.lines()) == 6, "one part was committed, the other rolled back whole"
    monkeypatch.setattr(deliveries, "add", add)
    assert await office.worker.turn(at_once=2) == 6
    assert await office.worker.turn(at_once=2) == 0
    hops = await office.hops()
    assert [(number, kind) for number, kind, _ in hops] == [(1, "issued"), (2, "updated")] * 7


async def test_of_two_who_decide_at_once_one_is_told_that_the_other_was_first(office: Office) -> None:
    bench, papers = office.bench, [Paper() for _ in range(5)]
    await bench.take(*(paper.issued(CLOSED) for paper in papers))
    outcomes = await asyncio.gather(
        office.decide(NORTH), office.decide(SOUTH), office.worker.turn(), return_exceptions=True
    )
    [refused] = [each for each in outcomes if isinstance(each, HubError)]
    assert refused.code == "succession.decided"
    assert len({organs for _, _, organs in await office.hops()}) == 1
    assert len(await office.hops()) == 5


async def test_facts_that_arrive_while_it_is_decided_keep_their_order(office: Office) -> None:
    bench, papers = office.bench, [Paper() for _ in range(4)]
    await bench.take(*(paper.issued(CLOSED) for paper in papers))

    async def arrive(paper: Paper) -> None:
        for _ in range(6):
            await bench.take(paper.updated(CLOSED))

    await asyncio.gather(*(arrive(paper) for paper in papers), office.decide(NORTH), office.worker.turn())
    while await office.lines():
        assert await office.worker.turn()
    for paper in papers:
        rows = await bench.rows(
            "SELECT t.sequence, h.hopsequence, h.recipients FROM hop h JOIN transfer t"
            " ON t.source = h.source AND t.id = h.transfer_id"
            f" WHERE h.subject = '{paper.subject}' ORDER BY h.hopsequence"
        )
        assert [row["sequence"] for row in rows] == [row["hopsequence"] for row in rows] == list(range(1, 8))
        assert {row["recipients"] for row in rows} == {NORTH}


async def test_a_successor_that_is_closed_itself_is_followed(office: Office) -> None:
    bench, paper = office.bench, Paper()
    await bench.take(paper.issued(CLOSED))
    office.registries.put(NORTH, valid_to=NOW.date(), successors=[OTHER])
    assert (await office.decide(NORTH)).successor == NORTH
    await bench.take(paper.updated(CLOSED))
    assert await office.hops() == [(1, "issued", OTHER), (2, "updated", OTHER)]


async def test_a_choice_the_registry_contradicts_before_it_was_carried_out_waits(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = office.bench
    await bench.take(Paper().issued(CLOSED), Paper().issued(CLOSED))
    monkeypatch.setattr(actions, "AT_ONCE", 1)
    await office.decide(NORTH)
    office.registries.put(CLOSED, successors=[SOUTH, OTHER])
    assert await office.worker.turn() == 0
    assert await office.lines() == [CLOSED]
    await office.decide(SOUTH)
    assert [organs for _, _, organs in sorted(await office.hops(), key=str)] in ([NORTH, SOUTH], [SOUTH, NORTH])


async def test_a_successor_at_the_axis_gets_a_sending_of_its_own(office: Office) -> None:
    bench, paper = office.bench, Paper()
    await bench.take(paper.issued(OLD_MINISTRY))
    assert [dict(row) for row in await bench.rows("SELECT via, due_at FROM delivery")] == [
        {"via": "office", "due_at": None}
    ]
    await office.decide(MINISTRY, organ=OLD_MINISTRY)
    [row] = await bench.rows("SELECT organ, via, office, due_at, channel_at FROM delivery")
    assert (row["organ"], row["via"], row["office"]) == (MINISTRY, "axis", "")
    assert row["due_at"] is not None
    assert row["channel_at"] == NOW


async def test_a_late_part_for_the_axis_is_not_taken_for_sent_with_the_one_under_way(office: Office) -> None:
    """The file under way names its recipients; what was decided meanwhile is in none of them."""
    bench, registries, paper = office.bench, office.registries, Paper()
    registries.put("G30", level=Level.CENTRAL, home="axis")
    sent = paper.issued("G30", OLD_MINISTRY)
    await bench.take(sent)
    async with office.database.transaction() as conn:
        first = await national.claim(conn, hold_seconds=60)
    assert first is not None
    assert first.organs == ("G30",)
    async with office.database.transaction() as conn:
        await conn.execute(text("UPDATE delivery SET channel_at = channel_at - interval '1 s' WHERE via = 'axis'"))
    under_way = replace(first, at=first.at - timedelta(seconds=1))
    await office.decide(MINISTRY, organ=OLD_MINISTRY)
    async with office.database.transaction() as conn:
        await national.keep_file(conn, under_way, "file-1")
        await national.postpone(conn, under_way, 60)
        assert await national.finish(conn, under_way, doc_id="doc-1", at=NOW) == ["G30"]
        second = await national.claim(conn, hold_seconds=60)
        assert second is not None
        assert (second.identity, second.organs, second.file) == ((sent.source, sent.id), (MINISTRY,), "")
        assert await national.finish(conn, second, doc_id="doc-2", at=NOW) == [MINISTRY]


async def test_a_late_part_for_who_is_named_in_the_file_goes_with_it(office: Office) -> None:
    bench, paper = office.bench, Paper()
    await bench.take(paper.issued(MINISTRY, OLD_MINISTRY))
    async with office.database.transaction() as conn:
        claim = await national.claim(conn, hold_seconds=60)
    await office.decide(MINISTRY, organ=OLD_MINISTRY)
    async with office.database.transaction() as conn:
        assert claim is not None
        assert await national.finish(conn, claim, doc_id="doc-1", at=NOW) == [MINISTRY]
    assert {row["state"] for row in await bench.rows("SELECT state FROM delivery")} == {"handed_over"}


async def test_a_party_that_closed_meanwhile_waits_but_nobody_names_it_anew(office: Office) -> None:
    bench, registries = office.bench, office.registries
    registries.put(CLOSED, valid_to=None, successors=[])
    await bench.take(submitted(deciding_organ=CLOSED))
    registries.put(CLOSED, valid_to=NOW.date(), successors=[NORTH, SOUTH])
    accepted = act("dossier.status-changed", 2, action="accept", status=2, epoch=1)
    await bench.take(accepted)
    assert (await office.told(accepted.id)) == [(CLOSED, "open", None)]
    other = submitted(code=f"{COMMUNE}-20240603-0000009", deciding_organ=CLOSED)
    await bench.take(other)
    [(_, kind, item)] = await bench.answers()
    assert (kind, item["code"], item["pointer"]) == ("receipt.refused", "recipient.undecided", "/deciding_organ")
    snapshot = {"dossier": orjson.loads(submitted().value), "history": []}
    offer = act("dossier.transferred", 3, offer=str(uuid4()), to=CLOSED, reason="chuyển", snapshot=snapshot, epoch=1)
    await bench.take(offer)
    [(_, kind, item)] = await bench.answers()
    assert (kind, item["code"]) == ("receipt.refused", "recipient.undecided")
    assert (await office.decide(NORTH, subject=CODE)).deliveries == 1
    hops = await bench.rows("SELECT recipients, hopsequence FROM hop ORDER BY id")
    assert [tuple(row.values()) for row in hops] == [(CLOSED, 1), (NORTH, 2)]


async def test_an_answer_to_a_sender_that_closed_waits_too(office: Office) -> None:
    bench, registries = office.bench, office.registries
    registries.put(COMMUNE, valid_to=None)
    paper = Paper()
    await bench.take(paper.issued(DEPARTMENT))
    registries.put(COMMUNE, valid_to=NOW.date(), successors=[NORTH, SOUTH])
    await bench.answers()
    payload = {"document": paper.reference(), "code": "03", "at": "2024-06-03T01:00:00Z"}
    attributes = {"sender": DEPARTMENT, "system": "sys-department", "sequence": 1, "version": 2}
    source = "urn:lienthong:h28:province"
    answer = paper.fact("document.status-changed", payload, COMMUNE, **attributes)
    answer = Envelope(**{**{name: getattr(answer, name) for name in Envelope.__slots__}, "source": source})
    await bench.take(answer, topic="ingest.province")
    assert await office.told(answer.id) == [(COMMUNE, "open", None)]
