"""What a sheet would do, line by line: order does not matter, one mistake is told once, good lines can stand alone."""

import random
from typing import Any

from contracts.messages.registry import Alias, OrganChanged
from gateway.organs import sheet
from gateway.organs.importing import Plan

PROVINCE = OrganChanged.model_validate({"code": "H28", "version": 3, "name": "Tỉnh", "level": "province"})
HEADER = "code,name,level,superior,valid_to,successors,aliases"


def plan(*lines: str, present: tuple[OrganChanged, ...] = (PROVINCE,), partial: bool = False) -> Plan:
    return Plan(sheet.read("\n".join((HEADER, *lines)).encode()), present, partial=partial)


def outcomes(made: Plan) -> dict[int, str]:
    return {line.row.line: line.outcome for line in made.lines}


def errors(made: Plan) -> dict[int, list[str]]:
    report: list[dict[str, Any]] = made.report(dry_run=True)["report"]
    return {item["line"]: [error["column"] for error in item["errors"]] for item in report if item["errors"]}


def test_lines_may_name_one_another_in_any_order() -> None:
    lines = ["C1,Xã,commune,D1,,,", "D1,Huyện,district,000.H28,2025-07-01,C1,", "H28,Tỉnh,province,,,,000.H28"]
    for seed in range(6):
        random.Random(seed).shuffle(lines)
        made = plan(*lines)
        assert sorted(outcomes(made).values()) == ["changed", "created", "created"]
        assert {entry.code: [fact.organ for fact in entry.superiors] for entry in made.entries}["D1"] == ["H28"]


def test_what_is_there_already_is_unchanged() -> None:
    made = plan("h28,Tỉnh,province,,,,", "H28,Tỉnh,province,,,,")
    assert outcomes(made) == {2: "changed", 3: "refused"}
    assert outcomes(plan("H28,Tỉnh,province,,,,")) == {2: "unchanged"}


def test_one_mistake_is_told_once() -> None:
    made = plan("D1,Huyện,village,H28,,,", "C1,Xã,commune,D1,,,", "C2,Xã,commune,D2,,,")
    assert errors(made) == {2: ["level"], 4: ["superior"]}


def test_with_partial_what_leans_on_a_refused_line_is_refused_too() -> None:
    lines = ("D1,Huyện,village,H28,,,", "C1,Xã,commune,D1,,,", "T1,Thôn,commune,C1,,,", "C9,Xã,commune,H28,,,")
    made = plan(*lines, partial=True)
    assert outcomes(made) == {2: "refused", 3: "refused", 4: "refused", 5: "created"}
    assert [entry.code for entry in made.entries] == ["C9"]


def test_a_refused_change_leaves_the_organ_others_may_name() -> None:
    made = plan("H28,Tỉnh,province,H28,,,", "C1,Xã,commune,H28,,,", partial=True)
    assert outcomes(made) == {2: "refused", 3: "created"}


def test_code_freed_by_a_line_that_is_refused_is_not_free() -> None:
    held = PROVINCE.model_copy(update={"aliases": [Alias(code="X1")]})
    taking = "C1,Xã,commune,,,,X1"
    freed = plan("H28,Tỉnh,province,,,,", taking, present=(held,), partial=True)
    assert outcomes(freed) == {2: "changed", 3: "created"}
    made = plan("H28,Tỉnh,province,nobody,,,", taking, present=(held,), partial=True)
    assert outcomes(made) == {2: "refused", 3: "refused"}
    assert errors(made)[3] == ["aliases"]


def test_code_given_twice_is_refused_the_second_time() -> None:
    made = plan("C1,Xã,commune,H28,,,", "c1,Xã,commune,H28,,,", partial=True)
    assert (outcomes(made), errors(made)) == ({2: "created", 3: "refused"}, {3: ["code"]})


def test_circle_within_the_sheet_is_refused() -> None:
    made = plan("C1,Xã,commune,C2,,,", "C2,Xã,commune,C1,,,")
    assert errors(made) == {2: ["superior"], 3: ["superior"]}


def test_report_is_bounded_and_shows_refused_lines_first() -> None:
    made = plan(*(f"C{number},Xã,commune,H28,,," for number in range(1100)), "D1,Huyện,village,,,,")
    report = made.report(dry_run=False)
    assert (report["lines"], report["created"], report["refused"], report["omitted"]) == (1101, 1100, 1, 101)
    assert report["report"][0] == {
        "line": 1102, "code": "D1", "outcome": "refused",
        "errors": [{"column": "level", "problem": report["report"][0]["errors"][0]["problem"]}],
    }  # fmt: skip
    assert len(report["report"]) == 1000


def test_lines_that_go_on_breaking_one_another_come_to_an_end() -> None:
    """Each line takes the code that the one before gives up, and the first one cannot give up its own."""
    present = tuple(
        OrganChanged.model_validate(
            {"code": f"C{n}", "version": 1, "name": "Xã", "level": "commune", "aliases": [{"code": f"X{n}"}]}
        )
        for n in range(60)
    )
    made = plan(
        "C0,Xã,commune,nobody,,,",
        *(f"C{n},Xã,commune,,,,X{n - 1}" for n in range(1, 60)),
        present=present,
        partial=True,
    )
    assert set(outcomes(made).values()) == {"refused"}
