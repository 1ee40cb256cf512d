"""The chaos campaign in short: load on all programs, every kind of fault once, counted from the outside."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign, Outcome, Settings

LEAST_ACCEPTED = 300
WORKERS = 12
RATE = 6.0
MINUTES = 3


@pytest.mark.timeout(900)
async def test_nothing_is_lost_doubled_or_disordered_whatever_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(seed="short", form="short", minutes=0, out=tmp_path, workers=WORKERS, rate=RATE)
    _require(await _run(settings, capsys))


@pytest.mark.more
@pytest.mark.timeout(2400)
async def test_nor_in_a_campaign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(seed="more", form="campaign", minutes=MINUTES, out=tmp_path)
    _require(await _run(settings, capsys))


async def _run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Outcome:
    lines: list[str] = []
    began = time.monotonic()
    outcome = await Campaign(settings, lines.append).run()
    with capsys.disabled():
        print("", *lines, outcome.telling.line(), f"{time.monotonic() - began:.0f} s", sep="\n  ")
    return outcome


def _require(outcome: Outcome) -> None:
    assert outcome.report.sound, f"{outcome.report.details()}\n{outcome.home}\n{outcome.telling.file}"
    assert outcome.report.accepted >= LEAST_ACCEPTED, "too little load to prove anything"
    assert outcome.ended == outcome.begun
