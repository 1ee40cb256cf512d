"""What every operation of an OpenAPI document must tell, as sentences about what is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator, FormatChecker

from contracts.problems import PROBLEMS

Json = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
PROBLEM = "application/problem+json"
VIETNAMESE = re.compile("[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE)
CAMEL = re.compile(r"[a-z]+([A-Z][a-z0-9]*)*")


class Operation(NamedTuple):
    """One operation with its place; `name` is how complaints call it."""

    method: str
    path: str
    body: Json

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"


class Document:
    """An OpenAPI document whose references can be followed."""

    def __init__(self, body: Json) -> None:
        self.body = body
        self._validator = cache(self._made)

    def operations(self) -> Iterator[Operation]:
        for path, item in self.body["paths"].items():
            yield from (Operation(method, path, item[method]) for method in METHODS if method in item)

    def at(self, node: Json) -> Any:
        """The node itself or what it refers to; raises KeyError for a reference that leads nowhere."""
        if "$ref" not in node:
            return node
        found: Any = self.body
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        return found

    def misfits(self, schema: Json, value: Any) -> list[str]:
        validator = self._validator(json.dumps(schema, sort_keys=True))
        return [f"{error.json_path}: {error.message}"[:200] for error in validator.iter_errors(value)]

    def _made(self, schema: str) -> Draft202012Validator:
        whole = {**json.loads(schema), "components": self.body["components"]}
        return Draft202012Validator(whole, format_checker=FormatChecker())


def complaints(body: Json) -> list[str]:
    """Everything the document lacks, one sentence each."""
    document = Document(body)
    found = [*_references(document)]
    if found:  # nothing else can be judged
        return found
    found += _shared(document)
    for operation in document.operations():
        told = (*_texts(operation), *_parameters(document, operation), *_body(document, operation))
        found += [f"{operation.name}: {text}" for text in (*told, *_responses(document, operation))]
    return found


def is_in_both_languages(text: str) -> bool:
    """English and Vietnamese stand in paragraphs of their own, or beside each other with a dot between."""
    parts = [part for part in re.split(r"\n\s*\n| · ", text.partition("**Scope")[0]) if part.strip()]
    vietnamese = [bool(VIETNAMESE.search(part)) for part in parts]
    return any(vietnamese) and not all(vietnamese)


def _references(document: Document) -> Iterator[str]:
    def walk(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                try:
                    document.at(node)
                except (KeyError, TypeError):
                    yield f"{node['$ref']} leads nowhere"
            for each in node.values():
                yield from walk(each)
        elif isinstance(node, list):
            for each in node:
                yield from walk(each)

    return walk(document.body)


def _shared(document: Document) -> Iterator[str]:
    info = document.body["info"]
    if not info.get("version") or not info.get("license") or not document.body.get("servers"):
        yield "version, licence or servers are missing"
    if not is_in_both_languages(info["description"]):
        yield "the document is not described in both languages"
    tags = {tag["name"]: tag.get("description", "") for tag in document.body["tags"]}
    used = {tag for operation in document.operations() for tag in operation.body.get("tags", ())}
    yield from (f"tag {name} is not declared" for name in sorted(used - tags.keys()))
    yield from (f"tag {name} is not used" for name in sorted(tags.keys() - used))
    yield from (f"tag {name}: not in both languages" for name, text in tags.items() if not is_in_both_languages(text))
    ids = [operation.body.get("operationId", "") for operation in document.operations()]
    yield from (f"operationId {each} is used twice" for each in sorted({i for i in ids if ids.count(i) > 1}))
    names = document.body["components"]["schemas"]
    for name, schema in names.items():
        if not schema.get("description") and "properties" in schema:
            yield f"schema {name} is not described"
        members = schema.get("properties", {}).items()
        yield from (f"{name}.{member} is not described" for member, each in members if not each.get("description"))
    yield from (f"schema {name}: another has the same class name" for name in names if "__" in name)
    yield from (
        f"{name}: FastAPI's own schema is shown"
        for name in ("HTTPValidationError", "ValidationError")
        if name in document.body["components"]["schemas"]
    )


def _texts(operation: Operation) -> Iterator[str]:
    if not CAMEL.fullmatch(operation.body.get("operationId", "")):
        yield f"operation_id is not camelCase: {operation.body.get('operationId')}"
    if not operation.body.get("summary"):
        yield "no summary"
    if not is_in_both_languages(operation.body.get("description", "")):
        yield "the docstring is not English, a blank line, Vietnamese"
    if "security" not in operation.body or "**Scope" not in operation.body.get("description", ""):
        yield "it does not state its scopes"


def _parameters(document: Document, operation: Operation) -> Iterator[str]:
    for parameter in operation.body.get("parameters", ()):
        name = parameter["name"]
        if not parameter.get("description"):
            yield f"parameter {name} is not described"
        examples = [*parameter["schema"].get("examples", ()), *_values(document, parameter)]
        if parameter.get("in") == "path" and not examples:
            yield f"parameter {name} has no example"
        for value in examples:
            yield from (f"example of parameter {name}: {text}" for text in document.misfits(parameter["schema"], value))


def _body(document: Document, operation: Operation) -> Iterator[str]:
    content = operation.body.get("requestBody", {}).get("content", {})
    if content and not any(_examples(document, media) for media in content.values()):
        yield "the body has no example"
    for media_type, media in content.items():
        yield from (f"body {media_type}: {text}" for text in _misfits(document, media_type, media))


def _responses(document: Document, operation: Operation) -> Iterator[str]:
    ids = {each.body.get("operationId"): each for each in document.operations()}
    for status, given in operation.body["responses"].items():
        response = document.at(given)
        content = response.get("content", {})
        if not response.get("description"):
            yield f"{status} is not described"
        if "X-Request-Id" not in response.get("headers", {}):
            yield f"{status} does not show X-Request-Id"
        json_ = {name: media for name, media in content.items() if "json" in name}
        if status.startswith("2") and json_ and not any(_examples(document, media) for media in json_.values()):
            yield f"{status} has no example"
        if status[0] in "45":
            yield from (f"{status}: {text}" for text in _problems(document, status, content))
        for media_type, media in content.items():
            yield from (f"{status} {media_type}: {text}" for text in _misfits(document, media_type, media))
        for name, link in response.get("links", {}).items():
            target = ids.get(link.get("operationId"))
            if target is None:
                yield f"{status}: link {name} leads to no operation: {link.get('operationId')}"
                continue
            known = {each["name"] for each in target.body.get("parameters", ())}
            wrong = {each.rpartition(".")[2] if "." in each else each for each in link.get("parameters", {})} - known
            yield from (f"{status}: link {name} names no parameter of its operation: {each}" for each in sorted(wrong))


def _problems(document: Document, status: str, content: Json) -> Iterator[str]:
    if PROBLEM not in content:
        yield "is no problem+json"
        return
    told = _examples(document, content[PROBLEM])
    if not told:
        yield "has no example of a problem"
    for name, value in told.items():
        problem = PROBLEMS.get(value.get("code", "")) if isinstance(value, dict) else None
        if problem is None:
            yield f"example {name} has no code of ours"
        elif value["status"] != problem.status or not re.fullmatch(status.replace("X", "."), str(problem.status)):
            yield f"example {name} has the status {value['status']}, the code's is {problem.status}"


def _misfits(document: Document, media_type: str, media: Json) -> Iterator[str]:
    if "schema" not in media:
        yield f"{media_type} has no schema"
        return
    if "json" not in media_type and "form" not in media_type:
        return
    # an example shows nothing that its schema does not tell of
    closed = media["schema"] if media_type == PROBLEM else {**media["schema"], "unevaluatedProperties": False}
    for name, value in _examples(document, media).items():
        yield from (f"example {name}: {text}" for text in document.misfits(closed, value))


def _examples(document: Document, media: Json) -> Json:
    """By name: those of the medium and those its schema brings along."""
    named = {name: document.at(each)["value"] for name, each in media.get("examples", {}).items()}
    named |= {"example": media["example"]} if "example" in media else {}
    schema = document.at(media.get("schema", {}))
    named |= {"of the schema": schema["example"]} if "example" in schema else {}
    return named | {f"{nth} of the schema": each for nth, each in enumerate(schema.get("examples", ()))}


def _values(document: Document, media: Json) -> list[Any]:
    return list(_examples(document, media).values())
