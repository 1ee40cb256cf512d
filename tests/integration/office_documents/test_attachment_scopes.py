"""Attachments by what brought them: a system reaches those that came with dossiers or documents as its scopes say."""

from uuid import uuid4

import httpx
import pytest

from tests.integration.office.stage import COMMUNE_A, COMMUNE_B, Journey, Json, Stage, dossier, fresh_code, submitted
from tests.integration.office.stage import DEPARTMENT as SENDER
from tests.integration.office_documents.papers import arrive, await_document, document, put

DOSSIERS, DOCUMENTS = "dossier:write", "document:write"
UNKNOWN = "0" * 64


def limited(stage: Stage, scope: str, system: str = "a") -> dict[str, str]:
    return {"Authorization": f"Bearer {stage.token(system, scope=scope)}"}


async def fetch(stage: Stage, sha256: str, scope: str) -> httpx.Response:
    return await stage.call("GET", f"/v1/attachments/{sha256}", headers=limited(stage, scope))


async def name(stage: Stage, paper: Json, scope: str) -> httpx.Response:
    """Names it in a new dossier or document, as the scope is."""
    paper = {name: paper[name] for name in ("sha256", "name", "media_type")}
    if scope == DOSSIERS:
        path, body = "/v1/dossiers", dossier(attachments=[paper])
    else:
        path, body = "/v1/documents", document(to=[COMMUNE_B], attachments=[paper])
    return await stage.call("POST", path, json=body, headers=limited(stage, scope))


async def brought(stage: Stage, scope: str, content: bytes | None = None) -> Json:
    """A file that came for the organ with a dossier or with a document."""
    content = content or uuid4().bytes
    if scope == DOCUMENTS:
        journey, payload = await arrive(stage, COMMUNE_A, files=(content,))
        await await_document(stage, journey.subject)
        paper: Json = payload["document"]["attachments"][0]
        return paper
    paper = await put(stage, content)
    journey = Journey(stage, fresh_code(SENDER))
    payload = submitted(journey.subject, deciding_organ=COMMUNE_A, attachments=[paper])
    await stage.deliver(journey.envelope("dossier.submitted", payload))
    await stage.await_dossier(journey.subject)
    return paper


def told(answer: httpx.Response) -> tuple[int, Json]:
    body: Json = answer.json()
    return answer.status_code, {name: value for name, value in body.items() if name not in ("instance", "request_id")}


@pytest.mark.parametrize(("own", "other"), [(DOSSIERS, DOCUMENTS), (DOCUMENTS, DOSSIERS)])
async def test_what_came_with_one_kind_is_unknown_to_the_scopes_of_the_other(
    stage: Stage, own: str, other: str
) -> None:
    paper = await brought(stage, own)

    assert (await fetch(stage, paper["sha256"], own)).status_code == 200
    assert (await fetch(stage, paper["sha256"], f"{own} {other}")).status_code == 200
    assert told(await fetch(stage, paper["sha256"], other)) == told(await fetch(stage, UNKNOWN, other))
    refused = await name(stage, paper, other)
    assert (refused.status_code, refused.json()["code"]) == (422, "attachment.missing")
    assert told(refused) == told(await name(stage, {**paper, "sha256": UNKNOWN}, other))
    assert (await name(stage, paper, own)).status_code in (201, 202)
    assert (await fetch(stage, paper["sha256"], other)).status_code == 404


@pytest.mark.parametrize(("own", "other"), [(DOSSIERS, DOCUMENTS), (DOCUMENTS, DOSSIERS)])
async def test_what_the_organ_put_is_open_to_both(stage: Stage, own: str, other: str) -> None:
    content = uuid4().bytes
    paper = await stage.attach(content, "a" if own == DOSSIERS else "a-documents")

    for scope in (own, other):
        assert (await fetch(stage, paper["sha256"], scope)).content == content
        assert (await name(stage, paper, scope)).status_code in (201, 202)


async def test_an_act_names_only_what_its_system_may_use(stage: Stage) -> None:
    paper = await brought(stage, DOCUMENTS)
    named = {name: paper[name] for name in ("sha256", "name", "media_type")}
    code = (await stage.submit())["code"]
    body = {"action": "supplement", "attachments": [named]}
    path = f"/v1/dossiers/{code}/actions"
    await stage.act(code, "accept")
    await stage.act(code, "request_supplement", reason="Thiếu giấy tờ")

    refused = await stage.call("POST", path, json=body, headers=limited(stage, DOSSIERS))
    both = await stage.call("POST", path, json=body)

    assert (refused.status_code, refused.json()["code"]) == (422, "attachment.missing")
    assert both.status_code == 200, both.text
    assert (await fetch(stage, paper["sha256"], DOSSIERS)).status_code == 200


@pytest.mark.parametrize(("came", "named"), [(DOSSIERS, DOCUMENTS), (DOCUMENTS, DOSSIERS)])
async def test_whoever_reads_what_names_a_file_may_fetch_it(stage: Stage, came: str, named: str) -> None:
    """A system with both scopes took it over from one kind into the other."""
    paper = await brought(stage, came)
    given = {name: paper[name] for name in ("sha256", "name", "media_type")}

    if named == DOSSIERS:
        refused = await stage.call("POST", "/v1/dossiers", json=dossier(code=fresh_code(SENDER), attachments=[given]))
        assert (refused.status_code, refused.json()["code"]) == (422, "dossier.code_invalid")
        assert (await fetch(stage, paper["sha256"], named)).status_code == 404
        await stage.submit(attachments=[given])
    else:
        made = await stage.post("/v1/documents", document(to=[COMMUNE_B], attachments=[given]), expect=202)
        assert (await stage.call("GET", f"/v1/documents/{made['id']}", "a-documents")).status_code == 200

    assert (await fetch(stage, paper["sha256"], named)).status_code == 200


async def test_what_came_both_ways_is_open_to_both(stage: Stage) -> None:
    content = uuid4().bytes
    paper = await brought(stage, DOSSIERS, content)
    await brought(stage, DOCUMENTS, content)

    for scope in (DOSSIERS, DOCUMENTS):
        assert (await fetch(stage, paper["sha256"], scope)).content == content


async def test_putting_what_came_with_the_other_kind_tells_nothing(stage: Stage) -> None:
    content = uuid4().bytes
    paper = await brought(stage, DOSSIERS, content)
    path, headers = f"/v1/attachments/{paper['sha256']}", limited(stage, DOCUMENTS)

    answers = [await stage.call("PUT", path, content=content, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
