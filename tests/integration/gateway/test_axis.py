"""What one sender says about one document goes to the axis in the order of its numbers; copies are known again."""

from typing import Any, cast

from contracts.envelope import Envelope
from gateway.national import store
from gateway.national.actions import Connector
from gateway.subjects import store as subjects
from tests.integration.gateway.conftest import Bench
from tests.integration.gateway.test_document_changes import Paper

CENTRAL, OTHER_CENTRAL, THIRD_CENTRAL = "G22", "G23", "G24"


async def claimed(bench: Bench) -> str | None:
    async with bench.database.transaction() as conn:
        claim = await store.claim(conn, hold_seconds=60)
        return claim.identity[1] if claim else None


async def test_facts_decided_together_go_one_after_the_other(bench: Bench) -> None:
    """They have one time, so time does not tell them apart; twenty documents, so that luck does not either."""
    papers = [Paper() for _ in range(20)]
    pairs = [(paper.issued(CENTRAL), paper.updated(CENTRAL)) for paper in papers]
    await bench.take(*(first for first, _ in pairs), *(second for _, second in pairs))

    await bench.execute("UPDATE delivery SET opened_at = (SELECT min(opened_at) FROM delivery)")
    went = [await claimed(bench) for _ in pairs]
    assert sorted(went, key=str) == sorted(first.id for first, _ in pairs)
    assert await claimed(bench) is None, "the second ones wait for the first"

    await bench.execute(
        "UPDATE delivery d SET state = 'handed_over' FROM transfer t"
        " WHERE t.source = d.source AND t.id = d.transfer_id AND t.sequence = 1"
    )
    assert sorted([await claimed(bench) for _ in pairs], key=str) == sorted(second.id for _, second in pairs)


async def test_a_copy_of_a_document_is_known_after_its_content_is_gone(bench: Bench) -> None:
    """By what the document is called: its content is kept for a while only, and a copy may come at any time."""
    paper = Paper()
    first = paper.issued(CENTRAL)
    paper.sequence = 0
    other = paper.fact("document.issued", {"document": paper.document(CENTRAL, number="7")}, CENTRAL)
    await bench.take(first)
    assert await knows(bench, first)
    assert not await knows(bench, other)
    await bench.execute("DELETE FROM payload")
    assert await knows(bench, first)
    assert not await knows(bench, other)


def connecting(bench: Bench) -> Connector:
    absent = cast(Any, None)
    return Connector(
        database=bench.database,
        client=absent,
        vault=absent,
        desk=bench.desk,
        accept=absent,
        source="urn:lienthong:h28:gateway",
        organ="H28",
    )


async def knows(bench: Bench, envelope: Envelope) -> bool:
    connector = connecting(bench)
    async with bench.database.transaction() as conn:
        work = bench.desk.begin(await subjects.lock(conn, (), existing=[envelope.subject]))
        return await connector._is_known(conn, work, envelope)


async def finish(bench: Bench, claim: store.Claim, *, code: str = "", doc_id: str = "") -> None:
    """As the connector records what the axis answered."""
    await connecting(bench)._record(claim, code=code, doc_id=doc_id)


async def test_what_the_axis_did_outranks_a_close_while_it_was_being_sent(bench: Bench) -> None:
    """As an office's receipt does: the sender learns the truth, and what the axis says of the file later finds it."""
    await bench.take(Paper().issued(CENTRAL))
    await bench.execute(
        "INSERT INTO delivery SELECT (jsonb_populate_record(d, jsonb_build_object('id', n.organ, 'organ', n.organ))).*"
        f" FROM delivery d CROSS JOIN (VALUES ('{OTHER_CENTRAL}'), ('{THIRD_CENTRAL}')) AS n(organ)"
    )
    await close(bench, THIRD_CENTRAL)
    await bench.answers()
    async with bench.database.transaction() as conn:
        claim = await store.claim(conn, hold_seconds=60)
    assert claim is not None
    assert claim.organs == (CENTRAL, OTHER_CENTRAL)
    await close(bench, CENTRAL)
    [(_, _, told)] = await bench.answers()
    assert [each["state"] for each in told["deliveries"]] == ["closed"]

    await finish(bench, claim, doc_id="D1")

    rows = await bench.rows("SELECT organ, state, code, channel_id FROM delivery ORDER BY organ")
    assert [(row["organ"], row["state"], row["code"], row["channel_id"]) for row in rows] == [
        (CENTRAL, "handed_over", "", "D1"),
        (OTHER_CENTRAL, "handed_over", "", "D1"),
        (THIRD_CENTRAL, "closed", "delivery.closed", ""),
    ], "what was closed before was not sent"
    told_of = [each for _, _, item in await bench.answers() for each in item["deliveries"]]
    assert sorted((each["organ"], each["state"]) for each in told_of) == [
        (CENTRAL, "handed_over"),
        (OTHER_CENTRAL, "handed_over"),
    ]


async def test_a_refusal_by_the_axis_outranks_a_close_too(bench: Bench) -> None:
    await bench.take(Paper().issued(CENTRAL))
    async with bench.database.transaction() as conn:
        claim = await store.claim(conn, hold_seconds=60)
    assert claim is not None
    await close(bench, CENTRAL)

    await finish(bench, claim, code="axis.refused")

    [row] = await bench.rows("SELECT state, code FROM delivery")
    assert (row["state"], row["code"]) == ("refused", "axis.refused")
    assert (await bench.rows("SELECT state FROM transfer"))[0]["state"] == "refused"


async def close(bench: Bench, organ: str) -> None:
    [row] = await bench.rows(f"SELECT id FROM delivery WHERE organ = '{organ}'")
    assert await bench.close(row["id"])
