"""One operation on an API's page: what it does, who may, what it takes and answers, how it refuses, how to call it."""

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from contracts.causes.cause import Words
from services.kernel.api_calls import call
from services.kernel.api_tables import PRESENT, REQUIRED, examples_of, kinds, parameters_table, shell
from services.kernel.markup import Markup, element, joined
from services.kernel.openapi_document import SCOPE_MARK
from services.kernel.page_frame import beside
from services.kernel.problem_details import MEDIA_TYPE, PROBLEMS_PATH
from services.kernel.prose import blocks, inline
from services.kernel.schema_fields import Schemas

Json = Mapping[str, Any]

_PARAMETERS: Final = Words("Tham số", "Parameters")
_BODY: Final = Words("Thân yêu cầu", "Request body")
_CALL: Final = Words("Gọi bằng curl", "With curl")
_ANSWER: Final = Words("Trả lời", "Answer")
_HEADERS: Final = Words("Trường đầu", "Headers")
_THEN: Final = Words("Gọi tiếp", "What it leads to")
_SAME: Final = Words("Cùng các trường như trả lời", "The same fields as answer")
_PROBLEMS: Final = Words("Lỗi", "Problems")
_SCOPE: Final = Words("Quyền", "Scope")
_OPEN: Final = Words("không cần token", "no token needed")
_BASIC: Final = Words("không cần token, dùng mã và khoá của hệ thống", "no token; the system's id and secret")
_ANY: Final = Words("mọi token còn hiệu lực", "any valid token")
_ONE_OF: Final = Words("một trong", "one of")
_CODES: Final = re.compile(r"^`[^`]+`(?:, `[^`]+`)*(?:; )?")
_UNTOLD: Final = "Successful Response"
"""What FastAPI writes where an operation does not say what its answer means."""
UNTAGGED: Final = "API"
SCOPES_ID: Final = "scopes"
PROBLEMS_LINK: Final = PROBLEMS_PATH.strip("/")


class Operations:
    """Of one document; `place_of` tells method and path by operation id."""

    def __init__(self, document: Json, schemas: Schemas) -> None:
        self._components: Json = document.get("components", {})
        self._schemas = schemas
        self.by_tag: dict[str, list[tuple[str, str, Json]]] = {}
        """Method, path and operation, in the order of the document, each by its first tag."""
        self.place_of: dict[str, tuple[str, str]] = {}
        for path, item in document["paths"].items():
            for method, operation in item.items():
                tag = next(iter(operation.get("tags", ())), UNTAGGED)
                self.by_tag.setdefault(tag, []).append((method.upper(), path, operation))
                self.place_of[operation["operationId"]] = (method.upper(), path)

    def shown(self, method: str, path: str, operation: Json) -> Markup:
        parts = [
            element("h3", signature(method, path)),
            element("p", inline(operation.get("summary", "")), attributes={"class": "summary"}),
            blocks(operation.get("description", "").partition(SCOPE_MARK)[0]),
            element("p", element("strong", *beside(_SCOPE), ":"), " ", _scopes(operation)),
            *self._parameters(operation),
            *self._body(operation),
            _heading(_CALL),
            shell(call(method, path, operation)),
            *self._answers(operation),
            _heading(_PROBLEMS),
            element("ul", *self._problems(operation), attributes={"class": "problems"}),
        ]
        return element("article", *parts, attributes={"id": operation["operationId"]})

    def _parameters(self, operation: Json) -> list[Markup]:
        parameters = operation.get("parameters", ())
        if not parameters:
            return []
        caption = [signature(*self.place_of[operation["operationId"]])]
        return [_heading(_PARAMETERS), parameters_table(caption, parameters, self._schemas)]

    def _body(self, operation: Json) -> list[Markup]:
        body = operation.get("requestBody")
        return [_heading(_BODY), kinds(body["content"], self._schemas, REQUIRED)] if body else []

    def _answers(self, operation: Json) -> Iterator[Markup]:
        seen: dict[str, str] = {}
        for status, response in self._responses(operation):
            if not status.startswith(("2", "3")):
                continue
            yield element("h4", *beside(_ANSWER), f" {status} {HTTPStatus(int(status)).phrase}")
            if response["description"] != _UNTOLD:
                yield element("p", inline(response["description"]))
            yield self._content(response.get("content", {}), status, seen)
            if response.get("headers"):
                yield element("h5", *beside(_HEADERS))
                yield element("ul", *self._headers(response["headers"]))
            if response.get("links"):
                yield element("h5", *beside(_THEN))
                yield element("ul", *(self._link(each) for each in response["links"].values()))

    def _content(self, content: Json, status: str, seen: dict[str, str]) -> Markup:
        """The members of a body once for all answers that have them."""
        if not content:
            return Markup()
        key = json.dumps([each.get("schema") for each in content.values()])
        if key not in seen:
            seen[key] = status
            return kinds(content, self._schemas, PRESENT, foldable=True)
        same = element("p", *beside(_SAME), f" {seen[key]}.")
        return joined([same, *(examples_of(each) for each in content.values())])

    def _headers(self, headers: Json) -> Iterator[Markup]:
        for name, header in headers.items():
            told = self._resolved(header)
            example = [" (", element("code", str(told["example"])), ")"] if "example" in told else []
            yield element("li", element("code", name), ": ", inline(told.get("description", "")), *example)

    def _link(self, link: Json) -> Markup:
        target = link["operationId"]
        name = signature(*self.place_of[target]) if target in self.place_of else element("code", target)
        taken = {**link.get("parameters", {}), **({"body": link["requestBody"]} if "requestBody" in link else {})}
        told = [f" – {link['description']}"] if link.get("description") else []
        given = [
            joined([", " if place else "; ", element("code", f"{key} = {_value(value)}")])
            for place, (key, value) in enumerate(taken.items())
        ]
        shown = element("a", name, attributes={"href": f"#{target}"}) if target in self.place_of else name
        return element("li", shown, *told, *given)

    def _problems(self, operation: Json) -> Iterator[Markup]:
        for status, response in self._responses(operation):
            if status.startswith(("2", "3")):
                continue
            codes = response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
            links = [joined([", " if place else " ", problem_link(code)]) for place, code in enumerate(codes)]
            rest = _CODES.sub("", response.get("description", ""))
            told = [f" – {rest}"] if rest else []
            yield element("li", element("strong", status), *links, *(inline(each) for each in told))

    def _responses(self, operation: Json) -> Iterator[tuple[str, Json]]:
        for status, response in operation["responses"].items():
            yield status, self._resolved(response)

    def _resolved(self, node: Json) -> Json:
        if "$ref" not in node:
            return node
        _, _, kind, name = node["$ref"].split("/")
        resolved: Json = self._components[kind][name]
        return resolved


def signature(method: str, path: str) -> Markup:
    return element("code", element("b", method), f" {path}")


def problem_link(code: str) -> Markup:
    return element("a", element("code", code), attributes={"href": f"{PROBLEMS_LINK}/{code}"})


def _heading(words: Words) -> Markup:
    return element("h4", *beside(words))


def _scopes(operation: Json) -> Markup:
    schemes = operation.get("security", [])
    scopes = [scope for each in schemes for scope in each.get("oauth2", ())]
    if not scopes:
        names = {name for each in schemes for name in each}
        return joined(beside(_ANY if "bearer" in names else _BASIC if "basic" in names else _OPEN))
    links = [
        joined([", " if place else "", element("a", element("code", scope), attributes={"href": f"#{SCOPES_ID}"})])
        for place, scope in enumerate(scopes)
    ]
    return joined([*beside(_ONE_OF), ": ", *links] if len(links) > 1 else links)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
