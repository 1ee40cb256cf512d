"""Values from JSON schemas: such as fit, and such as do not. The same seed gives the same values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from tests.api.document import Document, Json

LETTERS = "aăâbcdđeêghiklmnoôơpqrstuưvxyAĐƠ0123456789 .,;:-_/()\"'\\\n\t"
STRANGE = (
    "\x00", "\u200b", "\u202e", "\ufeff", "\u0301", "e\u0302\u0301", "\U0001f600", "\u2028", "%00", "%2e%2e%2f",
    "../", "\r\n",
    "'; DROP TABLE dossier; --", "${jndi:ldap://x}", "<script>", "{{7*7}}", "\u0130", "ß", "\uffff", "\x7f",
    "\x1b[2J", "＜",
)  # fmt: skip
NUMBERS = (
    0,
    -1,
    1,
    2**31,
    2**31 - 1,
    -(2**31) - 1,
    2**53 + 1,
    2**63 - 1,
    2**63,
    -(2**63),
    2**64 - 1,
    1.5,
    -0.0,
    1e308,
    5e-324,
)
TIMES = (
    "2024-06-03T08:00:00+07:00",
    "1000-01-01T00:00:00Z",
    "2999-12-31T23:59:59.999999999-23:59",
    "2024-02-29T00:00:59Z",
)
DATES = ("2024-06-03", "1000-01-01", "2999-12-31", "2024-02-29")
_CLASSES = {"category_digit": "0123456789", "category_word": "aZ09_", "category_space": " "}


class Generator:
    """`pool` gives values by the name of a field: things that exist."""

    def __init__(self, document: Document, random: Random, pool: Mapping[str, Sequence[Any]]) -> None:
        self._document = document
        self._random = random
        self._pool = pool

    def fitting(self, schema: Json, name: str = "", depth: int = 0) -> Any:
        """A value that fits the schema, as far as it can be told without trying."""
        random = self._random
        schema = self._document.at(schema)
        if name in self._pool and random.random() < 0.8:
            return random.choice(self._pool[name])
        if schema.get("examples") and random.random() < 0.5:
            return random.choice(schema["examples"])
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self.fitting(random.choice(schema[several]), name, depth)
        if "allOf" in schema:
            return self.fitting(schema["allOf"][0], name, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return random.choice(schema["enum"])
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = random.choice(kind)
        make = {"object": self._object, "array": self._array, "string": self._string}.get(kind or "")
        if make:
            return make(schema, name, depth)
        if kind in ("integer", "number"):
            low, high = int(schema.get("minimum", -5)), int(schema.get("maximum", 2**53))
            return random.choice([low, high, random.randint(low, min(high, low + 50))])
        return {"boolean": random.random() < 0.5, "null": None}.get(kind or "", random.choice([None, 1, "a", [], {}]))

    def resolve(self, schema: Json) -> Json:
        found: Json = self._document.at(schema)
        return found

    def _object(self, schema: Json, _name: str, depth: int) -> Json:
        required = set(schema.get("required", ()))
        made = {}
        for key, inner in schema.get("properties", {}).items():
            if key in required or self._random.random() < (0.5 if depth < 3 else 0.2):
                made[key] = self.fitting(inner, key, depth + 1)
        return made

    def _array(self, schema: Json, name: str, depth: int) -> list[Any]:
        low, high = schema.get("minItems", 0), schema.get("maxItems", 1000)
        length = min(high, low + self._random.choice([0, 1, 1, 1, 2, 3]))
        return [self.fitting(schema.get("items", {}), name, depth + 1) for _ in range(length)]

    def _string(self, schema: Json, _name: str, _depth: int) -> str:
        random = self._random
        if schema.get("format") == "date-time":
            return random.choice(TIMES)
        if schema.get("format") == "date":
            return random.choice(DATES)
        low, high = schema.get("minLength", 0), schema.get("maxLength", 2000)
        pattern = schema.get("pattern", "")
        if pattern and not pattern.startswith("^[^"):
            return from_pattern(pattern, random)[:high]
        length = min(high, low + random.choice([0, 1, 5, 20, high - low if high < 5000 else 40]))
        text = "".join(random.choices(LETTERS, k=length))
        if random.random() < 0.1 and length > 8:
            text = (random.choice(STRANGE[1:]) + text)[:length]
        return text or "x" * low

    def spoilt(self, value: Any) -> Any:
        """The value with one thing in it replaced, taken away, or added."""
        random = self._random
        places = list(walk(value))
        path = random.choice(places)
        act = random.random()
        if act < 0.15 and path:
            return without(value, path)
        if act < 0.25:
            holders = [each for each in places if isinstance(at(value, each), dict)]
            if holders:
                return replaced(
                    value, (*random.choice(holders), random.choice(("khong_co", "__proto__", "", "a" * 300))), 1
                )
        return replaced(value, path, self.nasty())

    def nasty(self) -> Any:
        """A value that few places take."""
        random = self._random
        choices: tuple[Any, ...] = (
            None, True, [], {}, [[]], [None], {"": None}, "", " ", "\u00a0", *STRANGE, *NUMBERS,
            "a" * random.choice((35, 64, 65, 200, 256, 1001, 10_001)), "".join(random.choices(LETTERS, k=20)),
            random.choice(STRANGE) * 3, "1" * 400, "2024-13-45", "9999-12-31T23:59:60Z", "0001-01-01T00:00:00Z",
        )  # fmt: skip
        return random.choice(choices)


def walk(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of a value and of everything in it."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from walk(each, (*path, key))


def at(value: Any, path: Sequence[Any]) -> Any:
    for step in path:
        value = value[step]
    return value


def replaced(value: Any, path: Sequence[Any], new: Any) -> Any:
    """A copy with something else at the path."""
    if not path:
        return new
    step, *rest = path
    if isinstance(value, list):
        return [replaced(each, rest, new) if place == step else each for place, each in enumerate(value)]
    held = value if isinstance(value, dict) else {}
    return {**held, step: replaced(held.get(step), rest, new)}


def without(value: Any, path: Sequence[Any]) -> Any:
    *way, last = path
    holder = at(value, way)
    if isinstance(holder, list):
        return replaced(value, way, [each for place, each in enumerate(holder) if place != last])
    return replaced(value, way, {key: each for key, each in holder.items() if key != last})


def from_pattern(pattern: str, random: Random) -> str:
    """A text that a simple regular expression matches."""
    return "".join(_parts(re._parser.parse(pattern), random))  # type: ignore[attr-defined]


def _parts(parsed: Any, random: Random) -> Iterator[str]:
    for operator, value in parsed:
        kind = str(operator).lower()
        if kind == "literal":
            yield chr(value)
        elif kind == "in":
            yield random.choice(_members(value))
        elif kind == "any" or kind == "not_literal":
            yield random.choice("aĐ0")
        elif kind in ("max_repeat", "min_repeat"):
            low, high, inner = value
            for _ in range(random.randint(low, min(int(high), low + 6))):
                yield from _parts(inner, random)
        elif kind == "subpattern":
            yield from _parts(value[3], random)
        elif kind == "branch":
            yield from _parts(random.choice(value[1]), random)


def _members(value: Sequence[Any]) -> str:
    found = ""
    for operator, each in value:
        kind = str(operator).lower()
        if kind == "negate":
            return "aĐ0"
        if kind == "literal":
            found += chr(each)
        elif kind == "range":
            low, high = each
            found += "".join(chr(point) for point in range(low, high + 1))
        elif kind == "category":
            found += _CLASSES.get(str(each).lower(), "aĐ0")
    return found
