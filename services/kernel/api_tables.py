"""Tables and examples of an API's page, made from its schemas."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from contracts.causes.cause import Words
from services.kernel import data_tables
from services.kernel.api_calls import examples
from services.kernel.markup import Markup, element, joined
from services.kernel.page_frame import beside
from services.kernel.prose import inline
from services.kernel.schema_fields import Field, Schemas

Json = Mapping[str, Any]

NAME: Final = Words("Tên", "Name")
TYPE: Final = Words("Kiểu", "Type")
WHERE: Final = Words("Ở đâu", "Where")
REQUIRED: Final = Words("Bắt buộc", "Required")
PRESENT: Final = Words("Luôn có", "Present")
MEANING: Final = Words("Ý nghĩa", "Meaning")
_EXAMPLE: Final = Words("Ví dụ", "Example")
_FIELDS: Final = Words("Các trường", "Fields")
_CLOSED: Final = Words("Trường không có trong bảng bị từ chối.", "Members that are not listed are refused.")
_SHORT_LINES: Final = 16
_SHORT_ROWS: Final = 14


def table(caption: Iterable[str], columns: Iterable[Words], rows: Iterable[Sequence[Markup]]) -> Markup:
    """The first cell of a row is its heading."""
    return data_tables.table(caption, [joined(beside(name)) for name in columns], rows)


def fields_table(caption: Iterable[str], fields: Iterable[Field], presence: Words) -> Markup:
    rows = [
        (
            _named(field),
            inline(field.type),
            _presence(presence, field.required),
            meaning(field.description, field.limits),
        )
        for field in fields
    ]
    return table(caption, (NAME, TYPE, presence, MEANING), rows)


def parameters_table(caption: Iterable[str], parameters: Iterable[Json], schemas: Schemas) -> Markup:
    rows = [
        (
            element("code", each["name"]),
            joined([each["in"]]),
            inline(schemas.type_of(each.get("schema", {}))),
            _presence(REQUIRED, bool(each.get("required"))),
            meaning(each.get("description", ""), schemas.limits(each.get("schema", {}))),
        )
        for each in parameters
    ]
    return table(caption, (NAME, WHERE, TYPE, REQUIRED, MEANING), rows)


def kinds(content: Json, schemas: Schemas, presence: Words, *, foldable: bool = False) -> Markup:
    """What a body may be: each kind with its members and examples; kinds of the same schema together."""
    grouped: dict[str, list[str]] = {}
    for media_type, told in content.items():
        grouped.setdefault(json.dumps(told.get("schema", {}), sort_keys=True), []).append(media_type)
    parts: list[Markup] = []
    for media_types in grouped.values():
        told = content[media_types[0]]
        parts.append(_kind(media_types, told.get("schema", {}), schemas, presence, foldable=foldable))
        parts.append(examples_of(told))
    return joined(parts)


def examples_of(content: Json) -> Markup:
    return joined([_example(name, value) for name, value in examples(content).items()])


def meaning(description: str, limits: Sequence[str]) -> Markup:
    told = [inline(" ".join(description.split()))] if description else []
    if limits:
        told.append(element("small", inline("; ".join(limits))))
    return joined(told)


def fold(title: Iterable[str], content: Markup, *, is_open: bool) -> Markup:
    attributes = {"open": "open"} if is_open else {}
    return element("details", element("summary", *title), content, attributes=attributes)


def shell(lines: str) -> Markup:
    return element("pre", element("code", lines))


def _kind(media_types: Sequence[str], schema: Json, schemas: Schemas, presence: Words, *, foldable: bool) -> Markup:
    kind, told = schemas.type_of(schema), schemas.description(schema)
    line = ", ".join(f"`{media_type}`" for media_type in media_types) + f": {kind}"
    intro = [element("p", inline(line))]
    if told:
        intro.append(element("p", inline(" ".join(told.split()))))
    fields = schemas.fields(schema)
    if not fields:
        return joined(intro)
    if presence is REQUIRED and schemas.is_closed(schema):
        intro.append(element("p", *beside(_CLOSED)))
    shown = fields_table([inline(kind)], fields, presence)
    if foldable and len(fields) > _SHORT_ROWS:
        shown = fold([*beside(_FIELDS), f" ({len(fields)})"], shown, is_open=False)
    return joined([*intro, shown])


def _example(name: str, value: Any) -> Markup:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    title = [*beside(_EXAMPLE)] + ([": ", element("code", name)] if name not in ("", "answer") else [])
    return fold(title, shell(text), is_open=text.count("\n") < _SHORT_LINES)


def _named(field: Field) -> Markup:
    steps = [step for part in field.path.split(".")[:-1] for step in (f"{part}.", element("wbr"))]
    path = [element("span", *steps, attributes={"class": "path"})] if steps else []
    return element("code", *path, field.name)


def _presence(column: Words, required: bool) -> Markup:
    if not required:
        return joined(["optional"])
    return element("strong", "required" if column is REQUIRED else "always")
