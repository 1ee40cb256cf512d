"""The table, the line and the JSON of a run; nothing is measured here."""

import orjson
import pytest

from tests.bench import report
from tests.bench.figure import Figure, Goal, Value

RATE = Goal(target=1.5, least=1.0, stretch=2.5)
WAIT = Goal(target=1.5, least=3.0, stretch=1.1, low=True)


def figure(**changes: object) -> Figure:
    fields: dict[str, object] = {"name": "post.64", "title": "POST", "unit": "requests/s", "goal": RATE}
    fields |= {"ours": Value([150, 100, 120]), "floor": Value([100.0])}
    return Figure(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        (RATE, 2.5, "stretch"),
        (RATE, 1.5, "target"),
        (RATE, 1.49, "below"),
        (RATE, 0.99, "wrong"),
        (WAIT, 1.1, "stretch"),
        (WAIT, 1.5, "target"),
        (WAIT, 2.9, "below"),
        (WAIT, 3.1, "wrong"),
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
    assert "3 of those accepted" in report.text([void], {})
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
        "≥ 1.50 ×",
        "▽ dưới · below",
    ]
    assert len(heads) == len(row)


def test_the_json_holds_every_measurement() -> None:
    told = orjson.loads(report.json([figure(more={"p50_ms": 4.0})], {"cores": 2}))

    assert told["machine"] == {"cores": 2}
    (one,) = told["figures"]
    assert (one["all"], one["floor_all"], one["ratio"], one["verdict"]) == ([150, 100, 120], [100.0], 1.2, "below")
    assert one["more"] == {"p50_ms": 4.0}


def test_the_line_names_the_main_ratios() -> None:
    assert report.line([figure(), figure(name="memory")]) == "bench: POST 1.20 ×"
