"""The figures as a table, as JSON, and in one line."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from tests.bench.figure import Figure, Goal, Value

MARKS: Final = {
    "stretch": "★ vượt đích · beyond target",
    "target": "✓ đạt đích · target met",
    "short_of_target": "▽ chưa đạt đích · short of target",
    "short_of_least": "✗ chưa đạt tối thiểu · short of minimum",
    "void": "– bỏ, có mất · void, something is missing",
    "": "",
}
MAIN: Final = (
    ("post.64", "POST"),
    ("post.batch", "batch"),
    ("stage.gateway", "gateway"),
    ("journey.sustained", "journey"),
    ("outage.catch_up", "catch-up"),
    ("stored.flat", "stored"),
)
HEADS: Final = (
    "chỉ số · figure",
    "đo được · ours",
    "nền · floor",
    "tỉ lệ · ratio",
    "đích (tối thiểu) · target (minimum)",
    "kết quả · result",
)


def machine() -> dict[str, Any]:
    """What the figures are worth nothing without."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**3
    return {
        "cores": os.cpu_count(),
        "memory_gib": memory,
        "processor": _processor(),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
    }


def table(figures: Sequence[Figure]) -> str:
    """In Markdown."""
    rows = [HEADS, *(_row(each) for each in figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def text(figures: Sequence[Figure], about: Mapping[str, Any]) -> str:
    """The table, what lies behind each figure, how long each part took, and the machine."""
    more = [f"- {each.name}: {_more(each)}" for each in figures if each.more]
    void = [f"- {each.name}: {each.void}" for each in figures if each.void]
    parts = [table(figures), "", *more, *(["", "Void:", *void] if void else []), ""]
    return "\n".join([*parts, took(about), circumstances(about)])


def took(about: Mapping[str, Any]) -> str:
    each = (f"{name} {seconds:.0f} s" for name, seconds in about["parts"].items())
    return f"{about['seconds']:.0f} s: " + ", ".join(each)


def circumstances(about: Mapping[str, Any]) -> str:
    """When and where it was measured."""
    return (
        f"{about['on']}: {about['cores']} × {about['processor']}, {about['memory_gib']} GiB, {about['system']},"
        f" Python {about['python']}, {'--quick' if about['quick'] else 'full'}"
    )


def line(figures: Sequence[Figure]) -> str:
    """The main ratios."""
    found = {each.name: each for each in figures}
    told = [f"{word} {_number(found[name].judged)} ×" for name, word in MAIN if name in found]
    voids = sum(bool(each.void) for each in figures)
    return "bench: " + ", ".join(told) + (f"; {voids} void" if voids else "")


def json(figures: Sequence[Figure], about: Mapping[str, Any]) -> bytes:
    told = {"run": about, "figures": [_plain(each) for each in figures]}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read(told: bytes) -> tuple[list[Figure], dict[str, Any]]:
    """What `json` wrote."""
    run: dict[str, Any] = orjson.loads(told)
    return [_figure(each) for each in run["figures"]], run["run"]


def _row(figure: Figure) -> tuple[str, ...]:
    floor = _value(figure.floor, figure.unit) if figure.floor else ""
    ratio = "" if figure.ratio is None else f"{_number(figure.ratio)} ×"
    mark = MARKS[figure.verdict]
    return figure.title, _value(figure.ours, figure.unit), floor, ratio, _goal(figure), mark


def _value(value: Value, unit: str) -> str:
    spread = f" ±{value.spread:.0%}" if len(value.all) > 1 else ""
    return f"{_number(value.median)} {unit}{spread}"


def _goal(figure: Figure) -> str:
    goal = figure.goal
    if goal is None:
        return ""
    return f"{'≤' if goal.low else '≥'} {_number(goal.target)} {figure.unit_judged} ({_number(goal.least)})"


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _more(figure: Figure) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in figure.more.items())


def _plain(figure: Figure) -> dict[str, Any]:
    goal = figure.goal
    return {
        "name": figure.name,
        "title": figure.title,
        "unit": figure.unit,
        "ours": figure.ours.median,
        "all": list(figure.ours.all),
        "floor": figure.floor.median if figure.floor else None,
        "floor_all": list(figure.floor.all) if figure.floor else None,
        "ratio": figure.ratio,
        "goal": {"target": goal.target, "least": goal.least, "stretch": goal.stretch, "low": goal.low}
        if goal
        else None,
        "verdict": figure.verdict,
        "void": figure.void,
        "more": figure.more,
    }


def _figure(plain: Mapping[str, Any]) -> Figure:
    return Figure(
        name=plain["name"],
        title=plain["title"],
        unit=plain["unit"],
        ours=Value(plain["all"]),
        floor=Value(plain["floor_all"]) if plain["floor_all"] else None,
        goal=Goal(**plain["goal"]) if plain["goal"] else None,
        more=plain["more"],
        void=plain["void"],
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for each in info.read_text().splitlines():
            if each.startswith("model name"):
                return each.partition(":")[2].strip()
    return platform.processor() or platform.machine()
