"""`python -m tests.chaos`: a fault campaign over a whole hub, judged; exit code 0 only when it is sound."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
from pathlib import Path

from deploy.local.programs import ROOT
from tests.chaos.campaign import Campaign, Outcome, Settings

INTERRUPTED = 130


def main() -> int:
    settings = _settings()
    _say(f"hạt giống · seed: {settings.seed} (make chaos MINUTES={settings.minutes:g} SEED={settings.seed})")
    outcome = asyncio.run(_conducted(settings))
    if not outcome.report.sound:
        _say(outcome.report.details(5))
        _say(f"{outcome.report.others()}")
        _say(f"dữ liệu hub · the hub's data: {outcome.home}")
    _say(f"báo cáo · report: {settings.out / 'report.md'}")
    _say(outcome.telling.line())
    if outcome.stopped:
        return INTERRUPTED
    return 0 if outcome.report.sound else 1


async def _conducted(settings: Settings) -> Outcome:
    """The first interrupt ends the run in order; further ones while it ends are not heard."""
    running = asyncio.create_task(Campaign(settings, _say).run())
    loop, heard = asyncio.get_running_loop(), False

    def interrupt() -> None:
        nonlocal heard
        if not heard:
            heard = True
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    return await running


def _settings() -> Settings:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="bao lâu · how long (campaign)")
    parser.add_argument("--seed", default="", help="hạt giống của kế hoạch lỗi · seed of the plan of faults")
    parser.add_argument("--form", choices=("short", "campaign"), default="campaign")
    parser.add_argument("--home", type=Path, help="thư mục của hub, được giữ lại · folder of the hub, kept")
    parser.add_argument("--out", type=Path, help="thư mục báo cáo · folder of history and report")
    parser.add_argument("--workers", type=int, default=120, help="số chuyện cùng lúc · stories at once")
    parser.add_argument("--rate", type=float, default=10.0, help="số việc mỗi giây · facts a second")
    given = parser.parse_args()
    seed = given.seed or secrets.token_hex(4)
    return Settings(
        seed=seed,
        form=given.form,
        minutes=given.minutes,
        out=given.out or ROOT / ".lienthong" / "chaos" / _as_name(seed),
        home=given.home,
        workers=given.workers,
        rate=given.rate,
    )


def _as_name(seed: str) -> str:
    """A seed may be any text, a folder's name not."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in seed)[:60]


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
