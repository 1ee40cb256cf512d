"""Who read what: recorded with the read, for good, and shown to administrators."""

import pytest
from sqlalchemy import text

from services.kernel.connection import DatabaseError
from tests.integration.office.stage import COMMUNE_A, COMMUNE_B, Json, Stage, fresh_code, moment


async def accesses(stage: Stage, **params: object) -> list[Json]:
    page = await stage.get("/v1/accesses", "admin", **params)
    items: list[Json] = page["items"]
    return items


async def test_reads_are_recorded_with_caller_and_request(stage: Stage) -> None:
    paper = await stage.attach(fresh_code().encode())
    code = (await stage.submit(attachments=[paper]))["code"]
    assert await accesses(stage, subject=code) == []

    first = await stage.call("GET", f"/v1/dossiers/{code}")
    second = await stage.call("GET", f"/v1/dossiers/{code}", "reader")
    third = await stage.call("GET", f"/v1/attachments/{paper['sha256']}", headers={"Range": "bytes=0-1"})

    assert third.status_code == 206
    told = await accesses(stage, subject=code)
    assert [(item["client_id"], item["organ"], item["action"], item["subject"]) for item in told] == [
        ("reader", COMMUNE_A, "dossier.read", code),
        ("a", COMMUNE_A, "dossier.read", code),
    ]
    assert [item["request_id"] for item in told] == [each.headers["x-request-id"] for each in (second, first)]
    assert told[0]["at"].endswith("+07:00")
    assert [item["action"] for item in await accesses(stage, subject=paper["sha256"])] == ["attachment.read"]


async def test_lists_are_recorded_with_the_question(stage: Stage) -> None:
    procedure = "4.000001"

    await stage.get("/v1/dossiers", "b", status=["4", "2"], procedure=procedure, overdue="true")

    newest = (await accesses(stage, client_id="b", limit=1))[0]
    assert (newest["action"], newest["organ"]) == ("dossier.listed", COMMUNE_B)
    assert newest["subject"] == f"status=2,4&procedure={procedure}&overdue=true"


async def test_what_was_not_shown_is_not_recorded(stage: Stage) -> None:
    code = (await stage.submit())["code"]

    assert (await stage.call("GET", f"/v1/dossiers/{code}", "b")).status_code == 404
    assert (await stage.call("GET", f"/v1/dossiers/{code}", "a-documents")).status_code == 403

    assert await accesses(stage, subject=code) == []


async def test_pages_filters_and_their_order(stage: Stage) -> None:
    code = (await stage.submit("b"))["code"]
    began = moment()
    for _ in range(5):
        await stage.get(f"/v1/dossiers/{code}", "b")

    first = await stage.get("/v1/accesses", "admin", subject=code, limit=2)
    second = await stage.get("/v1/accesses", "admin", subject=code, limit=2, cursor=first["next_cursor"])
    third = await stage.get("/v1/accesses", "admin", subject=code, limit=2, cursor=second["next_cursor"])

    assert [len(page["items"]) for page in (first, second, third)] == [2, 2, 1]
    assert "next_cursor" not in third
    ids = [item["request_id"] for page in (first, second, third) for item in page["items"]]
    assert len(set(ids)) == 5
    times = [item["at"] for page in (first, second, third) for item in page["items"]]
    assert times == sorted(times, reverse=True)
    assert len(await accesses(stage, subject=code, since=began)) == 5
    assert await accesses(stage, subject=code, since=moment(60)) == []
    assert len(await accesses(stage, subject=code, organ=COMMUNE_B)) == 5
    assert await accesses(stage, subject=code, organ=COMMUNE_A) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE access SET organ = ''",
        "DELETE FROM access",
        "TRUNCATE access",
        "UPDATE access SET organ = '' WHERE false",
    ],
)
async def test_record_is_never_changed(stage: Stage, change: str) -> None:
    await stage.get("/v1/dossiers", "b")

    with pytest.raises(DatabaseError, match="never changed"):
        async with stage.office.database.transaction() as conn:
            await conn.execute(text(change))


async def test_only_administrators_see_it(stage: Stage) -> None:
    answer = await stage.call("GET", "/v1/accesses")
    missing = await stage.http.get("/v1/accesses")

    assert (answer.status_code, answer.json()["code"]) == (403, "auth.scope")
    assert missing.status_code == 401


async def test_nonsense_is_refused(stage: Stage) -> None:
    async def status(**params: object) -> int:
        return (await stage.call("GET", "/v1/accesses", "admin", params=params)).status_code

    assert await status(cursor="x") == 400
    assert await status(cursor="MTph") == 400  # a key that is no position
    assert await status(since="yesterday") == 422
    assert await status(limit="0") == 422
    assert await status(subject="x" * 201) == 422
    assert await status(organ="\0") in (400, 422)
