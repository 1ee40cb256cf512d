"""The mini chaos: load on all programs, every part killed once, the log wiped once, counted from the outside."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest

from deploy.client import hub as client
from deploy.client.credentials import read_credentials
from deploy.local.hub import Hub
from tests.chaos.checker import FINAL, Report, judge
from tests.chaos.client import Client, Log
from tests.chaos.faults import RECOVERY_SECONDS, Faults
from tests.chaos.load import OFFICES, SENDERS, Load
from tests.chaos.sight import Sight

SEEDS = ("mini", pytest.param("two", marks=pytest.mark.more))
WORKERS = 8
LEAST_ACCEPTED = 300


@pytest.mark.timeout(420)
@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_doubled_or_disordered_whatever_fails(
    hub: Hub, capsys: pytest.CaptureFixture[str], seed: str
) -> None:
    log, began = Log(), time.monotonic()
    async with httpx.AsyncClient(timeout=httpx.Timeout(20.0, connect=5.0)) as http:
        systems = {name: client.Hub(entry, http=http) for name, entry in read_credentials(hub.home).items()}
        clients = {name: Client(systems[name], http, log, seed=seed) for name in SENDERS}
        for name in SENDERS:
            await systems[name].token()  # the gateway may be away later
        load = Load(clients, log, seed)
        faults = Faults(hub, lambda: load.accepted, _canary(load), random.Random(seed))
        stop = asyncio.Event()
        running = asyncio.create_task(load.run(stop, workers=WORKERS))
        try:
            await faults.run()
        finally:
            stop.set()
            await running
        loaded = time.monotonic() - began
        sight = Sight({name: clients[name] for name in OFFICES}, log)
        drained = await sight.look(hub.database_url("gateway"), random.Random(seed))
    report = judge(log.evidence)
    with capsys.disabled():
        print(f"\n{report.line(f'{seed} chaos', len(faults.done))}")
        print(f"  {load.ended} stories, {log.repeats} repeats, {len(log.evidence.replays)} answers asked again")
        print(f"  load {loaded:.0f} s, drained {drained:.1f} s; recovered: {', '.join(map(str, faults.done))}")
    _require(report, load)


def _canary(load: Load) -> Callable[[], Awaitable[None]]:
    """A document from a commune to all three levels; it passes every program."""
    rng = random.Random(f"{load.seed} canary")
    sender = load.clients["commune-a"]
    recipients = [load.clients[name] for name in ("commune-b", "district-a", "department-a")]

    async def send() -> None:
        posted = await load.issue(sender, recipients, rng)
        transfer = posted.body["transfers"][0]
        await sender.until(
            lambda: sender.get(f"/v1/transfers/{transfer}"),
            lambda shown: shown["state"] in FINAL,
            "canary handed over",
            seconds=RECOVERY_SECONDS,
        )

    return send


def _require(report: Report, load: Load) -> None:
    assert report.sound, report.details()
    assert report.accepted >= LEAST_ACCEPTED, "too little load to prove anything"
    assert load.ended == load.begun
