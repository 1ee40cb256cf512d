"""Who may call for whom, and what the API page says."""

import time
from typing import Any

from jsonschema_rs import Draft202012Validator

from tests.integration.office.stage import COMMUNE_A, COMMUNE_B, DISTRICT, Stage, dossier


async def code_of(stage: Stage, system: str, **headers: str) -> tuple[int, str]:
    answer = await stage.call("GET", "/v1/inbox", system, headers=headers)
    return answer.status_code, answer.json().get("code", "")


async def test_no_or_stale_token_is_refused(stage: Stage) -> None:
    missing = await stage.http.get("/v1/inbox")
    stale = stage.token("a", exp=int(time.time()) - 3600)
    expired = await stage.http.get("/v1/inbox", headers={"Authorization": f"Bearer {stale}"})

    assert (missing.status_code, missing.json()["code"]) == (401, "auth.missing")
    assert (expired.status_code, expired.json()["code"]) == (401, "auth.invalid")
    assert missing.headers["content-type"] == "application/problem+json"


async def test_system_with_several_organs_names_one(stage: Stage) -> None:
    assert await code_of(stage, "two") == (400, "organ.ambiguous")
    assert await code_of(stage, "two", **{"X-Organ": COMMUNE_B}) == (200, "")
    assert await code_of(stage, "two", **{"X-Organ": "h28.21.01"}) == (200, "")
    assert await code_of(stage, "two", **{"X-Organ": "000.03.21.H28"}) == (403, "organ.forbidden")
    assert await code_of(stage, "a", **{"X-Organ": COMMUNE_B}) == (403, "organ.forbidden")


async def test_alias_names_the_same_organ_and_rows_keep_its_own_code(stage: Stage) -> None:
    answer = await stage.call("POST", "/v1/dossiers", "two", json=dossier(), headers={"X-Organ": "h28.21.01"})

    assert answer.json()["custodian"] == COMMUNE_A


async def test_organ_of_another_level_is_told_where_to_go(stage: Stage) -> None:
    answer = await stage.call("GET", "/v1/inbox", "district")

    assert (answer.status_code, answer.json()["code"]) == (403, "organ.wrong_office")
    assert stage.settings.office_urls["district"] in answer.json()["detail"]
    assert DISTRICT in answer.json()["detail"]


async def test_reading_scope_does_not_write(stage: Stage) -> None:
    answer = await stage.call("POST", "/v1/dossiers", "reader", json=dossier())

    assert (answer.status_code, answer.json()["code"]) == (403, "auth.scope")


async def test_every_operation_is_described_with_working_examples(stage: Stage) -> None:
    page = (await stage.http.get("/openapi.json")).json()
    operations = [
        (f"{method} {path}", operation)
        for path, item in page["paths"].items()
        for method, operation in item.items()
        if path.startswith("/v1/")
    ]

    assert {"post /v1/dossiers", "get /v1/inbox", "get /v1/transfers/{id}"} <= {name for name, _ in operations}
    for name, operation in operations:
        assert operation["summary"], name
        assert "\n\n" in operation["description"], f"{name}: a line in Vietnamese is missing"
        assert "application/problem+json" in operation["responses"]["401"]["content"], name
        for schema, example in _examples(page, operation):
            assert Draft202012Validator(schema).is_valid(example), f"{name}: {example}"
    post = page["paths"]["/v1/dossiers"]["post"]
    (example,) = [example for _, example in _examples(page, post)]
    assert (await stage.call("POST", "/v1/dossiers", json=example)).status_code == 201


def _examples(page: dict[str, Any], operation: dict[str, Any]) -> list[tuple[dict[str, Any], Any]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    given = [each["value"] for each in content.get("examples", {}).values()] + content.get("schema", {}).get(
        "examples", []
    )
    schema = {**content.get("schema", {}), "components": page.get("components", {})}
    return [(schema, each) for each in given]
