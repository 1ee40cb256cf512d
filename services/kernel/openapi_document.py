"""The OpenAPI document of a program, finished: what all its operations have in common is said here, once.

The operations' own texts, examples and links stay beside the operations (`openapi.py` helps to write them).
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

from contracts.problems import PROBLEMS, HubError
from contracts.words import SCHEMAS, WORDS
from services.kernel.openapi import PLACE, link, problem_responses
from services.kernel.openapi_parts import HEADERS, IF_NONE_MATCH, NOT_MODIFIED, OTHERS, SCHEMES
from services.kernel.problem_details import MEDIA_TYPE, SCHEMA, problem_body

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
SCOPE_MARK: Final = "**Scope · Quyền:**"
"""Begins the last paragraph of every operation's description."""

_OF_BODIES: Final = ("request.timeout", "size.too_large", "request.unsupported_media_type")

Json = dict[str, Any]


def finished(document: Json) -> Json:
    """The document with security, shared headers, problems by reference, and paths in order. Changes what it is given:
    hand it FastAPI's own."""
    components = document.setdefault("components", {})
    components["examples"] = {}
    for path in document["paths"].values():
        if "get" in path:
            _make_conditional(path["get"])
    for operation in operations(document):
        _secure(operation)
        _lead_on(operation)
        _refuse_bodies(operation)
        _plain_parameters(operation)
        for status, response in operation["responses"].items():
            _share_problems(response, components["examples"])
            _add_headers(operation, status, response)
        operation["responses"] = {
            status: _other(status) or response for status, response in sorted(operation["responses"].items())
        }
    components["examples"] |= {code: _example(code) for codes in OTHERS.values() for code in codes[1:]}
    components["responses"] = {"NotModified": NOT_MODIFIED} | {
        codes[0]: _other_response(status, codes[1:]) for status, codes in OTHERS.items()
    }
    components.setdefault("schemas", {})["Problem"] = deepcopy(SCHEMA)
    _explain(components["schemas"])
    told = list(_references([document["paths"], components]))
    components["headers"] = {name: each for name, each in HEADERS.items() if f"#/components/headers/{name}" in told}
    asked = {name for operation in operations(document) for each in operation["security"] for name in each}
    components["securitySchemes"] = {name: each for name, each in SCHEMES.items() if name in asked}
    document["components"] = {name: _sorted(members) for name, members in sorted(components.items())}
    document["paths"] = _sorted(document["paths"])
    untitled: Json = _untitled(document)
    untitled["info"] = document["info"]
    return untitled


def operations(document: Mapping[str, Any]) -> Iterator[Json]:
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method in _METHODS)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == "$ref" and isinstance(value, str))
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _references(each)


def _secure(operation: Json) -> None:
    """Names the scopes, one of which is needed; an operation that asks for no token says so."""
    stated = operation.get("security")
    scopes = [scope for each in stated or () for scope in each.get("HTTPBearer", ())]
    if stated is None:
        operation["security"] = []
        told = "no token needed · không cần token"
    elif not any("HTTPBearer" in each for each in stated):
        told = "no token needed · không cần token"
    else:
        operation["security"] = [*({"oauth2": [scope]} for scope in scopes), {"bearer": []}]
        told = " / ".join(f"`{scope}`" for scope in scopes) or "any valid token · mọi token còn hiệu lực"
    operation["description"] = f"{operation.get('description', '')}\n\n{SCOPE_MARK} {told}".strip()


def _make_conditional(operation: Json) -> None:
    """Every JSON that is read has an ETag (`answers.py`), and is not sent again to who has it."""
    answer = operation["responses"].get("200", {})
    if not any("json" in media_type for media_type in answer.get("content", {})):
        return
    answer.setdefault("headers", {}).setdefault("ETag", {"$ref": "#/components/headers/ETag"})
    operation["responses"].setdefault("304", {"$ref": "#/components/responses/NotModified"})
    parameters = operation.setdefault("parameters", [])
    if not any(each["name"].lower() == "if-none-match" for each in parameters):
        parameters.append(dict(IF_NONE_MATCH))


def _lead_on(operation: Json) -> None:
    """Every list leads to its next page."""
    if any(each["name"] == "cursor" for each in operation.get("parameters", ())):
        told = link(operation["operationId"], "The next page, with the same filters", cursor="next_cursor")
        operation["responses"]["200"].setdefault("links", {}).setdefault("next", told)


def _refuse_bodies(operation: Json) -> None:
    """What any body may meet, where the operation says nothing of it."""
    if "requestBody" in operation:
        for status, response in problem_responses(_OF_BODIES, ()).items():
            operation["responses"].setdefault(str(status), deepcopy(response))


def _plain_parameters(operation: Json) -> None:
    """A parameter that may be left out is not one that may be null: there is no null in an address or a header. Names
    of headers are written as people write them."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "header":
            parameter["name"] = "-".join(part.capitalize() for part in parameter["name"].split("-"))
        schema = parameter.get("schema", {})
        schema.pop("description", None)
        kept = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
        if len(kept) == 1:
            rest = {name: value for name, value in schema.items() if name != "anyOf"}
            parameter["schema"] = {**kept[0], **rest}


def _share_problems(response: Json, shared: Json) -> None:
    content = response.get("content", {}).get(MEDIA_TYPE)
    if content is None:
        return
    if content.get("schema", SCHEMA) == SCHEMA:
        content["schema"] = {"$ref": "#/components/schemas/Problem"}
    for code, example in content.get("examples", {}).items():
        if example == _example(code):
            shared[code] = example
            content["examples"][code] = {"$ref": f"#/components/examples/{code}"}


def _add_headers(operation: Json, status: str, response: Json) -> None:
    names = ["X-Request-Id"]
    takes_key = any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ()))
    if status.startswith("2") and takes_key:
        names.append("Idempotency-Replayed")
    if status == "401":
        names.append("WWW-Authenticate")
    told = response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    if status in ("429", "503", "507") or (status == "409" and any(PROBLEMS[code].retryable for code in told)):
        names.append("Retry-After")
    if "$ref" in response:
        return
    headers = response.setdefault("headers", {})
    for name in names:
        headers.setdefault(name, {"$ref": f"#/components/headers/{name}"})


def _other(status: str) -> Json | None:
    return {"$ref": f"#/components/responses/{OTHERS[status][0]}"} if status in OTHERS else None


def _other_response(status: str, codes: tuple[str, ...]) -> Json:
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {
        "description": f"Any other problem {status} · vấn đề khác",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", "Retry-After")},
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
    }


def _example(code: str) -> Json:
    """What `openapi.problem_responses` writes."""
    return {"summary": PROBLEMS[code].title, "value": problem_body(HubError(code), PLACE)}


def _explain(schemas: Json) -> None:
    """Says what members mean that do not say it themselves."""
    for name, schema in schemas.items():
        if name in SCHEMAS:
            schema.setdefault("description", SCHEMAS[name])
        for member, told in schema.get("properties", {}).items():
            words = WORDS.get(f"{name}.{member}", WORDS.get(member))
            if words and "description" not in told:
                told["description"] = words


def _sorted(members: Json) -> Json:
    return dict(sorted(members.items()))


def _untitled(node: Any, *, named: bool = False) -> Any:
    """Without the titles that only repeat field names. `named`: the keys are names, not keywords."""
    if isinstance(node, list):
        return [_untitled(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _untitled(value, named=not named and name in ("properties", "schemas")) if name not in _VALUES else value
        for name, value in node.items()
        if named or name != "title" or not isinstance(value, str)
    }


_VALUES: Final = ("example", "examples", "value", "default", "const", "enum")
"""Keys below which everything is data."""
