"""Problem bodies: members, pointers, when to come again."""

import orjson
import pytest

from contracts.problems import PROBLEMS, HubError
from services.kernel.problem_details import (
    CODE_OF_STATUS,
    SCHEMA,
    Place,
    of_status,
    of_validation,
    pointer,
    problem_body,
    problem_response,
)

PLACE = Place("urn:x", "https://hub.example/problems")


def test_a_problem_has_the_members_of_rfc_9457_and_ours() -> None:
    response = problem_response(HubError("contract.invalid", "sai", pointer="/a"), PLACE)
    assert response.status_code == 422
    assert response.media_type == "application/problem+json"
    body = orjson.loads(response.body)
    problem = PROBLEMS["contract.invalid"]
    assert body == {
        "type": "https://hub.example/problems/contract.invalid",
        "title": problem.title,
        "status": 422,
        "detail": "sai",
        "instance": "urn:x",
        "code": "contract.invalid",
        "remedy": {"vi": problem.remedy_vi, "en": problem.remedy_en},
        "errors": [{"pointer": "/a"}],
    }


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_whoever_should_come_again_is_told_when(code: str) -> None:
    problem = PROBLEMS[code]
    told = "Retry-After" in problem_response(HubError(code), PLACE).headers
    assert told == (problem.status in (429, 503, 507) or (problem.status == 409 and problem.retryable))


def test_an_own_retry_after_is_kept() -> None:
    error = HubError("system.overloaded", headers={"Retry-After": "60"})
    assert problem_response(error, PLACE).headers["retry-after"] == "60"


def test_the_broken_contract_and_the_right_address_are_members() -> None:
    error = HubError("contract.invalid", contract="dossier.submitted/v1", url="https://office.example")
    body = problem_body(error, Place("urn:x"))
    assert body["contract"] == "dossier.submitted/v1"
    assert body["url"] == "https://office.example"
    assert body["type"] == "/problems/contract.invalid"
    assert set(body) <= set(SCHEMA["properties"])


def test_every_status_of_a_framework_has_a_code_of_its_status() -> None:
    for status in CODE_OF_STATUS:
        assert of_status(status).problem.status == status
    assert of_status(418).problem.status == 400
    assert of_status(502).problem.status == 500


def test_pointers_escape_what_json_pointers_escape() -> None:
    assert pointer(["a/b", "c~d", "0"]) == "/a~1b/c~0d/0"
    listed = of_validation([{"loc": ("body", "items", 3), "msg": "no", "input": "secret", "type": "x"}])
    assert listed == [{"pointer": "/items/3", "in": "body", "detail": "no"}]
    assert of_validation([{"loc": (), "msg": "no", "type": "x"}]) == [{"pointer": "", "in": "body", "detail": "no"}]
