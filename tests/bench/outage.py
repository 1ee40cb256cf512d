"""Kafka goes away while dossiers keep arriving: all are accepted, and when it is back they are caught up with faster
than new ones arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from tests.bench.bench import Bench, accepted, await_all_handed_over, handed_over, lost, now, post_dossier, until
from tests.bench.figure import Figure, Goal, Value
from tests.bench.ground import SENDER
from tests.bench.http import Act, Connection, Run, open_loop

ARRIVALS: Final = 100.0
AT_ONCE: Final = 32
BEFORE_SECONDS: Final = 2.0
CATCH_UP_SECONDS: Final = 90.0
DEADLINE_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.1
GOAL: Final = Goal(target=8, least=4, stretch=12)


@dataclass(slots=True)
class Arrivals:
    """Dossiers that were sent, and those of them that were answered with 201."""

    act: Act
    sent: int = 0
    answered: int = 0
    over: bool = False

    async def one(self, connection: Connection, number: int) -> None:
        if self.over:
            return
        self.sent += 1
        await self.act(connection, number)
        self.answered += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUp:
    """From the moment Kafka was there again until nothing was left of what had gathered."""

    backlog: int
    handed_over: int
    seconds: float
    first_seconds: float
    """Until the first one moved."""
    left: int = 0
    """Of what had gathered, when the measurement could wait no longer."""

    @property
    def rate(self) -> float:
        return self.handed_over / self.seconds if self.seconds else 0.0


async def measure(bench: Bench) -> list[Figure]:
    since, arrivals = now(), Arrivals(post_dossier(bench))
    away = bench.sized(120.0, 10.0)
    async with _arriving(bench, arrivals, away):
        await asyncio.sleep(BEFORE_SECONDS)
        starting = await _without_kafka(bench, away)
        caught = await _catch_up(bench, since)
    held = await accepted(bench.ground, since)
    missing = await await_all_handed_over(bench.ground, since, held, seconds=DEADLINE_SECONDS)
    bench.say(f"outage: {caught.backlog} gathered, gone after {caught.seconds:.1f} s, {caught.rate:.0f}/s")
    figure = Figure(
        name="outage.catch_up",
        title="Đuổi kịp sau khi Kafka mất, so với tốc độ đến · catch-up ÷ arrivals after Kafka was away",
        unit="×",
        ours=Value([caught.rate / ARRIVALS]),
        goal=GOAL,
        more={
            "away_s": away + starting,
            "backlog": caught.backlog,
            "caught_up_s": caught.seconds,
            "first_moved_s": caught.first_seconds,
            "handed_over_per_s": caught.rate,
            "left": caught.left,
        },
        void=lost(missing) or _unaccepted(arrivals, held),
    )
    return [figure]


def _unaccepted(arrivals: Arrivals, held: int) -> str:
    if arrivals.sent == arrivals.answered == held:
        return ""
    return f"{arrivals.sent} were sent, {arrivals.answered} answered with 201, {held} stored"


@asynccontextmanager
async def _arriving(bench: Bench, arrivals: Arrivals, away: float) -> AsyncIterator[None]:
    """New ones all the time; at the end of the block every one that was sent is answered."""
    longest = BEFORE_SECONDS + away + 2 * CATCH_UP_SECONDS
    url = bench.ground.callers[SENDER].url
    load = asyncio.create_task(open_loop(url, arrivals.one, rate=ARRIVALS, seconds=longest, at_once=AT_ONCE))
    try:
        yield
        arrivals.over = True
        await until(partial(_answered, arrivals, load), "all that arrived is answered", seconds=DEADLINE_SECONDS)
    finally:
        load.cancel()
        (ended,) = await asyncio.gather(load, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended


async def _answered(arrivals: Arrivals, load: asyncio.Task[Run]) -> bool:
    return arrivals.answered == arrivals.sent or load.done()


async def _without_kafka(bench: Bench, seconds: float) -> float:
    """How long it took to start besides."""
    hub = bench.ground.hub
    await asyncio.to_thread(hub.kill, "kafka")
    try:
        await asyncio.sleep(seconds)
    finally:
        began = time.perf_counter()
        await asyncio.to_thread(hub.start_again, "kafka")
    return time.perf_counter() - began


async def _catch_up(bench: Bench, since: datetime) -> CatchUp:
    """Looks at the sender until all that was there when Kafka came back is handed over."""
    ground = bench.ground
    back, began = now(), time.perf_counter()
    gathered, before = await accepted(ground, since, until=back), await handed_over(ground, since)
    first, done = 0.0, before
    while (passed := time.perf_counter() - began) < CATCH_UP_SECONDS:
        done = await handed_over(ground, since, until=back)
        first = first or (passed if done > before else 0.0)
        if done >= gathered:
            break
        await asyncio.sleep(LOOK_SECONDS)
    seconds = time.perf_counter() - began
    moved = await handed_over(ground, since) - before
    return CatchUp(
        backlog=gathered - before, handed_over=moved, seconds=seconds, first_seconds=first, left=gathered - done
    )
