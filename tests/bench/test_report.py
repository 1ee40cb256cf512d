"""The table, the line and the JSON of a run; nothing is measured here."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.bench import readme, report
from tests.bench.figure import Figure, Goal, Value

RATE = Goal(target=1.5, least=1.0, stretch=2.5)
WAIT = Goal(target=1.5, least=3.0, stretch=1.1, low=True)
ABOUT: dict[str, Any] = {
    "on": "2024-06-03", "cores": 2, "processor": "Model", "memory_gib": 8, "system": "Linux 6.1", "python": "3.11.7",
    "quick": False, "seconds": 61.2, "parts": {"posts": 40.4, "journey": 12.0},
}  # fmt: skip


def figure(**changes: object) -> Figure:
    fields: dict[str, object] = {"name": "post.64", "title": "POST", "unit": "requests/s", "goal": RATE}
    fields |= {"ours": Value([150, 100, 120]), "floor": Value([100.0])}
    return Figure(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        (RATE, 2.5, "stretch"),
        (RATE, 1.5, "target"),
        (RATE, 1.49, "short_of_target"),
        (RATE, 0.99, "short_of_least"),
        (WAIT, 1.1, "stretch"),
        (WAIT, 1.5, "target"),
        (WAIT, 2.9, "short_of_target"),
        (WAIT, 3.1, "short_of_least"),
    ],
)
def test_a_goal_judges_in_both_directions(goal: Goal, value: float, verdict: str) -> None:
    assert goal.judge(value) == verdict


def test_a_value_is_the_median_with_half_its_range() -> None:
    value = Value([90.0, 120.0, 100.0])

    assert value.median == 100.0
    assert value.spread == pytest.approx(0.15)
    assert Value([7.0]).spread == 0.0


def test_what_is_void_is_never_met() -> None:
    void = figure(ours=Value([1_000.0]), void="3 of those accepted were not handed over")

    assert (void.ratio, void.verdict) == (10.0, "void")
    assert "3 of those accepted" in report.text([void], ABOUT)
    assert report.line([void]).endswith("; 1 void")


def test_a_figure_without_a_floor_is_judged_by_itself() -> None:
    alone = figure(floor=None, goal=Goal(target=30, least=60, stretch=15, low=True), ours=Value([20.0]))

    assert (alone.ratio, alone.verdict) == (None, "target")


def test_the_table_shows_ours_floor_and_ratio() -> None:
    heads, _, row = report.table([figure()]).splitlines()

    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "POST",
        "120 requests/s ±21%",
        "100 requests/s",
        "1.20 ×",
        "≥ 1.50 × (1.00)",
        "▽ chưa đạt đích · short of target",
    ]
    assert len(heads) == len(row)


def test_the_json_holds_every_measurement() -> None:
    told = orjson.loads(report.json([figure(more={"p50_ms": 4.0})], ABOUT))

    assert told["run"] == ABOUT
    (one,) = told["figures"]
    assert (one["all"], one["floor_all"], one["ratio"], one["verdict"]) == (
        [150, 100, 120],
        [100.0],
        1.2,
        "short_of_target",
    )
    assert one["more"] == {"p50_ms": 4.0}


def test_a_table_says_of_each_figure_what_became_of_its_goal() -> None:
    values = {"beyond": 260.0, "met": 160.0, "short of target": 120.0, "short of minimum": 90.0}
    rows = report.table([figure(title=words, ours=Value([value])) for words, value in values.items()]).splitlines()[2:]

    assert [row.strip("| ").rpartition("|")[2].split("·")[1].strip() for row in rows] == [
        "beyond target", "target met", "short of target", "short of minimum",
    ]  # fmt: skip


def test_a_goal_in_its_own_unit_names_the_unit() -> None:
    wait = Goal(target=30, least=60, stretch=15, low=True)

    assert "| ≤ 30.0 ms (60.0) " in report.table([figure(floor=None, unit="ms", goal=wait)])


def test_figures_are_the_same_after_writing_and_reading() -> None:
    figures = [figure(more={"p50_ms": 4.0}), figure(name="memory", floor=None, goal=None, void="1 is missing")]

    read, about = report.read(report.json(figures, ABOUT))

    assert about == ABOUT
    assert report.table(read) == report.table(figures)
    assert [each.void for each in read] == ["", "1 is missing"]


def test_the_text_says_how_long_each_part_took() -> None:
    assert "61 s: posts 40 s, journey 12 s" in report.text([figure()], ABOUT)


def test_the_readme_gets_the_table_between_its_markers_however_often(tmp_path: Path) -> None:
    page, results = tmp_path / "README.md", tmp_path / "bench.json"
    results.write_bytes(report.json([figure()], ABOUT))
    page.write_text(f"before\n\n{readme.BEGIN}\nold\n{readme.END}\n\nafter\n", encoding="utf-8")

    readme.put(page, results, ["journey", "posts"])
    once = page.read_text(encoding="utf-8")
    readme.put(page, results, ["journey", "posts"])

    assert page.read_text(encoding="utf-8") == once
    assert once.startswith(f"before\n\n{readme.BEGIN}\n\n| ")
    assert once.endswith(f"{readme.END}\n\nafter\n")
    assert report.table([figure()]) in once
    assert "2024-06-03: 2 × Model, 8 GiB" in once
    assert "old" not in once


@pytest.mark.parametrize("change", [{"quick": True}, {"parts": {"posts": 40.4}}])
def test_only_a_full_run_goes_into_the_readme(tmp_path: Path, change: dict[str, Any]) -> None:
    page, results = tmp_path / "README.md", tmp_path / "bench.json"
    results.write_bytes(report.json([figure()], ABOUT | change))
    page.write_text(f"{readme.BEGIN}\n{readme.END}\n", encoding="utf-8")

    with pytest.raises(readme.Unfit):
        readme.put(page, results, ["journey", "posts"])
    assert page.read_text(encoding="utf-8") == f"{readme.BEGIN}\n{readme.END}\n"


def test_without_results_or_without_a_place_nothing_is_written(tmp_path: Path) -> None:
    page, results = tmp_path / "README.md", tmp_path / "bench.json"
    page.write_text("no place\n", encoding="utf-8")
    with pytest.raises(readme.Unfit):
        readme.put(page, results, ["journey", "posts"])
    results.write_bytes(report.json([figure()], ABOUT))
    with pytest.raises(readme.Unfit):
        readme.put(page, results, ["journey", "posts"])
    assert page.read_text(encoding="utf-8") == "no place\n"


def test_the_line_names_the_main_ratios() -> None:
    assert report.line([figure(), figure(name="memory")]) == "bench: POST 1.20 ×"
