"""The figures as a table, as JSON, and in one line."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from tests.bench.figure import Figure, Goal, Value

MARKS: Final = {"stretch": "★ vượt · beyond", "target": "✓ đạt · met", "below": "▽ dưới · below",
                "wrong": "✗ sai · wrong", "void": "– bỏ · void", "": ""}  # fmt: skip
MAIN: Final = (
    ("post.64", "POST"),
    ("post.batch", "batch"),
    ("stage.gateway", "gateway"),
    ("journey.sustained", "journey"),
    ("outage.catch_up", "catch-up"),
    ("stored.flat", "stored"),
)
HEADS: Final = ("chỉ số · figure", "đo được · ours", "nền · floor", "tỉ lệ · ratio", "đích · target", "")


def machine() -> dict[str, Any]:
    """What the figures are worth nothing without."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**3
    return {
        "cores": os.cpu_count(),
        "memory_gib": memory,
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
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


def text(figures: Sequence[Figure], about: dict[str, Any]) -> str:
    """The table, what lies behind each figure, and the machine."""
    more = [f"- {each.name}: {_more(each)}" for each in figures if each.more]
    void = [f"- {each.name}: {each.void}" for each in figures if each.void]
    parts = [table(figures), "", *more, *(["", "Void:", *void] if void else []), ""]
    return "\n".join([*parts, ", ".join(f"{name} {value}" for name, value in about.items())])


def line(figures: Sequence[Figure]) -> str:
    """The main ratios."""
    found = {each.name: each for each in figures}
    told = [f"{word} {_number(_judged(found[name]))} ×" for name, word in MAIN if name in found]
    voids = sum(bool(each.void) for each in figures)
    return "bench: " + ", ".join(told) + (f"; {voids} void" if voids else "")


def json(figures: Sequence[Figure], about: dict[str, Any]) -> bytes:
    told = {"machine": about, "figures": [_plain(each) for each in figures]}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _row(figure: Figure) -> tuple[str, ...]:
    floor = _value(figure.floor, figure.unit) if figure.floor else ""
    ratio = "" if figure.ratio is None else f"{_number(figure.ratio)} ×"
    mark = MARKS[figure.verdict]
    return figure.title, _value(figure.ours, figure.unit), floor, ratio, _goal(figure.goal, figure.floor), mark


def _value(value: Value, unit: str) -> str:
    spread = f" ±{value.spread:.0%}" if len(value.all) > 1 else ""
    return f"{_number(value.median)} {unit}{spread}"


def _goal(goal: Goal | None, floor: Value | None) -> str:
    if goal is None:
        return ""
    sign = "≤" if goal.low else "≥"
    return f"{sign} {_number(goal.target)}" + (" ×" if floor else "")


def _judged(figure: Figure) -> float:
    return figure.ours.median if figure.ratio is None else figure.ratio


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


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for each in info.read_text().splitlines():
            if each.startswith("model name"):
                return each.partition(":")[2].strip()
    return platform.processor() or platform.machine()
