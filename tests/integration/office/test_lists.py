"""Lists of dossiers: what is shown, what filters find, and pages that hold while others write."""

import asyncio
from collections.abc import Sequence

from tests.integration.office.stage import (
    COMMUNE_D,
    DEPARTMENT,
    Journey,
    Json,
    Stage,
    dossier,
    fresh_code,
    moment,
    stamp,
    submitted,
)

OTHER_PROCEDURE = "2.000123"


async def submit_all(stage: Stage, bodies: Sequence[Json]) -> list[str]:
    """Codes of dossiers submitted by commune D one after the other."""
    return [(await stage.submit("d", **body))["code"] for body in bodies]


async def walk(stage: Stage, **params: object) -> list[Json]:
    """Every item of every page."""
    items: list[Json] = []
    cursor: str | None = None
    while True:
        page = await stage.get("/v1/dossiers", "d", **params, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return items


async def found(stage: Stage, among: Sequence[str], **params: object) -> set[str]:
    return {item["code"] for item in await walk(stage, **params)} & set(among)


async def test_newest_comes_first_and_nothing_of_the_applicant(stage: Stage) -> None:
    due = moment(3600)
    codes = await submit_all(stage, [{"summary": "một"}, {"summary": "hai", "due_at": due}])

    page = await stage.get("/v1/dossiers", "d", limit=2)

    assert [item["code"] for item in page["items"]] == codes[::-1]
    newest = page["items"][0]
    assert (newest["summary"], newest["status"], newest["custody"]) == ("hai", 1, "held")
    assert (newest["href"], newest["version"], newest["epoch"]) == (f"/v1/dossiers/{codes[1]}", 0, 1)
    assert newest["due_at"].endswith("+07:00")
    assert "applicant" not in newest
    assert "refused" not in newest
    assert (await stage.get(newest["href"], "d"))["code"] == codes[1]


async def test_pages_neither_repeat_nor_leave_out_while_others_post(stage: Stage) -> None:
    codes = await submit_all(stage, [{} for _ in range(7)])

    first = await stage.get("/v1/dossiers", "d", limit=3)
    later = await submit_all(stage, [{} for _ in range(3)])
    seen = [item["code"] for item in first["items"]]
    cursor = first["next_cursor"]
    while cursor and len(seen) < 200:
        page = await stage.get("/v1/dossiers", "d", limit=3, cursor=cursor)
        seen += [item["code"] for item in page["items"]]
        cursor = page.get("next_cursor")

    assert seen[:7] == codes[::-1]
    assert len(set(seen)) == len(seen)
    assert not set(later) & set(seen)


async def test_only_what_the_organ_holds(stage: Stage) -> None:
    foreign = (await stage.submit("b"))["code"]

    assert foreign not in {item["code"] for item in await walk(stage)}


async def test_filters_by_status_as_it_is_shown(stage: Stage) -> None:
    waiting, accepted, assigned = codes = await submit_all(stage, [{}, {}, {}])
    await stage.act(accepted, "accept", "d")
    await stage.act(assigned, "accept", "d")
    await stage.act(assigned, "assign", "d")

    assert await found(stage, codes, status="1") == {waiting}
    assert await found(stage, codes, status="2") == {accepted}
    assert await found(stage, codes, status="4") == {assigned}
    assert await found(stage, codes, status="2,4") == {accepted, assigned}
    assert await found(stage, codes, status=["1", "4"]) == {waiting, assigned}
    assert await found(stage, codes, status="10") == set()
    listed = {item["code"]: item["status"] for item in await walk(stage, limit=500)}
    assert [listed[code] for code in codes] == [1, 2, 4]


async def test_act_that_the_stamp_made_impossible_is_not_counted(stage: Stage) -> None:
    code = fresh_code(DEPARTMENT)
    journey = Journey(stage, code, (COMMUNE_D,))
    await stage.deliver(
        journey.envelope("dossier.submitted", submitted(code), stamp=stamp(custodian=COMMUNE_D, version=1))
    )
    await stage.await_dossier(code, "d", version=1)
    await stage.act(code, "accept", "d")
    assert await found(stage, [code], status="2") == {code}

    withdrawn = stamp(status=7, custodian="", version=2)
    payload = {"code": code, "at": moment()}
    await stage.deliver(journey.envelope("dossier.withdrawn", payload, stamp=withdrawn))
    await stage.await_dossier(code, "d", version=2)

    assert (await stage.get(f"/v1/dossiers/{code}", "d"))["status"] == 7
    assert await found(stage, [code], status="7") == {code}
    assert await found(stage, [code], status="2") == set()


async def test_filters_by_procedure_and_by_date(stage: Stage) -> None:
    bodies = [
        {"procedure": OTHER_PROCEDURE},
        {"due_at": moment(-3600)},
        {"due_at": moment(3600)},
        {"due_at": moment(-3600)},
    ]
    other, late, early, ended = codes = await submit_all(stage, bodies)
    await stage.act(ended, "refuse", "d", reason="Không thuộc thẩm quyền")

    assert await found(stage, codes, procedure=OTHER_PROCEDURE) == {other}
    assert await found(stage, codes, due_before=moment(60)) == {late, ended}
    assert await found(stage, codes, due_before=moment(7200)) == {late, early, ended}
    assert await found(stage, codes, overdue="true") == {late}
    assert await found(stage, codes, overdue="false") == {other, early, ended}
    assert await found(stage, codes, overdue="true", status="3") == set()
    assert await found(stage, codes, overdue="false", status="3") == {ended}


async def test_pages_of_a_filter_are_full(stage: Stage) -> None:
    codes = await submit_all(stage, [{"procedure": "3.000001"} for _ in range(6)])
    await asyncio.gather(*(stage.act(code, "accept", "d") for code in codes[::2]))

    params = {"procedure": "3.000001", "status": "1", "limit": 2}
    first = await stage.get("/v1/dossiers", "d", **params)
    second = await stage.get("/v1/dossiers", "d", **params, cursor=first["next_cursor"])

    assert [item["code"] for item in first["items"]] == [codes[5], codes[3]]
    assert [item["code"] for item in second["items"]] == [codes[1]]
    assert "next_cursor" not in second


async def test_refused_submission_is_listed_as_it_is_shown(stage: Stage) -> None:
    code = (await stage.submit("d", due_at=moment(-60)))["code"]
    await stage.refuse(await stage.fact(code, 1), "recipient.suspended")
    shown = await stage.await_dossier(code, "d", custodian=None)

    listed = next(item for item in await walk(stage) if item["code"] == code)

    assert shown["refused"] is listed["refused"] is True
    assert (listed["status"], listed["custodian"], listed["custody"]) == (1, None, "none")
    assert await found(stage, [code], overdue="true") == set()


async def test_a_cursor_belongs_to_its_list_and_filters(stage: Stage) -> None:
    for _ in range(2):
        await stage.submit("d", procedure="5.000001")
    asked = {"procedure": "5.000001", "status": ["1", "2"]}
    cursor = (await stage.get("/v1/dossiers", "d", **asked, limit=1))["next_cursor"]

    same = await stage.call("GET", "/v1/dossiers", "d", params={**asked, "status": "2,1", "limit": 7, "cursor": cursor})
    assert len(same.json()["items"]) == 1
    for path, system, params in (
        ("/v1/dossiers", "d", {}),
        ("/v1/dossiers", "d", asked | {"status": "1"}),
        ("/v1/dossiers", "d", asked | {"overdue": "false"}),
        ("/v1/dossiers", "d", asked | {"due_before": "2024-07-01T00:00:00Z"}),
        ("/v1/dossiers", "a", asked),
        ("/v1/documents", "d", {}),
        ("/v1/accesses", "admin", {}),
    ):
        answer = await stage.call("GET", path, system, params={**params, "cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "request.malformed"), (path, params)


async def test_nonsense_is_refused(stage: Stage) -> None:
    async def status(**params: object) -> int:
        answer = await stage.call("GET", "/v1/dossiers", "d", params=params)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code

    for value in ("0", "11", "1,", "mở", "", "1;2", "-1"):
        assert await status(status=value) == 422
    for value in ("x", "1.00161", "1.001612\0"):
        assert await status(procedure=value) in (400, 422)
    for value in ("yesterday", "2024-13-01T00:00:00Z", "2024-06-03"):
        assert await status(due_before=value) == 422
    for value in ("maybe", "1", ""):
        assert await status(overdue=value) == 422
    for value in ("", "x", "!!", "MTo", "MQ", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk6YQ", "é"):
        assert await status(cursor=value) == 400
    for value in ("0", "501", "x", "1.5"):
        assert await status(limit=value) == 422


async def test_listing_needs_the_scope(stage: Stage) -> None:
    answer = await stage.call("GET", "/v1/dossiers", "a-documents")

    assert (answer.status_code, answer.json()["code"]) == (403, "auth.scope")
    assert dossier()["summary"] not in answer.text
