"""The list of documents an organ holds."""

from datetime import timedelta
from typing import Any
from unicodedata import normalize
from uuid import uuid4

import pytest
from sqlalchemy import text

from contracts.envelope import rfc3339
from services.kernel.clock import SystemClock
from tests.integration.office.stage import COMMUNE_A, COMMUNE_B, DEPARTMENT, Json, Stage
from tests.integration.office_documents.papers import answer, arrive, await_document, issue, status_of


async def listed(stage: Stage, system: str = "a", **query: Any) -> list[Json]:
    found: list[Json] = (await stage.get("/v1/documents", system, **query))["items"]
    return found


async def test_newest_first_with_both_boxes(stage: Stage) -> None:
    sent = await issue(stage, to=[COMMUNE_B, DEPARTMENT], due_on="2024-07-01")
    journey, payload = await arrive(stage, COMMUNE_A)
    await await_document(stage, journey.subject)

    both = await listed(stage)
    received = await listed(stage, box="in")
    out = await listed(stage, box="out")

    assert [each["id"] for each in both[:2]] == [journey.subject, sent["id"]]
    assert (received[0]["id"], out[0]["id"]) == (journey.subject, sent["id"])
    assert {each["box"] for each in received} == {"in"}
    assert {each["box"] for each in out} == {"out"}
    assert out[0] | {"created_at": ""} == {
        "id": sent["id"],
        "document_id": sent["document_id"],
        "box": "out",
        "from": COMMUNE_A,
        "to": [COMMUNE_B, DEPARTMENT],
        "number": "12",
        "notation": "UBND-VP",
        "promulgated_on": "2024-06-03",
        "type": 18,
        "type_name": "Công văn",
        "subject": "Về việc kiểm tra thủ tục hành chính",
        "priority": 0,
        "due_on": "2024-07-01",
        "state": "current",
        "created_at": "",
        "href": f"/v1/documents/{sent['id']}",
        "statuses": [],
    }
    assert received[0]["from"] == payload["document"]["sender"]
    assert journey.subject not in [each["id"] for each in await listed(stage, "b")]


async def test_pages_are_stable_while_new_documents_come(stage: Stage) -> None:
    mine = [(await issue(stage, "c", to=[COMMUNE_A]))["id"] for _ in range(5)]
    async with stage.office.database.transaction() as conn:  # some of them at the same moment
        await conn.execute(
            text("UPDATE document SET created_at = date_trunc('day', created_at) WHERE id = ANY(:ids)"),
            {"ids": mine[1:4]},
        )

    seen: list[str] = []
    later: list[str] = []
    page = await stage.get("/v1/documents", "c", limit=2, box="out")
    while True:
        seen += [each["id"] for each in page["items"]]
        if "next_cursor" not in page:
            break
        later.append((await issue(stage, "c", to=[COMMUNE_A]))["id"])
        page = await stage.get("/v1/documents", "c", limit=2, box="out", cursor=page["next_cursor"])

    cursor = (await stage.get("/v1/documents", "c", limit=2, box="out"))["next_cursor"]
    for path, system, box in (
        ("/v1/documents", "c", {}),
        ("/v1/documents", "a", {"box": "out"}),
        ("/v1/dossiers", "c", {}),
    ):
        other = await stage.call("GET", path, system, params={**box, "cursor": cursor})
        assert (other.status_code, other.json()["code"]) == (400, "request.malformed")
    assert len(set(seen)) == len(seen)
    assert not set(later) & set(seen)
    found = [each for each in seen if each in mine]
    assert sorted(found) == sorted(mine)
    assert found[:2] == [mine[4], mine[0]]


async def test_filters(stage: Stage) -> None:
    first = await issue(stage)
    second = await issue(stage, document_id=first["document_id"] + "x")
    shown = await stage.get(f"/v1/documents/{second['id']}")

    by_name = await listed(stage, document_id=first["document_id"])
    since = await listed(stage, since=shown["created_at"])
    later = rfc3339(SystemClock().hub_now() + timedelta(days=1))

    assert [each["id"] for each in by_name] == [first["id"]]
    assert second["id"] in [each["id"] for each in since]
    assert first["id"] not in [each["id"] for each in since]
    assert await listed(stage, since=later) == []
    assert await listed(stage, document_id=str(uuid4())) == []


async def test_statuses_are_the_last_of_each_organ(stage: Stage) -> None:
    sent = await issue(stage, to=[COMMUNE_B, DEPARTMENT])
    fact = await stage.fact(sent["id"], 1)
    await stage.deliver(
        status_of(fact, "01", DEPARTMENT, number=1),
        status_of(fact, "03", DEPARTMENT, number=2),
        status_of(fact, "01", COMMUNE_B, number=3),
    )
    await await_document(stage, sent["id"], codes=["01", "03", "01"])
    journey, _ = await arrive(stage, COMMUNE_A)
    await await_document(stage, journey.subject)
    await answer(stage, journey.subject, "01", "a")
    await answer(stage, journey.subject, "03", "a")

    items = {each["id"]: each for each in await listed(stage)}

    assert [(each["organ"], each["code"]) for each in items[sent["id"]]["statuses"]] == [
        (DEPARTMENT, "03"),
        (COMMUNE_B, "01"),
    ]
    assert [(each["organ"], each["code"]) for each in items[journey.subject]["statuses"]] == [(COMMUNE_A, "03")]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("cursor=x", 400),
        ("cursor=%00", 400),
        ("box=both", 422),
        ("limit=0", 422),
        ("limit=501", 422),
        ("since=2024-06-03", 422),
        ("since=1717370000", 422),
        ("document_id=", 422),
    ],
)
async def test_odd_queries_are_refused(stage: Stage, query: str, status: int) -> None:
    refused = await stage.call("GET", f"/v1/documents?{query}")
    assert refused.status_code == status, refused.text


async def test_the_same_content_however_letters_are_composed(stage: Stage) -> None:
    composed = await issue(stage, subject="Về việc kiểm tra")
    again = await stage.post(
        "/v1/documents",
        {
            "document_id": composed["document_id"],
            "to": [COMMUNE_B],
            "number": "12",
            "notation": "UBND-VP",
            "promulgated_on": "2024-06-03",
            "type": 18,
            "type_name": "Công văn",
            "subject": normalize("NFD", "Về việc kiểm tra"),
        },
        expect=202,
    )
    assert again == composed
    assert (await stage.get(f"/v1/documents/{composed['id']}"))["subject"] == "Về việc kiểm tra"


async def test_a_hundred_thousand_documents_are_listed_by_the_index(stage: Stage) -> None:
    async with stage.office.database.transaction() as conn:
        await conn.execute(
            text("""
                INSERT INTO document (holder, id, document_id, sender, code, transfer, issued, digest, created_at)
                SELECT 'H99.1', 'd' || n, 'n' || n, CASE WHEN n % 2 = 1 THEN 'H99.1' ELSE 'H99.2' END, '', '', '', '',
                       now() + n * interval '1 second' FROM generate_series(1, 100000) AS n
            """)
        )
        await conn.execute(text("ANALYZE document"))
    plans = []
    for side in ("own", "NOT own"):
        plan = await stage.sql(
            f"EXPLAIN SELECT * FROM document WHERE holder = 'H99.1' AND {side} "
            "AND created_at >= now() AND (created_at, id) < (now() + interval '1 hour', 'd') "
            "ORDER BY created_at DESC, id DESC LIMIT 100"
        )
        plans.append("\n".join(row[0] for row in plan))
    async with stage.office.database.transaction() as conn:
        await conn.execute(text("DELETE FROM document WHERE holder = 'H99.1'"))
    assert all("document_listed" in plan for plan in plans), plans
    assert not any("Filter" in plan for plan in plans), plans
    assert not any("Seq Scan" in plan or "Sort" in plan for plan in plans), plans
