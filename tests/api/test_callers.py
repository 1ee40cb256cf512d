"""Every operation of both documents × every kind of caller: refused by the right name, or let through."""

from __future__ import annotations

import pytest

from contracts.problems import PROBLEMS
from tests.api import callers
from tests.api.asking import Answer
from tests.api.callers import OF_CALLERS, Kind
from tests.api.document import Operation, document, label, operations
from tests.api.houses import Desk

OPEN = {"issueToken", "listPublicKeys"}
"""Operations that ask for no token; any other that does not is a hole."""


@pytest.mark.parametrize("name", ["office", "gateway"])
def test_the_documents_tell_all_operations_that_are_served(desks: dict[str, Desk], name: str) -> None:
    app = desks[name].house.app
    served = {(path, method) for path, item in app.openapi()["paths"].items() for method in item}
    told = {(each.path, each.method.lower()) for each in document(name).operations}
    assert told == served, "run make contracts"


def test_only_the_token_and_the_keys_are_open() -> None:
    assert {each.id for _, each in operations() if each.kind == "open"} == OPEN


@pytest.mark.parametrize(("name", "operation"), operations(), ids=label)
async def test_each_caller_is_answered_as_its_kind(desks: dict[str, Desk], name: str, operation: Operation) -> None:
    desk = desks[name]
    wrong = []
    for kind in callers.kinds(desk.house):
        answer = await _call(desk, operation, kind)
        complaint = _complaint(operation, kind, answer)
        if complaint:
            wrong.append(f"{operation.name} × {kind.name}: {complaint}")
    assert not wrong, "\n".join(wrong)


async def _call(desk: Desk, operation: Operation, kind: Kind) -> Answer:
    asked = desk.asked(operation, authorization=None)
    if operation.kind != "open":
        authorization = kind.authorization(desk, operation)
        asked = asked.with_headers(authorization=authorization)
    if kind.organ is not None:
        asked = asked.with_headers(x_organ=kind.organ)
    return await desk.ask(asked)


def _complaint(operation: Operation, kind: Kind, answer: Answer) -> str:
    expected = kind.expected(operation)
    if not operation.documents(answer.status):
        return f"{answer.status} is not documented"
    if expected is None:
        return _let_through(operation, kind, answer)
    status, code = expected
    if (answer.status, answer.code) != expected:
        return f"{answer.status} {answer.code or answer.body[:200]!r} instead of {expected}"
    problem = answer.json()
    if problem["status"] != status or problem["remedy"] != PROBLEMS[code].remedy:
        return f"the problem says something else: {problem}"
    challenge = answer.headers.get("www-authenticate", "")
    error = {"auth.missing": "Bearer ", "auth.invalid": 'error="invalid_token"', "auth.scope": "insufficient_scope"}
    if error.get(code, "") not in challenge or (code in error) != bool(challenge):
        return f"WWW-Authenticate: {challenge!r}"
    if code == "organ.wrong_office" and not problem.get("url", "").startswith("http"):
        return "it does not say which office"
    return ""


def _let_through(operation: Operation, kind: Kind, answer: Answer) -> str:
    if answer.status >= 500 or answer.code in OF_CALLERS:
        return f"{answer.status} {answer.code}"
    # another's organ holds none of the things; everything else that is read is there
    if operation.reads and kind.organ is None and answer.status != 200:
        return f"{answer.status} {answer.body[:200]!r}"
    return ""
