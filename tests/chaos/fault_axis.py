"""The national axis errs: what is ordered at the stand-in, and that it was met."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import httpx

from tests.chaos.fault_ground import LOOK_SECONDS, RECOVERY_SECONDS, Ground, recovers
from tests.chaos.plan import Fault

SEND, LIST = "sendEdoc", "getReceivedEdocList"
VERBS = (SEND, LIST, "getEdoc", "updateStatus")
FOR_TWICE = (SEND, LIST)
TIMES = 2


async def axis(ground: Ground, fault: Fault, begun: asyncio.Event) -> float:
    """The next calls are spoilt, a few of each verb; one that hangs is let go after its time. A document meets it and
    is handed over after all."""
    drawn = random.Random(f"{fault.number} {fault.target}")
    times = {verb: drawn.randint(1, TIMES) for verb in {"twice": FOR_TWICE, "hang": (SEND,)}.get(fault.target, VERBS)}
    async with httpx.AsyncClient(base_url=ground.hub.address("axis"), trust_env=False) as http:
        canary: asyncio.Future[None] | None = None
        try:
            try:
                for verb, count in times.items():
                    await _order(http, verb, fault.target, count)
                begun.set()
                canary = asyncio.ensure_future(ground.axis_canary())
                await _until_met(http, fault, times[SEND])
                await asyncio.sleep(fault.seconds)
            finally:
                for verb in VERBS:
                    await _order(http, verb, "500", 0)
            undone = time.monotonic()
            await recovers(canary, fault.alone)
        finally:
            if canary is not None:
                canary.cancel()
                await asyncio.wait({canary})
    return undone


async def _until_met(http: httpx.AsyncClient, fault: Fault, ordered: int) -> None:
    end = time.monotonic() + RECOVERY_SECONDS
    while len((await _order(http, "downloadEdoc", "500", 0)).get(SEND, ())) == ordered:
        assert time.monotonic() < end, f"{fault.alone}: nothing was sent to the axis"
        await asyncio.sleep(LOOK_SECONDS)


async def _order(http: httpx.AsyncClient, verb: str, kind: str, count: int) -> dict[str, Any]:
    """What is pending afterwards."""
    answer = await http.post("/_standin/faults", json={"verb": verb, "kind": kind, "count": count})
    answer.raise_for_status()
    pending: dict[str, Any] = answer.json()["pending"]
    return pending
