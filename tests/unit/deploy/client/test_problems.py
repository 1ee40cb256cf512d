"""What a refusal becomes: the class by status, the members by name, a sentence in both languages."""

from __future__ import annotations

import httpx
import pytest

from contracts.problems import PROBLEMS
from deploy.client.problems import (
    Conflict,
    Denied,
    HubProblem,
    Invalid,
    NotFound,
    QuotaExceeded,
    Unavailable,
    problem_from,
    problem_of,
)
from tests.unit.deploy.client.hubs import OFFICE, refusal


def of(answer: httpx.Response) -> HubProblem:
    answer.request = httpx.Request("POST", f"{OFFICE}/v1/dossiers")
    return problem_of(answer)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid), (401, Denied), (403, Denied), (404, NotFound), (405, Invalid), (409, Conflict), (410, NotFound),
        (412, Conflict), (413, Invalid), (415, Invalid), (422, Invalid), (429, QuotaExceeded), (431, Invalid),
        (500, Unavailable), (503, Unavailable), (507, Unavailable),
    ],
)  # fmt: skip
def test_kind_by_status(status: int, kind: type[HubProblem]) -> None:
    assert type(problem_from(status, {})) is kind


def test_every_code_of_the_hub_has_a_kind_of_its_own_status() -> None:
    for problem in PROBLEMS.values():
        found = problem_from(problem.status, {"code": problem.code, "remedy": problem.remedy})
        assert type(found) is not HubProblem
        assert (found.remedy.vi, found.remedy.en) == (problem.remedy_vi, problem.remedy_en)


def test_members_and_sentence() -> None:
    problem = of(
        refusal(
            422,
            "contract.invalid",
            contract="dossier.submitted/v1",
            errors=[{"pointer": "/channel", "in": "body", "detail": "1, 2 or 3"}, {"pointer": "/applicant"}],
            url="http://other.test",
        )
    )
    assert (problem.status, problem.code, problem.contract) == (422, "contract.invalid", "dossier.submitted/v1")
    assert (problem.pointer, problem.pointers) == ("/channel", ["/channel", "/applicant"])
    assert problem.type == f"{OFFICE}/problems/contract.invalid", "the page is found from where the answer came"
    assert problem.instance == "urn:lienthong:request:1"
    assert str(problem) == (
        "422 contract.invalid: A detail; /channel: 1, 2 or 3; /applicant; → http://other.test."
        " Sửa rồi gửi lại. · Correct and send again."
    )


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<html>\n Bad   gateway</html>"),
        httpx.Response(502, json=["no", "object"]),
        httpx.Response(502, json={"code": 7, "errors": "none", "remedy": None, "title": None}),
        httpx.Response(502, content=b"\xff\xfe"),
    ],
)
def test_what_is_no_problem_is_told_all_the_same(answer: httpx.Response) -> None:
    problem = of(answer)
    assert (type(problem), problem.code, problem.pointers) == (Unavailable, "", [])
    assert str(problem).startswith("502: ")


def test_text_of_a_proxy_is_shown_in_one_line() -> None:
    assert str(of(httpx.Response(502, text="<html>\n Bad   gateway</html>"))) == "502: <html> Bad gateway</html>"
    assert str(of(httpx.Response(502))) == "502: Bad Gateway"
