"""What operations say of themselves in the API page: their refusals with an example of each, answers with example,
headers and links to what can be done with them. The rest of the page is `openapi_document.py`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.problems import PROBLEMS, HubError
from services.kernel.problem_details import MEDIA_TYPE, SCHEMA, Place, problem_body

Responses = dict[int | str, dict[str, Any]]

PLACE = Place("urn:lienthong:request:0123456789abcdef")
"""Of examples: the `type` is relative, since a document does not know where it is served."""

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


def answer(
    description: str = "",
    example: Any = None,
    *,
    headers: Sequence[str] = (),
    links: Mapping[str, Mapping[str, Any]] | None = None,
    media_type: str = "application/json",
) -> dict[str, Any]:
    """One answer of an operation, for `responses`: what it means, an example, names of its headers, where it leads."""
    told: dict[str, Any] = {"description": description} if description else {}
    if example is not None:
        told["content"] = {media_type: {"examples": {"answer": {"value": example}}}}
    if headers:
        told["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    if links:
        told["links"] = {name: dict(each) for name, each in links.items()}
    return told


def link(operation_id: str, description: str = "", **parameters: str) -> dict[str, Any]:
    """Leads to another operation, whose parameters come from this answer: `link("showDossier", code="code")` takes
    the member `code` of the body; anything beginning with `$` is taken as written."""
    taken = {name: value if value.startswith("$") else f"$response.body#/{value}" for name, value in parameters.items()}
    return {"operationId": operation_id, "parameters": taken} | ({"description": description} if description else {})


def _response(codes: Sequence[str]) -> dict[str, Any]:
    examples = {code: {"summary": PROBLEMS[code].title, "value": problem_body(HubError(code), PLACE)} for code in codes}
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        "content": {MEDIA_TYPE: {"schema": SCHEMA, "examples": examples}},
    }
