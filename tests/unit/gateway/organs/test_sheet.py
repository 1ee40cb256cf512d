"""The directory as CSV: what is written reads back the same, and what cannot be read is told by line and column."""

from typing import Any

import pytest

from contracts.messages.registry import OrganChanged
from contracts.problems import HubError
from deploy import seeding
from deploy.seed.load import read as read_seed
from gateway.organs import sheet
from gateway.organs.sheet import COLUMNS, MAX_LINES

HELD = OrganChanged.model_validate(
    {"code": "A1", "version": 4, "name": "Cũ", "level": "commune", "suspended": True, "kind": "committee",
     "aliases": [{"code": "X1"}], "administrative_unit": "17.1"}
)  # fmt: skip


def entry(text: str, held: OrganChanged | None = None) -> Any:
    rows = sheet.read(text.encode())
    assert len(rows) == 1
    return sheet.entry(rows[0], held)


@pytest.mark.parametrize("seed", seeding.SEEDS)
def test_what_is_written_reads_back_the_same(seed: str) -> None:
    organs = read_seed(seeding.SEEDS[seed])
    rows = sheet.read(b"".join(sheet.write(organs)))
    assert [sheet.entry(row, None) for row in rows] == organs


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_spellings_of_the_same_sheet(mark: str, separator: str, end: str) -> None:
    lines = (("name", "code", "level"), ('"Sở, ""Y tế""; và khác"', "A1", "province"), (), ("B", "B1", "commune"))
    text = mark + end.join(separator.join(line) for line in lines)
    rows = sheet.read(text.encode())
    assert [(row.line, row.cells["code"], row.cells["name"]) for row in rows] == [
        (2, "A1", 'Sở, "Y tế"; và khác'),
        (4, "B1", "B"),
    ]


def test_lines_are_counted_as_an_editor_does() -> None:
    rows = sheet.read(b'code,name\r\nA1,"two\nlines"\r\nB1,one')
    assert [row.line for row in rows] == [2, 4]


def test_new_organ_has_defaults_and_shortened_entries() -> None:
    made = entry("code,name,level,superior,aliases\nA1,Tên,commune,H28|D1::2025-07-01,X1|X2:new:2025-07-01")
    assert (made.kind, made.home, made.version) == ("organ", "office", 1)
    assert [(fact.organ, fact.valid_to is None) for fact in made.superiors] == [("H28", True), ("D1", False)]
    assert [(alias.code, alias.kind) for alias in made.aliases] == [("X1", "old"), ("X2", "new")]


def test_fields_without_a_column_are_kept_and_empty_cells_empty_them() -> None:
    made = entry("code,name,aliases\nA1,Mới,", HELD)
    assert made == HELD.model_copy(update={"name": "Mới", "aliases": []})
    assert entry("code,kind\nA1,", HELD).kind == "organ"


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("?,Tên,commune,,", "code"),
        ("A1,,commune,,", "name"),
        ("A1,Tên,village,,", "level"),
        ("A1,Tên,commune,H28:a:b:c,", "superior"),
        ("A1,Tên,commune,H28:yesterday,", "superior"),
        ("A1,Tên,commune,,X1:former", "aliases"),
        ("A1,Tên,commune,,:old", "aliases"),
        ("A1,Tê\x00n,commune,,", "name"),
    ],
)
def test_faults_name_their_column_and_not_its_content(line: str, column: str) -> None:
    faults = entry(f"code,name,level,superior,aliases\n{line}")
    assert {fault.column for fault in faults} == {column}
    assert all("yesterday" not in fault.problem and "former" not in fault.problem for fault in faults)


def test_lines_of_another_width_are_told() -> None:
    rows = sheet.read(b"code,name\nA1\nB1,b,c")
    assert [[fault.column for fault in row.faults] for row in rows] == [[""], [""]]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"code\n\xff", "request.malformed"),
        (b'code\n"A1', "request.malformed"),
        (b"", "request.invalid"),
        (b"name\nA1", "request.invalid"),
        (b"code,colour\nA1,red", "request.invalid"),
        (b"code,code\nA1,A1", "request.invalid"),
        (b"code\n" + b"A1\n" * (MAX_LINES + 1), "size.too_large"),
        (b'code\n"' + b"x" * 200_000 + b'"', "request.malformed"),
    ],
)
def test_what_is_no_sheet_is_refused_as_a_whole(data: bytes, code: str) -> None:
    with pytest.raises(HubError) as raised:
        sheet.read(data)
    assert raised.value.code == code


def test_columns_are_those_documented() -> None:
    assert next(sheet.write([])).decode() == ",".join(COLUMNS) + "\r\n"
