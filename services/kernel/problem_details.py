"""RFC 9457 bodies: what a refusal looks like on the wire. Values of the input are never echoed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from contracts.problems import PROBLEMS, HubError

MEDIA_TYPE = "application/problem+json"
PROBLEMS_PATH = "/problems"
"""Where every program serves the pages about its codes; relative to the program until settings name an address."""
RETRY_SECONDS = 1
BODY_ERRORS_SHOWN = 50
POINTER_SHOWN = 200
"""Characters: the name of an unknown field is the caller's, and may be as long as the body."""

CODE_OF_STATUS = {
    400: "request.malformed",
    401: "auth.missing",
    404: "request.not_found",
    405: "request.method_not_allowed",
    408: "request.timeout",
    412: "request.precondition_failed",
    413: "size.too_large",
    414: "request.uri_too_long",
    415: "request.unsupported_media_type",
    416: "request.range_not_satisfiable",
    422: "request.invalid",
    429: "quota.exceeded",
    431: "request.headers_too_large",
    500: "system.failed",
    503: "system.overloaded",
    507: "system.disk_full",
}


def _told(meaning: str, **schema: Any) -> dict[str, Any]:
    """A member; text unless the schema says otherwise."""
    return {"type": "string", "description": meaning, **schema}


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "remedy"],
    "properties": {
        "type": _told("Leads to a page that explains the code · trang giải thích mã lỗi", format="uri-reference"),
        "title": _told("What the code means, in a sentence; the same every time · nghĩa của mã lỗi"),
        "status": _told("HTTP status · mã trạng thái HTTP", type="integer"),
        "detail": _told(
            "What is particular this time, in English; the title when nothing is. Never a value that was sent · chi "
            "tiết lần này, bằng tiếng Anh"
        ),
        "instance": _told("Names this occurrence; tell it to the operators · mã lần xảy ra", format="uri"),
        "code": _told("From a closed list; decide by it · mã lỗi trong danh mục", enum=sorted(PROBLEMS)),
        "contract": _told("The contract that was broken, `dossier.submitted/v1` · hợp đồng dữ liệu bị vi phạm"),
        "errors": {
            "type": "array",
            "description": f"The places that are wrong, at most {BODY_ERRORS_SHOWN}; absent when no place can be "
            "named · các vị trí sai",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": _told(
                        "JSON pointer (RFC 6901) into the body, `/applicant/name`; in an edXML file the path of the "
                        "element; of a parameter its name · vị trí sai"
                    ),
                    "in": _told("`body`, `query`, `path` or `header`; absent means `body` · nằm ở phần nào"),
                    "detail": _told("What is wrong there, in English · sai điều gì, bằng tiếng Anh"),
                },
            },
        },
        "url": _told("With `organ.wrong_office`: where to go instead · địa chỉ dịch vụ đúng", format="uri"),
        "remedy": {
            "type": "object",
            "description": "What to do, the same every time for a code · cách khắc phục",
            "required": ["vi", "en"],
            "properties": {
                "vi": _told("In Vietnamese · bằng tiếng Việt"),
                "en": _told("In English · bằng tiếng Anh"),
            },
        },
    },
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "A problem (RFC 9457)", "content": {MEDIA_TYPE: {"schema": SCHEMA}}},
    "5XX": {"description": "A problem (RFC 9457)", "content": {MEDIA_TYPE: {"schema": SCHEMA}}},
}
"""For OpenAPI documents: what every operation may answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a problem occurred (its `instance`), and the address of the pages its `type` leads to.

    Every request has one at `request.state.place`.
    """

    instance: str
    problems_url: str = PROBLEMS_PATH

    def type_of(self, code: str) -> str:
        return f"{self.problems_url}/{code}"


def problem_body(error: HubError, place: Place, errors: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """The members of a problem; also used for the items of a batch answer."""
    problem = error.problem
    body: dict[str, Any] = {
        "type": place.type_of(problem.code),
        "title": problem.title,
        "status": problem.status,
        "detail": error.detail or problem.title,
        "instance": place.instance,
        "code": problem.code,
        "remedy": problem.remedy,
    }
    listed = list(errors) or ([{"pointer": error.pointer}] if error.pointer else [])
    if listed:
        body["errors"] = listed
    if error.contract:
        body["contract"] = error.contract
    if error.url:
        body["url"] = error.url
    return body


def problem_response(error: HubError, place: Place, errors: Sequence[Mapping[str, str]] = ()) -> Response:
    """The body with its headers: 429, 503 and retryable 409 say when to come again."""
    problem = error.problem
    headers = dict(error.headers)
    if problem.status in (429, 503, 507) or (problem.retryable and problem.status == 409):
        headers.setdefault("Retry-After", str(problem.retry_after_seconds or RETRY_SECONDS))
    return Response(
        orjson.dumps(problem_body(error, place, errors)),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def of_status(status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> HubError:
    """The problem for a status some framework answered with."""
    code = CODE_OF_STATUS.get(status) or ("request.malformed" if status < 500 else "system.failed")
    own = detail if PROBLEMS[code].status == status else f"{status} {detail}".strip()
    return HubError(code, own, headers=dict(headers or {}))


def of_validation(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Pointers and reasons of pydantic's errors; the place of a parameter is told by `in`."""
    listed = []
    for error in errors[:BODY_ERRORS_SHOWN]:
        where, *path = [str(step) for step in error["loc"]] or ["body"]
        listed.append({"pointer": pointer(path)[:POINTER_SHOWN], "in": where, "detail": str(error["msg"])})
    return listed


def pointer(path: Sequence[str]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)
