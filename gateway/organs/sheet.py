"""The organ directory as a CSV sheet: reading lines and writing them, so that what is exported can be imported. Pure.

One line an organ. Within a cell entries are separated by `|`, the parts of a dated entry by `:`
(`000.00.21.H28::2025-07-01|H28:2025-07-01`), and parts at the end may be left out.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from pydantic import ValidationError

from contracts.messages.registry import OrganChanged
from contracts.problems import HubError

COLUMNS: Final = (
    "code", "name", "level", "kind", "superior", "valid_from", "valid_to", "aliases", "home", "successors",
    "default_successor", "administrative_unit",
)  # fmt: skip
REQUIRED: Final = ("code",)
MAX_LINES: Final = 20_000
MAX_FAULTS: Final = 20
"""Told of one line."""
SEPARATORS: Final = (",", ";")
CHUNK: Final = 500

_DEFAULTS: Final = {"kind": "organ", "home": "office"}
_FIELDS: Final = {"superior": "superiors"}
_COLUMNS: Final = {name: column for column, name in _FIELDS.items()}


@dataclass(frozen=True, slots=True)
class CellFault:
    """Which cell is wrong and how, never with what is in it."""

    column: str
    problem: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line with its number in the file, as an editor counts."""

    line: int
    cells: Mapping[str, str]
    faults: tuple[CellFault, ...] = field(default=())


def read(data: bytes) -> list[Row]:
    """The lines of a sheet; raises request.malformed or request.invalid when it is none, or too long."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise HubError("request.malformed", f"line {line}: not UTF-8") from None
    separator = max(SEPARATORS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check(header)
        return _rows(reader, header)
    except csv.Error as error:
        raise HubError("request.malformed", f"line {reader.line_num}: {error}") from None


def _check(header: list[str]) -> None:
    if unknown := [place for place, name in enumerate(header, 1) if name not in COLUMNS]:
        raise HubError("request.invalid", f"line 1: column {unknown[0]} is none of {', '.join(COLUMNS)}")
    if len(set(header)) != len(header):
        raise HubError("request.invalid", "line 1: a column is there twice")
    if missing := [name for name in REQUIRED if name not in header]:
        raise HubError("request.invalid", f"line 1: column {missing[0]} is missing")


def _rows(reader: Any, header: list[str]) -> list[Row]:
    rows: list[Row] = []
    begins = reader.line_num + 1
    for values in reader:
        if values:
            if len(rows) == MAX_LINES:
                raise HubError("size.too_large", f"more than {MAX_LINES} lines")
            rows.append(_row(begins, header, values))
        begins = reader.line_num + 1
    return rows


def _row(line: int, header: list[str], values: list[str]) -> Row:
    cells = {name: value.strip() for name, value in zip(header, values, strict=False)}
    if len(values) != len(header):
        return Row(line, cells, (CellFault("", f"the line has {len(values)} fields, the header {len(header)}"),))
    return Row(line, cells)


def entry(row: Row, held: OrganChanged | None) -> OrganChanged | tuple[CellFault, ...]:
    """The organ a line says. Of one that is held, what the sheet has no column for stays."""
    faults: list[CellFault] = []
    fields: dict[str, Any] = {} if held is None else {name: getattr(held, name) for name in OrganChanged.model_fields}
    fields["version"] = 1 if held is None else held.version
    for column, cell in row.cells.items():
        try:
            fields[_FIELDS.get(column, column)] = _value(column, cell)
        except ValueError as error:
            faults.append(CellFault(column, str(error)))
    if faults:
        return tuple(faults[:MAX_FAULTS])
    try:
        return OrganChanged.model_validate(fields)
    except ValidationError as error:
        listed = error.errors(include_url=False, include_context=False, include_input=False)
        return tuple(CellFault(column_of(str(each["loc"][0])), each["msg"]) for each in listed[:MAX_FAULTS])


def column_of(name: str) -> str:
    """The column an entry's field is written in."""
    return _COLUMNS.get(name, name)


def write(organs: Iterable[OrganChanged]) -> Iterator[bytes]:
    """The sheet, piece by piece; in order of code when the organs are."""
    piece = io.StringIO(newline="")
    writer = csv.writer(piece, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for count, organ in enumerate(organs, 1):
        writer.writerow(_cells(organ))
        if count % CHUNK == 0:
            yield piece.getvalue().encode()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue().encode()


def _value(column: str, cell: str) -> Any:
    if column == "superior":
        return [_parts(each, "organ", "valid_from", "valid_to") for each in _list(cell)]
    if column == "aliases":
        return [_parts(each, "code", "kind", "valid_from", "valid_to") for each in _list(cell)]
    if column == "successors":
        return _list(cell)
    if column in ("code", "name", "level"):
        return cell
    return cell or _DEFAULTS.get(column)


def _list(cell: str) -> list[str]:
    return [each.strip() for each in cell.split("|") if each.strip()]


def _parts(text: str, *names: str) -> dict[str, str]:
    """Parts left empty are left out, so that they have their defaults."""
    values = [value.strip() for value in text.split(":")]
    if len(values) > len(names):
        raise ValueError(f"an entry is {':'.join(names)}")
    return {name: value for name, value in zip(names, values, strict=False) if value}


def _cells(organ: OrganChanged) -> list[str]:
    return [
        organ.code,
        organ.name,
        organ.level.value,
        organ.kind,
        "|".join(_joined(fact.organ, _day(fact.valid_from), _day(fact.valid_to)) for fact in organ.superiors),
        _day(organ.valid_from),
        _day(organ.valid_to),
        "|".join(
            _joined(alias.code, alias.kind, _day(alias.valid_from), _day(alias.valid_to)) for alias in organ.aliases
        ),
        organ.home,
        "|".join(organ.successors),
        organ.default_successor or "",
        organ.administrative_unit or "",
    ]


def _joined(*parts: str) -> str:
    return ":".join(parts).rstrip(":")


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()
