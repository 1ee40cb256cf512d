"""The gateway's stage alone: dossiers that lie in the log are decided by one process, while no office takes or gives.
Beside it: the bare loop that consumes and produces as many records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final

from services.kernel.partitions import id_bound
from tests.bench.bench import BATCH, Bench, await_all_handed_over, await_all_sent, lost, now, post_batch, until
from tests.bench.bodies import DOSSIER_BYTES
from tests.bench.figure import Figure, Goal, Value
from tests.bench.floors import pipe
from tests.bench.ground import SENDER, Ground
from tests.bench.http import closed_loop

GATEWAY: Final = "gateway"
OFFICES: Final = ("commune", "province")
POSTING: Final = 4
DECIDE_SECONDS: Final = 120.0
DEADLINE_SECONDS: Final = 180.0
GOAL: Final = Goal(target=0.25, least=0.15, stretch=0.4)

_DECIDED: Final = """
    SELECT count(*) AS all, min(accepted_at) AS first, max(accepted_at) AS last,
           count(*) FILTER (WHERE accepted_at = (SELECT min(accepted_at) FROM transfer WHERE id >= :since)) AS at_first
      FROM transfer WHERE id >= :since
"""
_ON_THE_WAY: Final = "SELECT count(*) FROM hop WHERE pending"


@dataclass(frozen=True, slots=True)
class Decided:
    """What the gateway's ledger says."""

    all: int
    first: datetime
    last: datetime
    at_first: int
    """Decided at the very first moment, when the time begins."""
    gone: datetime
    """When the last one had been sent on."""

    @property
    def rate(self) -> float:
        seconds = (self.last - self.first).total_seconds()
        return (self.all - self.at_first) / seconds if seconds else 0.0

    @property
    def through(self) -> float:
        """Records a second until they had been sent on, too."""
        seconds = (self.gone - self.first).total_seconds()
        return self.all / seconds if seconds else 0.0


async def measure(bench: Bench) -> list[Figure]:
    rates: list[float] = []
    bare: list[float] = []
    through: list[float] = []
    missing = 0
    records = bench.sized(20_000, 5_000) // bench.repeats // BATCH * BATCH
    for _ in range(bench.repeats):
        decided, short = await _once(bench, records)
        rates.append(decided.rate)
        through.append(decided.through)
        missing = missing or short
        bare.append(await pipe(bench.ground.hub.bootstrap, records, DOSSIER_BYTES))
        bench.say(f"gateway stage: {rates[-1]:.0f} records/s, bare {bare[-1]:.0f}")
    figure = Figure(
        name="stage.gateway",
        title="Chặng trục, một tiến trình · the gateway's stage, one process",
        unit="records/s",
        ours=Value(rates),
        floor=Value(bare),
        goal=GOAL,
        more={"records": records * bench.repeats, "sent_on_per_s": median(through)},
        void=lost(missing),
    )
    return [figure]


async def _once(bench: Bench, records: int) -> tuple[Decided, int]:
    """What the gateway did, and how many were not handed over afterwards."""
    ground, since = bench.ground, now()
    async with _stopped(ground, [GATEWAY]):
        sender = ground.callers[SENDER]
        run = await closed_loop(sender.url, post_batch(bench), at_once=POSTING, most=records // BATCH)
        sent = len(run.latencies) * BATCH
        await await_all_sent(ground)
        async with _stopped(ground, OFFICES):
            await asyncio.to_thread(ground.hub.start_again, GATEWAY)
            decided = await _all_decided(ground, since, sent)
    return decided, await await_all_handed_over(ground, since, sent, seconds=DEADLINE_SECONDS, every=0.5)


async def _all_decided(ground: Ground, since: datetime, records: int) -> Decided:
    """Waits until the decisions have left the gateway, too."""

    async def all_done() -> bool:
        ((decided,),) = await ground.sql(GATEWAY, "SELECT count(*) FROM transfer WHERE id >= :since", since=bound)
        if decided < records:
            return False
        ((on_the_way,),) = await ground.sql(GATEWAY, _ON_THE_WAY)
        return not on_the_way

    bound = id_bound(since)
    await until(all_done, f"{records} are decided", seconds=DECIDE_SECONDS, every=0.1)
    gone = now()
    (row,) = await ground.sql(GATEWAY, _DECIDED, since=bound)
    return Decided(row.all, row.first, row.last, row.at_first, gone)


@asynccontextmanager
async def _stopped(ground: Ground, names: Sequence[str]) -> AsyncIterator[None]:
    """These programs rest; at the end they run and are ready."""
    for name in names:
        await asyncio.to_thread(ground.hub.stop_program, name)
    try:
        yield
    finally:
        for name in names:
            await asyncio.to_thread(ground.hub.start_again, name)
        await asyncio.to_thread(ground.hub.await_ready, names)
