"""What any answer must be, whatever was asked: documented, a problem where it refuses, and silent about the input."""

from __future__ import annotations

from contracts.problems import PROBLEMS
from tests.api.asking import Answer
from tests.api.document import Document, Operation

PROBLEM = "application/problem+json"
MARKER = "khongduoclaplai"
"""Put into input that is refused; it must come back nowhere, whatever case."""
OF_LOAD = frozenset({503, 507})


def complaint(document: Document, operation: Operation, answer: Answer, *, refused: bool | None = None) -> str:
    """What is wrong with the answer; empty when nothing is. `refused`: it must be, or must not be."""
    if answer.status >= 500:
        return f"{answer.status} {answer.code}"
    if refused is not None and refused != (answer.status >= 400):
        return f"{answer.status} {answer.body[:300]!r}"
    if answer.status >= 400:
        own = answer.media_type != PROBLEM and answer.media_type in operation.answers.get(str(answer.status), {})
        found = ("the input comes back" if echoes(answer) else "") if own else problem_complaint(answer)
        if found:
            return found
    if not answer.body and answer.status in (204, 304):
        return "" if operation.documents(answer.status) else f"{answer.status} is not documented"
    return document.misfit(operation, answer.status, answer.media_type, answer.body)


def problem_complaint(answer: Answer) -> str:
    """The same without an operation."""
    if answer.media_type != PROBLEM:
        return f"{answer.status} as {answer.headers.get('content-type')!r}: {answer.body[:200]!r}"
    body = answer.json()
    problem = PROBLEMS.get(body.get("code", ""))
    if problem is None or problem.status != answer.status or body.get("status") != answer.status:
        return f"{answer.status} with {body.get('code')} and status {body.get('status')}"
    if body.get("remedy") != problem.remedy or not body.get("type") or not body.get("instance"):
        return f"an incomplete problem: {body}"
    if answer.status in (429, 503, 507) and not answer.headers.get("retry-after", "").isdigit():
        return f"{answer.status} without Retry-After"
    if echoes(answer):
        return f"the input comes back: {answer.body[:300]!r} {answer.headers}"
    return ""


def echoes(answer: Answer) -> bool:
    told = answer.body + repr(answer.headers).encode()
    return MARKER.encode() in told.lower()
