"""The operations of the two OpenAPI documents as tests need them: scopes, parameters, bodies, answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jsonschema_rs import Draft202012Validator

FOLDER = Path(__file__).parents[2] / "contracts" / "openapi"
METHODS = ("get", "put", "post", "delete", "patch")
JSON = "application/json"
Json = dict[str, Any]
Kind = Literal["open", "any", "scoped"]


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    place: str
    schema: Json
    required: bool
    example: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, references resolved; `name` is how tests call it."""

    id: str
    method: str
    path: str
    kind: Kind
    scopes: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    bodies: Mapping[str, Json] = field(repr=False)
    """Media type → {schema, examples}."""
    answers: Mapping[str, Json] = field(repr=False)
    """Status → media type → schema."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def speaks_for_organ(self) -> bool:
        return any(parameter.name == "X-Organ" for parameter in self.parameters)

    @property
    def reads(self) -> bool:
        return self.method == "GET"

    def of(self, place: str) -> list[Parameter]:
        return [parameter for parameter in self.parameters if parameter.place == place]

    def documents(self, status: int) -> bool:
        return str(status) in self.answers or f"{status // 100}XX" in self.answers

    def body_examples(self, media_type: str = JSON) -> list[Any]:
        return list(self.bodies.get(media_type, {}).get("examples", []))


class Document:
    """One of the two documents."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.body: Json = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        self.operations = list(self._operations())
        self._validators: dict[tuple[str, str, str], Draft202012Validator | None] = {}

    def at(self, node: Json) -> Any:
        while "$ref" in node:
            found: Any = self.body
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def misfit(self, operation: Operation, status: int, media_type: str, body: bytes) -> str:
        """Why an answer is not what the document says; empty when it is."""
        told = operation.answers.get(str(status)) or operation.answers.get(f"{status // 100}XX")
        if told is None:
            return f"status {status} is not documented"
        if not body and not told:
            return ""
        if media_type not in told:
            return f"{status} has no content {media_type!r}"
        validator = self._validator(operation, str(status) if str(status) in operation.answers else "", media_type)
        if validator is None or "json" not in media_type:
            return ""
        errors = [
            f"{list(each.instance_path)}: {each.message}"[:300] for each in validator.iter_errors(json.loads(body))
        ]
        return "; ".join(errors[:3])

    def _validator(self, operation: Operation, status: str, media_type: str) -> Draft202012Validator | None:
        key = operation.id, status, media_type
        if key not in self._validators:
            answers = operation.answers
            schema = answers.get(status, answers.get("4XX", {})).get(media_type)
            whole = {**schema, "components": self.body["components"]} if schema else None
            self._validators[key] = Draft202012Validator(whole, validate_formats=True) if whole else None
        return self._validators[key]

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.body["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(method, path, item[method])

    def _operation(self, method: str, path: str, body: Json) -> Operation:
        security = body.get("security", [])
        scopes = tuple(scope for each in security for scope in each.get("oauth2", ()))
        bearer = any("bearer" in each or "oauth2" in each for each in security)
        content = self.at(body.get("requestBody", {})).get("content", {})
        return Operation(
            id=body["operationId"],
            method=method.upper(),
            path=path,
            kind="scoped" if scopes else "any" if bearer else "open",
            scopes=scopes,
            parameters=tuple(self._parameter(self.at(each)) for each in body.get("parameters", ())),
            bodies={name: self._media(media) for name, media in content.items()},
            answers={
                status: {name: media.get("schema") for name, media in self.at(each).get("content", {}).items()}
                for status, each in body["responses"].items()
            },
        )

    def _parameter(self, body: Json) -> Parameter:
        schema = body["schema"]
        examples = [*schema.get("examples", ()), *([body["example"]] if "example" in body else [])]
        examples += [self.at(each)["value"] for each in body.get("examples", {}).values()]
        return Parameter(
            body["name"], body["in"], schema, body.get("required", False), examples[0] if examples else None
        )

    def _media(self, media: Json) -> Json:
        examples = [self.at(each)["value"] for each in media.get("examples", {}).values()]
        return {
            "schema": media.get("schema", {}),
            "examples": examples or ([media["example"]] if "example" in media else []),
        }


@cache
def document(name: str) -> Document:
    return Document(name)


def operations(*names: str) -> list[Any]:
    """(document, operation) of all, for `parametrize`."""
    return [(name, each) for name in names or ("office", "gateway") for each in document(name).operations]


def label(value: object) -> str | None:
    return value.id if isinstance(value, Operation) else None
