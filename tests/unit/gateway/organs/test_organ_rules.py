"""What an entry of the directory must keep to beside the others, each fault with its place."""

from typing import Any

import pytest

from contracts.messages.registry import OrganChanged
from gateway.organs.rules import Fault, Scene, brought, canonical, judge, with_entry

REFORM = "2025-07-01"


def organ(code: str, level: str = "commune", **fields: Any) -> OrganChanged:
    return OrganChanged.model_validate(
        {"code": code, "version": 1, "name": f"Cơ quan {code}", "level": level, **fields}
    )


CENTRAL = organ("G22", "central", home="axis")
PROVINCE = organ("H28", "province", aliases=[{"code": "000.00.00.H28"}])
DISTRICT = organ("D1", "district", valid_to=REFORM, successors=["C1"], superiors=[{"organ": "H28"}])
COMMUNE = organ("C1", superiors=[{"organ": "D1", "valid_to": REFORM}, {"organ": "H28", "valid_from": REFORM}])
OTHERS = (CENTRAL, PROVINCE, DISTRICT, COMMUNE)


def faults(entry: OrganChanged, held: OrganChanged | None = None) -> list[Fault]:
    return judge(entry, Scene(with_entry(OTHERS, entry)), held)


def test_entries_that_fit_one_another_have_no_fault() -> None:
    scene = Scene(OTHERS)
    assert [judge(entry, scene) for entry in OTHERS] == [[], [], [], []]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"valid_from": REFORM, "valid_to": REFORM}, "/valid_to"),
        ({"superiors": [{"organ": "H28", "valid_from": REFORM, "valid_to": "2025-06-30"}]}, "/superiors/0/valid_to"),
        ({"aliases": [{"code": "X1", "valid_from": REFORM, "valid_to": REFORM}]}, "/aliases/0/valid_to"),
        ({"superiors": [{"organ": "nobody"}]}, "/superiors/0/organ"),
        ({"superiors": [{"organ": "a1"}]}, "/superiors/0/organ"),
        ({"level": "province", "superiors": [{"organ": "D1"}]}, "/superiors/0/organ"),
        ({"superiors": [{"organ": "H28"}, {"organ": "D1", "valid_to": REFORM}]}, "/superiors/1/valid_from"),
        ({"aliases": [{"code": "c1"}]}, "/aliases/0/code"),
        ({"aliases": [{"code": "000.00.00.h28"}]}, "/aliases/0/code"),
        ({"aliases": [{"code": "a1"}]}, "/aliases/0/code"),
        ({"aliases": [{"code": "X1", "valid_to": REFORM}, {"code": "x1"}]}, "/aliases/1/code"),
        ({"home": "axis"}, "/home"),
        ({"level": "central"}, "/home"),
        ({"successors": ["C1"]}, "/successors"),
        ({"valid_to": REFORM, "successors": ["nobody"]}, "/successors/0"),
        ({"valid_to": REFORM, "successors": ["A1"]}, "/successors/0"),
        ({"valid_to": REFORM, "successors": ["C1"], "default_successor": "H28"}, "/default_successor"),
    ],
)
def test_each_fault_names_its_place(fields: dict[str, Any], pointer: str) -> None:
    assert [fault.pointer for fault in faults(organ("A1", **fields))] == [pointer]


@pytest.mark.parametrize(
    "fields",
    [
        {"superiors": [{"organ": "C1"}]},
        {"home": "vxp"},
        {"level": "central", "home": "vxp"},
        {"aliases": [{"code": "D1", "valid_from": REFORM}]},
        {"aliases": [{"code": "X1", "valid_to": REFORM}, {"code": "X1", "kind": "closed", "valid_from": REFORM}]},
        {"valid_to": REFORM, "successors": ["C1", "H28"]},
        {"valid_from": REFORM, "superiors": [{"organ": "H28", "valid_from": REFORM}]},
    ],
)
def test_what_may_be(fields: dict[str, Any]) -> None:
    """A superior of the same level, a code that is free again, successors without a default."""
    assert faults(organ("A1", **fields)) == []


def test_code_of_another_organ_is_taken_only_while_that_one_bears_it() -> None:
    closed = organ("OLD", valid_to=REFORM)
    for begins, count in (("2025-06-30", 1), (REFORM, 0)):
        entry = organ("A1", valid_from=begins, aliases=[{"code": "OLD"}])
        assert len(judge(entry, Scene([*OTHERS, closed, entry]))) == count


def test_of_two_that_want_a_code_the_first_has_it() -> None:
    first, second = organ("A1", aliases=[{"code": "X1"}]), organ("A2", aliases=[{"code": "X1"}])
    scene = Scene([first, second])
    assert judge(first, scene) == []
    assert [fault.pointer for fault in judge(second, scene)] == ["/aliases/0/code"]


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ({}, {}, 1),
        ({"valid_to": REFORM}, {"valid_from": REFORM}, 0),
        ({"valid_to": REFORM}, {"valid_from": "2025-06-30"}, 1),
    ],
)
def test_superiors_go_round_in_no_circle_at_any_date(first: dict[str, str], second: dict[str, str], count: int) -> None:
    one = organ("A1", superiors=[{"organ": "A2", **first}])
    other = organ("A2", superiors=[{"organ": "A1", **second}])
    assert len(judge(one, Scene([one, other]))) == count


def test_long_circles_are_found_and_long_chains_are_none() -> None:
    chain = [organ(f"A{number}", superiors=[{"organ": f"A{number + 1}"}]) for number in range(300)]
    top = organ("A300")
    assert judge(chain[0], Scene([*chain, top])) == []
    ring = organ("A300", superiors=[{"organ": "A0"}])
    assert [fault.pointer for fault in judge(chain[0], Scene([*chain, ring]))] == ["/superiors/0/organ"]


def test_successors_go_round_in_no_circle() -> None:
    one = organ("A1", valid_to=REFORM, successors=["A2"])
    other = organ("A2", valid_to=REFORM, successors=["A1"])
    assert [fault.pointer for fault in judge(one, Scene([one, other]))] == ["/successors/0"]


def test_level_stays_above_the_organs_below() -> None:
    lower = organ("H28", "commune")
    assert [fault.pointer for fault in faults(lower, held=PROVINCE)] == ["/level"]
    assert faults(organ("C1", "district", superiors=[{"organ": "H28"}]), held=COMMUNE) == []


def test_references_are_kept_by_own_codes() -> None:
    entry = organ(
        "A1", valid_to=REFORM, superiors=[{"organ": "000.00.00.h28"}], successors=["c1", "C1"], default_successor="c1"
    )
    fixed = canonical(entry, Scene(with_entry(OTHERS, entry)))
    assert fixed.superiors[0].organ == "H28"
    assert (fixed.successors, fixed.default_successor) == (["C1"], "C1")


def test_an_alias_that_changed_hands_means_who_bears_it_last() -> None:
    before = organ("A1", aliases=[{"code": "X", "valid_to": REFORM}])
    after = organ("A2", aliases=[{"code": "X", "valid_from": REFORM}])
    assert Scene([after, before]).find("x") == after


def test_a_change_answers_for_its_own_faults_only() -> None:
    held = organ("A1", superiors=[{"organ": "nobody"}])
    before = Scene(with_entry(OTHERS, held))
    suspended = held.model_copy(update={"suspended": True})
    worse = held.model_copy(update={"home": "axis"})
    for entry, pointers in ((suspended, []), (worse, ["/home"])):
        found = brought(faults(entry, held), entry, held, before)
        assert [fault.pointer for fault in found] == pointers
