"""Reads organs from CSV files: the seed of a new hub. What is written to the registry is decided elsewhere.

A file or a folder of files. Columns are in SOURCES.md. Every fault is reported with its file and line, all at once.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from contracts.identifiers import organ_key
from contracts.messages.registry import OrganChanged

COLUMNS: Final = (
    "code", "name", "level", "kind", "superior", "home", "valid_from", "valid_to",
    "aliases", "successors", "default_successor", "unit_id",
)  # fmt: skip


class SeedError(ValueError):
    """The files cannot be used; `faults` are sentences that begin with file and line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class _Line:
    place: str
    organ: OrganChanged


@dataclass(frozen=True, slots=True)
class _Claim:
    """A code that means an organ for some time."""

    place: str
    organ: str
    valid_from: date
    valid_to: date

    def meets(self, other: "_Claim") -> bool:
        return self.organ != other.organ and self.valid_from < other.valid_to and other.valid_from < self.valid_to


def read(path: Path) -> list[OrganChanged]:
    """The organs in file order, each as version 1. Raises `SeedError` with every fault found."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files:
        raise SeedError([f"{path}: holds no CSV file"])
    faults: list[str] = []
    lines = [line for file in files for line in _read_file(file, faults)]
    faults += [*_twice(lines), *_strangers(lines)]
    if faults:
        raise SeedError(faults)
    return [line.organ for line in lines]


def _read_file(path: Path, faults: list[str]) -> Iterator[_Line]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        faults.append(f"{path}: {error.strerror}")
        return
    except UnicodeDecodeError:
        faults.append(f"{path}: not UTF-8")
        return
    reader = csv.DictReader(text.splitlines(), restkey="too many", restval=None, strict=True)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        faults.append(f"{path.name}:1: the columns must be {','.join(COLUMNS)}")
        return
    try:
        for row in reader:
            place = f"{path.name}:{reader.line_num}"
            organ = _organ(row, place, faults)
            if organ is not None:
                yield _Line(place, organ)
    except csv.Error as error:
        faults.append(f"{path.name}:{reader.reader.line_num}: {error}")


def _organ(row: dict[str, Any], place: str, faults: list[str]) -> OrganChanged | None:
    if "too many" in row or None in row.values():
        faults.append(f"{place}: the line must have {len(COLUMNS)} fields")
        return None
    fields = {name: text.strip() for name, text in row.items()}
    try:
        organ = OrganChanged.model_validate(_payload(fields))
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            where = ".".join(str(step) for step in fault["loc"])
            faults.append(f"{place}: {where}: {fault['msg']}")
        return None
    except ValueError as error:
        faults.append(f"{place}: {error}")
        return None
    return organ


def _payload(fields: dict[str, str]) -> dict[str, Any]:
    return {
        "code": fields["code"],
        "version": 1,
        "name": fields["name"],
        "level": fields["level"],
        "kind": fields["kind"],
        "superiors": [
            _parts("superior", entry, "organ", "valid_from", "valid_to") for entry in _list(fields["superior"])
        ],
        "aliases": [
            _parts("aliases", entry, "code", "kind", "valid_from", "valid_to") for entry in _list(fields["aliases"])
        ],
        "home": fields["home"],
        "valid_from": fields["valid_from"] or None,
        "valid_to": fields["valid_to"] or None,
        "successors": _list(fields["successors"]),
        "default_successor": fields["default_successor"] or None,
        "administrative_unit": fields["unit_id"] or None,
    }


def _list(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(";") if entry.strip()]


def _parts(column: str, entry: str, *names: str) -> dict[str, str | None]:
    values = entry.split(":")
    if len(values) != len(names):
        raise ValueError(f"{column}: an entry is {':'.join(names)}, parts may be empty")
    return {name: value or None for name, value in zip(names, values, strict=True)}


def _twice(lines: Iterable[_Line]) -> Iterator[str]:
    """Two organs with one code, or one name for two organs at the same time."""
    own: dict[str, str] = {}
    claims: dict[str, list[_Claim]] = {}
    for line in lines:
        key = organ_key(line.organ.code)
        if key in own:
            yield f"{line.place}: code: already given in {own[key]}"
            continue
        own[key] = line.place
        for written, claim in _claims(line):
            rivals = [other for other in claims.setdefault(written, []) if claim.meets(other)]
            if rivals:
                yield f"{line.place}: {written} means another organ at the same time, see {rivals[0].place}"
            claims[written].append(claim)


def _claims(line: _Line) -> Iterator[tuple[str, _Claim]]:
    organ = line.organ
    start, end = organ.valid_from or date.min, organ.valid_to or date.max
    yield organ_key(organ.code), _Claim(line.place, organ.code, start, end)
    for alias in organ.aliases:
        alias_start, alias_end = max(alias.valid_from or date.min, start), min(alias.valid_to or date.max, end)
        yield organ_key(alias.code), _Claim(line.place, organ.code, alias_start, alias_end)


def _strangers(lines: list[_Line]) -> Iterator[str]:
    """References to organs that are not in the files, and a default that is no successor."""
    known = {organ_key(line.organ.code) for line in lines}
    for line in lines:
        organ = line.organ
        for column, codes in (
            ("superior", [fact.organ for fact in organ.superiors]),
            ("successors", organ.successors),
        ):
            for code in codes:
                if organ_key(code) not in known:
                    yield f"{line.place}: {column}: there is no organ {code}"
        if organ.default_successor and organ.default_successor not in organ.successors:
            yield f"{line.place}: default_successor: is not among the successors"
