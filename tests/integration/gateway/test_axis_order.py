"""What one sender says about one document goes to the axis in the order of its numbers."""

from gateway.national import store
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
