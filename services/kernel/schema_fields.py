"""JSON schemas as rows for people: every member with the path to it, its type, whether it must be there, its limits."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = Mapping[str, Any]

KEYWORDS: Final = frozenset(
    {
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "default",
        "description",
        "enum",
        "examples",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "properties",
        "required",
        "type",
    }
)
"""What the rows tell of; a document with any other keyword needs more here."""
_ANY_TEXT: Final = r"^[^\u0000]*$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One member. `path` leads to the object it is in (`items[].`); limits are short phrases with `code` in them."""

    path: str
    name: str
    type: str
    required: bool
    description: str
    limits: tuple[str, ...]


class Schemas:
    """Of one document."""

    def __init__(self, document: Json) -> None:
        self.named: Mapping[str, Json] = document.get("components", {}).get("schemas", {})
        self.shown: set[str] = set()
        """Names whose members were told."""

    def fields(self, schema: Json) -> list[Field]:
        """All members, those of objects within behind the member that holds them."""
        return list(self._members(schema, "", ()))

    def type_of(self, schema: Json) -> str:
        """In words; a named type is called by its name too."""
        schema, name, _ = self._plain(schema)
        kind = str(schema.get("type", ""))
        if kind == "array":
            return f"array of {self.type_of(schema.get('items', {}))}"
        if kind == "object" and not name and "properties" not in schema and schema.get("additionalProperties"):
            inner = schema["additionalProperties"]
            return "object with any members" if inner is True else f"object of {self.type_of(inner)}"
        if not kind and "anyOf" in schema:
            return " or ".join(self.type_of(each) for each in schema["anyOf"])
        return f"{kind or 'anything'} `{name}`" if name else kind or "anything"

    def limits(self, schema: Json) -> tuple[str, ...]:
        """Short phrases."""
        plain, _, nullable = self._plain(schema)
        return (*_limits(plain), *self._each(plain), *(("may be null",) if nullable else ()))

    def description(self, schema: Json) -> str:
        plain, _, _ = self._plain(schema)
        return str(plain.get("description", ""))

    def is_closed(self, schema: Json) -> bool:
        """Whether members that are not listed are refused."""
        plain, _, _ = self._plain(schema)
        return plain.get("additionalProperties") is False

    def _members(self, schema: Json, path: str, within: tuple[str, ...]) -> Iterator[Field]:
        plain, name, _ = self._plain(schema)
        if name in within:
            return
        if name:
            self.shown.add(name)
            within = (*within, name)
        if plain.get("type") == "array":
            yield from self._members(plain.get("items", {}), f"{path.removesuffix('.')}[].", within)
        for each in plain.get("anyOf", ()):
            yield from self._members(each, path, within)
        required = plain.get("required", ())
        for member, told in plain.get("properties", {}).items():
            yield Field(
                path=path,
                name=member,
                type=self.type_of(told),
                required=member in required,
                description=self.description(told),
                limits=self.limits(told),
            )
            yield from self._members(told, f"{path}{member}.", within)

    def _plain(self, schema: Json) -> tuple[Json, str, bool]:
        """The schema behind a reference or beside null, its name, and whether null is allowed; what stands around it
        wins over what it says itself."""
        name, nullable = "", False
        while True:
            if "$ref" in schema:
                name = str(schema["$ref"]).rpartition("/")[2]
                around = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
                schema = {**self.named[name], **around}
                continue
            kept = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
            if len(kept) != 1:
                return schema, name, nullable
            nullable = nullable or len(schema["anyOf"]) > 1
            around = {keyword: value for keyword, value in schema.items() if keyword != "anyOf"}
            schema = {**kept[0], **around}

    def _each(self, schema: Json) -> tuple[str, ...]:
        if schema.get("type") != "array":
            return ()
        told = self.limits(schema.get("items", {}))
        return (f"each: {', '.join(told)}",) if told else ()


def _limits(schema: Json) -> Iterator[str]:
    if "const" in schema:
        yield f"always `{_value(schema['const'])}`"
    if "enum" in schema:
        yield "one of " + ", ".join(f"`{_value(each)}`" for each in schema["enum"])
    if "format" in schema:
        yield f"format {schema['format']}"
    yield from _range(schema.get("minLength"), schema.get("maxLength"), " characters")
    yield from _range(schema.get("minimum"), schema.get("maximum"), "")
    yield from _range(schema.get("minItems"), schema.get("maxItems"), " items")
    if "pattern" in schema:
        yield "no NUL" if schema["pattern"] == _ANY_TEXT else f"pattern `{schema['pattern']}`"
    if schema.get("default") is not None:
        yield f"default `{_value(schema['default'])}`"
    if schema.get("examples") and schema["examples"][0] != schema.get("default"):
        yield f"for example `{_value(schema['examples'][0])}`"


def _range(least: float | None, most: float | None, unit: str) -> Iterator[str]:
    if least is not None and most is not None:
        bounds = _value(least) if least == most else f"{_value(least)} to {_value(most)}"
        yield f"{bounds}{unit}"
    elif most is not None:
        yield f"at most {_value(most)}{unit}"
    elif least is not None:
        yield f"at least {_value(least)}{unit}"


def _value(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
