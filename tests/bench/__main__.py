"""`python -m tests.bench`: every figure beside its floor, in one run on one machine; a table, `bench.json`, a line."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.bench import files, journey, outage, posts, report, spread, stage, stored
from tests.bench.bench import Bench
from tests.bench.figure import Figure
from tests.bench.ground import running

OUT: Final = Path(".lienthong/bench")
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


def main(words: Sequence[str] | None = None) -> int:
    options = _options(words)
    began = time.perf_counter()
    figures = asyncio.run(_measured(options.only or list(PARTS), quick=options.quick, say=_say))
    about = report.machine() | {"quick": options.quick, "seconds": round(time.perf_counter() - began)}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench.json").write_bytes(report.json(figures, about))
    told = report.text(figures, about)
    (options.out / "bench.md").write_text(told + "\n", encoding="utf-8")
    print(told, "", f"{options.out}/bench.json", report.line(figures), sep="\n")
    return 1 if any(each.void for each in figures) else 0


async def _measured(names: Sequence[str], *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    say("khởi động hub · starting a hub")
    figures: list[Figure] = []
    async with running() as ground:
        bench = Bench(quick=quick, repeats=1 if quick else 3, say=say, ground=ground)
        for name in PARTS:
            if name in names:
                say(f"đo {name} · measuring {name}")
                await ground.sign_in()  # a token lasts shorter than the whole
                figures += await PARTS[name](bench)
    return figures


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 minutes instead of 15")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="these parts alone")
    parser.add_argument("--out", type=Path, default=OUT, help=f"folder for the results ({OUT})")
    return parser.parse_args(words)


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
