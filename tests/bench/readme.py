"""Puts the table of the last whole run into README.md, between two markers: nothing there is typed by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.bench import report

BEGIN: Final = "<!-- bench: begin, written by `python -m tests.bench --readme` -->"
END: Final = "<!-- bench: end -->"


class Unfit(RuntimeError):
    """These results do not belong into the README, or it has no place for them."""


def put(readme: Path, results: Path, parts: Iterable[str]) -> None:
    """Takes `bench.json` of a full run of all parts."""
    if not results.exists():
        raise Unfit(f"{results}: make bench")
    figures, about = report.read(results.read_bytes())
    if about["quick"] or set(parts) != set(about["parts"]):
        raise Unfit(f"{results}: quick, or not all parts")
    before, begun, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise Unfit(f"{readme}: no {BEGIN} … {END}")
    told = "\n\n".join([report.table(figures), f"{report.circumstances(about)}. {report.took(about)}."])
    readme.write_text(f"{before}{BEGIN}\n\n{told}\n\n{END}{after}", encoding="utf-8")
