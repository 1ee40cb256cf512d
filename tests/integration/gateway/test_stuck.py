"""What offices say of hops they cannot apply, and the operators' list of deliveries that do not come to an end."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.integration.gateway.conftest import COMMUNE, DEPARTMENT, Bench
from tests.integration.gateway.operators import SINCE, Operators, opened, told_stuck, two_to_the_department
from tests.integration.gateway.test_ingest import CODE, act, receipt, submitted

LATER = "2024-06-03T02:00:00Z"


@pytest.fixture
async def operators(bench: Bench) -> AsyncIterator[Operators]:
    async with opened(bench) as operators:
        yield operators


async def test_a_stuck_hop_is_listed_with_its_reason_until_it_is_receipted(bench: Bench, operators: Operators) -> None:
    first, second = await two_to_the_department(bench, act)
    await bench.take(told_stuck(1, attempts=3), topic="ingest.province")

    [item] = await operators.listed("/v1/stuck", kind="stuck")

    assert (item["kind"], item["transfer"], item["reason"], item["attempts"]) == (
        "stuck",
        first.id,
        "attachment.unavailable",
        3,
    )
    assert (item["subject"], item["sender"], item["organ"], item["office"]) == (CODE, COMMUNE, DEPARTMENT, "province")
    assert (item["stuck_since"], item["href"]) == ("2024-06-03T08:00:05.000+07:00", f"/v1/transfers/{first.id}")
    assert item["type"] == "vn.lienthong.dossier.submitted"
    both = {each["transfer"]: each for each in await operators.listed("/v1/stuck", older_than=0)}
    assert {transfer: each["kind"] for transfer, each in both.items()} == {first.id: "stuck", second.id: "waiting"}
    assert both[second.id]["reason"] == "behind"
    await bench.take(receipt(first.source, first.id, DEPARTMENT, "handed_over"), topic="ingest.province")
    [left] = await operators.listed("/v1/stuck", older_than=0)
    assert (left["transfer"], left["kind"], left["reason"]) == (second.id, "waiting", "no_receipt")


async def test_word_comes_late_twice_and_out_of_order(bench: Bench, operators: Operators) -> None:
    first, _ = await two_to_the_department(bench, act)
    words = [
        told_stuck(1, attempts=4, reason="system.failed"),
        told_stuck(1, attempts=2),
        told_stuck(1, attempts=1, since=LATER, reason="contract.unknown"),
    ]
    for word in (words[0], words[1], words[0]):
        await bench.take(word, topic="ingest.province")
        [item] = await operators.listed("/v1/stuck", kind="stuck")
        assert (item["attempts"], item["reason"]) == (4, "system.failed")
    await bench.take(words[2], words[1], topic="ingest.province")
    [item] = await operators.listed("/v1/stuck", kind="stuck")
    assert (item["attempts"], item["reason"]) == (1, "contract.unknown"), "a restored office counts anew"
    await bench.take(receipt(first.source, first.id, DEPARTMENT, "handed_over"), topic="ingest.province")
    await bench.take(words[2], topic="ingest.province")
    assert await operators.listed("/v1/stuck", kind="stuck") == []


async def test_word_about_no_hop_of_that_level_is_buried_and_the_rest_is_taken(
    bench: Bench, operators: Operators
) -> None:
    await two_to_the_department(bench, act)
    await bench.take(told_stuck(1, 7), topic="ingest.province")
    await bench.take(told_stuck(1, level="district"), topic="ingest.district")
    await bench.take(told_stuck(1, level="district"), topic="ingest.province")
    strange = told_stuck(1)
    await bench.take(
        replace(strange, value=strange.value.replace(SINCE.encode(), b"yesterday")), topic="ingest.province"
    )
    found = await bench.rows("SELECT verdict FROM dead_letter ORDER BY id")
    codes = ["delivery.misaddressed", "delivery.misaddressed", "level.mismatch", "contract.invalid"]
    assert [code for code, row in zip(codes, found, strict=True) if code in row["verdict"]] == codes
    assert len(await operators.listed("/v1/stuck", kind="stuck")) == 1


async def test_the_list_tells_what_a_waiting_delivery_waits_for(bench: Bench, operators: Operators) -> None:
    await bench.take(submitted(deciding_organ=DEPARTMENT))

    async def reason() -> str:
        [item] = await operators.listed("/v1/stuck", older_than=0)
        return str(item["reason"])

    assert await operators.listed("/v1/stuck") == [], "younger than ten minutes"
    assert await reason() == "not_sent"
    await operators.numbers()
    assert await reason() == "no_receipt"
    await bench.execute("UPDATE hop SET due_at = now() - interval '1 min'")
    assert await reason() == "not_read"
    await bench.expire()
    [item] = await operators.listed("/v1/stuck")
    assert (item["kind"], item["attempts"]) == ("expired", 1)


async def test_pages_are_oldest_first_without_gap_or_repeat_and_filters_fit(bench: Bench, operators: Operators) -> None:
    codes = [f"{COMMUNE}-20240603-{nth:07}" for nth in range(1, 8)]
    for code in codes:
        await bench.take(submitted(code=code, deciding_organ=DEPARTMENT))
    items = await operators.listed("/v1/stuck", older_than=0, limit=2)
    assert [item["subject"] for item in items] == codes
    assert [item["since"] for item in items] == sorted(item["since"] for item in items)
    for query, count in (
        ({"organ": DEPARTMENT.lower()}, 7),
        ({"organ": COMMUNE}, 0),
        ({"office": "province"}, 7),
        ({"office": "commune"}, 0),
        ({"subject": codes[3]}, 1),
        ({"kind": "waiting"}, 7),
        ({"kind": "undecided"}, 0),
    ):
        assert len(await operators.listed("/v1/stuck", older_than=0, **query)) == count, query
    page = (await operators.http.get("/v1/stuck", params={"older_than": 0, "limit": 2})).json()
    for other in ({"office": "province"}, {"kind": "waiting"}, {"older_than": 1}):
        asked = {"older_than": 0, "cursor": page["next_cursor"]} | other
        refused = await operators.http.get("/v1/stuck", params=asked)
        assert (refused.status_code, refused.json()["code"]) == (400, "request.malformed")
    for nonsense in ("kind=lost", "office=central", "older_than=-1", "limit=0"):
        assert (await operators.http.get(f"/v1/stuck?{nonsense}")).status_code == 422, nonsense
