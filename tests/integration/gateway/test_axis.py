"""What one sender says about one document goes to the axis in the order of its numbers; copies are known again."""

from typing import Any, cast

from contracts.envelope import Envelope
from gateway.national import store
from gateway.national.actions import Connector
from gateway.subjects import store as subjects
from tests.integration.gateway.conftest import Bench
from tests.integration.gateway.test_document_changes import Paper

CENTRAL = "G22"


async def claimed(bench: Bench) -> str | None:
    async with bench.database.transaction() as conn:
        claim = await store.claim(conn, hold_seconds=60)
        return claim and claim.identity[1]


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


async def knows(bench: Bench, envelope: Envelope) -> bool:
    absent = cast(Any, None)
    connector = Connector(
        database=bench.database,
        client=absent,
        vault=absent,
        desk=bench.desk,
        accept=absent,
        source="urn:lienthong:h28:gateway",
        organ="H28",
    )
    async with bench.database.transaction() as conn:
        work = bench.desk.begin(await subjects.lock(conn, (), existing=[envelope.subject]))
        return await connector._is_known(conn, work, envelope)
