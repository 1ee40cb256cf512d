"""The seed: readable, without contradictions, and true to the facts of both administrations."""

import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from contracts import registry
from contracts.directory import UNDECIDED, Directory
from contracts.levels import Level
from contracts.messages.registry import OrganChanged
from deploy.seed import load
from deploy.seed.load import SeedError, read

SEED = Path(load.__file__).parent
DEFAULT, FULL = SEED / "hoa-binh.csv", SEED / "full"
BEFORE, REFORM = date(2025, 6, 30), date(2025, 7, 1)
LINE = "H28,Ủy ban nhân dân tỉnh Hòa Bình,province,committee,,office,,,000.00.00.H28:old::,,,63.17"


@pytest.fixture(scope="module")
def default() -> list[OrganChanged]:
    return read(DEFAULT)


@pytest.fixture(scope="module")
def full() -> Directory:
    return Directory.from_organs(read(FULL))


def write(folder: Path, *lines: str) -> Path:
    path = folder / "seed.csv"
    path.write_text("\n".join([",".join(load.COLUMNS), *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("path", [DEFAULT, FULL], ids=["default", "full"])
def test_every_organ_fits_the_contract(path: Path) -> None:
    for organ in read(path):
        value = organ.model_dump_json().encode()
        assert registry.validate("organ.changed/v1", value) is None
        assert organ.name == unicodedata.normalize("NFC", organ.name)


def test_default_seed_is_one_province_without_dates(default: list[OrganChanged]) -> None:
    kinds = Counter((organ.level, organ.kind) for organ in default)
    assert kinds[Level.PROVINCE, "committee"] == 1
    assert kinds[Level.PROVINCE, "department"] == 20
    assert kinds[Level.DISTRICT, "committee"] == 10
    assert kinds[Level.COMMUNE, "committee"] == 151
    assert all(organ.valid_from is None and organ.valid_to is None for organ in default)
    assert all((organ.home == "axis") is (organ.level is Level.CENTRAL) for organ in default)


def test_default_seed_knows_each_organ_in_both_forms(default: list[OrganChanged]) -> None:
    directory = Directory.from_organs(default)
    for organ in default:
        other = reverse(organ.code)
        found = directory.find(other, REFORM)
        assert found is not None, other
        assert found.code == organ.code


def reverse(code: str) -> str:
    """Old form to new by the rule; of the central organs, new to old."""
    if code.count(".") == 0:
        return f"000.00.00.{code}"
    return ".".join(group for group in reversed(code.split(".")) if set(group) != {"0"})


def test_superiors_lead_from_commune_to_province(default: list[OrganChanged]) -> None:
    directory = Directory.from_organs(default)
    commune = directory.superior("000.03.21.H28", REFORM)
    assert commune is not None
    assert commune.code == "000.00.21.H28"
    for organ in default:
        superior = directory.superior(organ.code, REFORM)
        above = {Level.COMMUNE: Level.DISTRICT, Level.DISTRICT: Level.PROVINCE}.get(organ.level)
        if organ.kind == "department":
            above = Level.PROVINCE
        assert (superior.level if superior else None) == above, organ.code


def test_letters_to_a_closed_ministry_reach_the_one_that_took_over(default: list[OrganChanged]) -> None:
    resolution = Directory.from_organs(default).resolve("000.00.00.G05", REFORM)
    assert resolution.organ is not None
    assert (resolution.organ.code, resolution.redirected_from) == ("G12", "000.00.00.G05")


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("H28", "000.00.00.H28", "H44"),
        ("H62", "000.00.00.H62", "H44"),
        ("H44", "000.00.00.H44", "H44"),
        ("000.00.00.H44", "000.00.00.H44", "H44"),
        ("H28.21.03", "000.03.21.H28", "H44.103"),
        ("000.17.22.H28", "000.17.22.H28", "H44.111"),
        ("000.00.03.H28", "000.00.03.H28", "H44.02"),
        ("G05", "G12", "G12"),
    ],
)
def test_codes_mean_what_they_meant_at_the_date(full: Directory, code: str, before: str, after: str) -> None:
    found = [full.resolve(code, on).organ for on in (BEFORE, REFORM)]
    assert [organ.code if organ else None for organ in found] == [before, after]


def test_reform_leaves_no_commune_without_a_successor(full: Directory) -> None:
    old = [organ for organ in full if organ.level is Level.COMMUNE and organ.valid_to == REFORM]
    assert len(old) == 151 + 207 + 121
    for organ in old:
        successor = full.resolve(organ.code, REFORM).organ
        assert successor is not None, organ.code
        assert successor.valid_from == REFORM
        assert successor.level is Level.COMMUNE


def test_reform_leaves_the_work_of_districts_to_a_person(full: Directory) -> None:
    districts = [organ for organ in full if organ.level is Level.DISTRICT]
    assert len(districts) == 10 + 13 + 9
    assert {full.resolve(organ.code, REFORM).problem for organ in districts} == {UNDECIDED}
    assert {full.resolve(organ.code, BEFORE).problem for organ in districts} == {None}


def test_new_province_has_148_communes_right_below_it(full: Directory) -> None:
    new = [organ for organ in full if organ.level is Level.COMMUNE and organ.valid_from == REFORM]
    superiors = {superior.code for organ in new if (superior := full.superior(organ.code, REFORM))}
    assert len(new) == 148
    assert superiors == {"H44"}


def test_reads_every_column(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        LINE,
        "H44, Tỉnh Phú Thọ ,province,committee,,vxp,2025-07-01,,,,,34.25",
        "H28.01,Sở Nội vụ,province,department,H28::2025-07-01;H44:2025-07-01:,office,,2025-07-01,,H44;H28,H44,",
    )
    province, merged, department = read(path)
    assert province.version == 1
    assert province.administrative_unit == "63.17"
    assert (merged.name, merged.home, merged.valid_from) == ("Tỉnh Phú Thọ", "vxp", REFORM)
    assert [(fact.organ, fact.valid_from, fact.valid_to) for fact in department.superiors] == [
        ("H28", None, REFORM),
        ("H44", REFORM, None),
    ]
    assert (department.successors, department.default_successor) == (["H44", "H28"], "H44")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (LINE.replace("H28,", "H 28,", 1), "seed.csv:2: code:"),
        (LINE.replace("province", "tỉnh"), "seed.csv:2: level:"),
        (LINE.replace("office", "post"), "seed.csv:2: home:"),
        (LINE.replace(",,office,,,", ",,office,01/07/2025,,"), "seed.csv:2: valid_from:"),
        (LINE.replace(":old::", ":old"), "seed.csv:2: aliases: an entry is code:kind:valid_from:valid_to"),
        (LINE.replace(":old::", ":former::"), "seed.csv:2: aliases.0.kind:"),
        (LINE.replace(",,office", ",H29::,office"), "seed.csv:2: superior: there is no organ H29"),
        (LINE.replace(",,,63.17", ",H29,,63.17"), "seed.csv:2: successors: there is no organ H29"),
        (LINE.replace(",,,63.17", ",,H29,63.17"), "seed.csv:2: default_successor: is not among the successors"),
        (LINE + ",more", "seed.csv:2: the line must have 12 fields"),
        ("H28,too short", "seed.csv:2: the line must have 12 fields"),
        (LINE.replace("H28,Ủy", 'H28,"Ủy'), "seed.csv:2: unexpected end of data"),
    ],
)
def test_names_the_line_and_the_column_at_fault(tmp_path: Path, line: str, fault: str) -> None:
    with pytest.raises(SeedError) as caught:
        read(write(tmp_path, line))
    assert any(sentence.startswith(fault) for sentence in caught.value.faults), caught.value.faults


def test_reports_all_faults_at_once(tmp_path: Path) -> None:
    with pytest.raises(SeedError) as caught:
        read(write(tmp_path, LINE.replace("province", "x"), LINE, LINE.replace("office", "x")))
    assert [sentence.split(": ")[0] for sentence in caught.value.faults] == ["seed.csv:2", "seed.csv:4"]


def test_refuses_one_code_for_two_organs(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"seed\.csv:3: code: already given in seed\.csv:2"):
        read(write(tmp_path, LINE, LINE.replace("H28,", "h28,", 1).replace("000.00.00.H28:old::", "")))


@pytest.mark.parametrize(("start", "allowed"), [("2025-07-01", True), ("2025-06-30", False), ("", False)])
def test_one_name_may_pass_on_but_not_overlap(tmp_path: Path, start: str, allowed: bool) -> None:
    first = LINE.replace(",,office,,,", ",,office,,2025-07-01,")
    second = LINE.replace("H28,", "H44,", 1).replace(":old::", f":old:{start}:")
    if allowed:
        assert len(read(write(tmp_path, first, second))) == 2
        return
    with pytest.raises(SeedError, match=r"seed\.csv:3: 000\.00\.00\.H28 means another organ at the same time"):
        read(write(tmp_path, first, second))


@pytest.mark.parametrize("content", [b"", b"code,name\nH28,x\n", b"\xff\xfe"], ids=["empty", "other-columns", "utf-16"])
def test_refuses_another_kind_of_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.csv").write_bytes(content)
    with pytest.raises(SeedError, match=r"other\.csv"):
        read(tmp_path / "other.csv")


def test_refuses_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="missing"):
        read(tmp_path / "missing.csv")
    with pytest.raises(SeedError, match="no CSV file"):
        read(tmp_path)


def test_takes_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "seed.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([",".join(load.COLUMNS), LINE, ""]).encode())
    assert [organ.code for organ in read(path)] == ["H28"]
