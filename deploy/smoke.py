"""The sample traffic against the running hub with fresh codes: three stories, each step shown with its time."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from deploy.client.problems import ClientError
from deploy.stories import document, dossier, refusals, samples
from deploy.stories.stage import Stage, Step, Unexpected, open_stage

READY_SECONDS = 60.0
STORIES: tuple[tuple[str, str, Callable[[Stage], Awaitable[object]]], ...] = (
    ("Dữ liệu mẫu cho trang API", "What the API page's examples name", samples.play),
    ("Hồ sơ liên thông", "A dossier through three levels", dossier.play),
    ("Từ chối nhận chuyển", "An offer refused", dossier.refuse_offer),
    ("Thu hồi và nhận cùng lúc", "Recalled and taken at once", dossier.recall_against_taking),
    ("Văn bản qua bốn cấp", "Documents through four levels", document.play),
    ("Những điều bị từ chối", "What is refused", refusals.play),
)


async def run(home: Path, axis_url: str | None = None, *, show: bool = True) -> int:
    """Plays every story; exit code 0 when all went as told, 1 with one sentence when not."""
    tell = _show if show else _count
    began = time.perf_counter()
    try:
        addresses = await _await_ready(home)
        async with open_stage(home, axis_url or addresses.get("axis", ""), tell) as stage:
            for vi, en, play in STORIES:
                if show:
                    print(f"\n— {vi} · {en}", flush=True)
                await play(stage)
            if show:
                print()
            print(f"smoke: {stage.steps} steps, all as told, {time.perf_counter() - began:.1f} s", flush=True)
    except (Unexpected, ClientError, httpx.HTTPError, OSError) as error:
        print(f"smoke: failed: {error or type(error).__name__}", file=sys.stderr, flush=True)
        return 1
    return 0


async def _await_ready(home: Path) -> dict[str, Any]:
    """The file `ready` exists exactly while all programs are ready; it names their addresses."""
    end = time.monotonic() + READY_SECONDS
    while not (home / "credentials.json").exists() or not (home / "ready").exists():
        if time.monotonic() > end:
            raise Unexpected(f"the hub in {home} is not ready; start it with `make run`")
        await asyncio.sleep(0.2)
    written: dict[str, Any] = json.loads((home / "ready").read_text() or "{}")
    return written


def _count(step: Step) -> None:
    """Headless: only the last line is for a person."""


def _show(step: Step) -> None:
    way = step.giver + (f" → {step.taker}" if step.taker else "")
    print(f"  {step.what:<34} {way:<44} {step.state:<44} {step.milliseconds:8.0f} ms", flush=True)
