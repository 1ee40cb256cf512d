"""What every operation's API page says of its refusals: one response per status, with an example of each problem."""

from collections.abc import Iterable, Sequence
from typing import Any

from contracts.problems import PROBLEMS, HubError
from services.kernel.problem_details import MEDIA_TYPE, SCHEMA, problem_body

Responses = dict[int | str, dict[str, Any]]

INSTANCE = "urn:lienthong:request:0123456789abcdef"

ALWAYS = (
    "request.malformed",
    "request.invalid",
    "request.headers_too_large",
    "request.uri_too_long",
    "auth.missing",
    "auth.invalid",
    "auth.scope",
    "system.suspended",
    "quota.exceeded",
    "system.storage_unavailable",
    "system.overloaded",
    "system.not_ready",
    "system.stopping",
)
"""What any operation that asks for a token may answer."""


def problem_responses(codes: Iterable[str], always: Sequence[str] = ALWAYS) -> Responses:
    """The problem responses of an operation, by status."""
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys((*codes, *always)):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {status: _response(listed) for status, listed in sorted(by_status.items())}


def _response(codes: Sequence[str]) -> dict[str, Any]:
    examples = {
        code: {"summary": PROBLEMS[code].title, "value": problem_body(HubError(code), INSTANCE)} for code in codes
    }
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        "content": {MEDIA_TYPE: {"schema": SCHEMA, "examples": examples}},
    }
