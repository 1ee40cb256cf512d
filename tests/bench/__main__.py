"""`python -m tests.bench`: every figure beside its floor, in one run on one machine; a table, `bench.json`, a line."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.bench import files, journey, outage, posts, readme, report, spread, stage, stored
from tests.bench.bench import Bench
from tests.bench.figure import Figure
from tests.bench.ground import running

OUT: Final = Path(".lienthong/bench")
README: Final = Path("README.md")
PARTS: Final[Mapping[str, Callable[[Bench], Awaitable[list[Figure]]]]] = {
    "posts": posts.measure,
    "journey": journey.measure,
    "stage": stage.measure,
    "spread": spread.measure,
    "files": files.measure,
    "outage": outage.measure,
    "stored": stored.measure,
}
"""In this order: what fills the hub comes last."""


@dataclass(slots=True)
class Measured:
    """What there is so far, and the seconds each part took."""

    figures: list[Figure] = field(default_factory=list)
    parts: dict[str, float] = field(default_factory=dict)


def main(words: Sequence[str] | None = None) -> int:
    options = _options(words)
    if options.readme:
        return _into_readme(options.out)
    began, measured = time.perf_counter(), Measured()
    try:
        asyncio.run(_measure(measured, options.only or list(PARTS), quick=options.quick, say=_say))
    finally:  # what was measured before something broke is worth keeping
        about = report.machine() | {
            "on": f"{datetime.now(UTC):%Y-%m-%d}",
            "quick": options.quick,
            "seconds": time.perf_counter() - began,
            "parts": measured.parts,
        }
        _keep(measured.figures, about, options.out)
    return 1 if any(each.void for each in measured.figures) else 0


def _keep(figures: Sequence[Figure], about: Mapping[str, Any], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_bytes(report.json(figures, about))
    told = report.text(figures, about)
    (out / "bench.md").write_text(told + "\n", encoding="utf-8")
    print(told, "", f"{out}/bench.json", report.line(figures), sep="\n")


def _into_readme(out: Path) -> int:
    try:
        readme.put(README, out / "bench.json", PARTS)
    except readme.Unfit as error:
        print(error, file=sys.stderr)
        return 2
    return 0


async def _measure(measured: Measured, names: Sequence[str], *, quick: bool, say: Callable[[str], None]) -> None:
    say("khởi động hub · starting a hub")
    async with running() as ground:
        bench = Bench(quick=quick, repeats=1 if quick else 3, say=say, ground=ground)
        for name in PARTS:
            if name not in names:
                continue
            say(f"đo {name} · measuring {name}")
            began = time.perf_counter()
            await ground.sign_in()  # a token lasts shorter than the whole
            measured.figures += await PARTS[name](bench)
            measured.parts[name] = time.perf_counter() - began
            say(f"{name}: {measured.parts[name]:.0f} s")


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 minutes instead of 15")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="these parts alone")
    parser.add_argument("--readme", action="store_true", help="measure nothing: the last results go into README.md")
    parser.add_argument("--out", type=Path, default=OUT, help=f"folder for the results ({OUT})")
    return parser.parse_args(words)


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
