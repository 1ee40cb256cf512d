"""What an office takes over HTTP: one dossier a request and a hundred, beside the barest endpoint that stores one row a
request, and beside bare inserts of the same rows. The other programs rest meanwhile, as for the floors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.bench import bodies
from tests.bench.bare import bare_endpoint
from tests.bench.bench import (
    BATCH,
    SENDING_OFFICE,
    Bench,
    await_all_handed_over,
    await_all_sent,
    expect,
    lost,
    now,
    post_batch,
    post_dossier,
)
from tests.bench.figure import Figure, Goal, Value
from tests.bench.floors import made_database, unnest
from tests.bench.ground import DECIDING, PROGRAMS, SENDER, Ground
from tests.bench.http import Act, Connection, Run, closed_loop, request

AT_ONCE: Final = (1, 16, 64)
BATCHES_AT_ONCE: Final = 2
FLOOR_ROWS: Final = 500
DEADLINE_SECONDS: Final = 300.0
RATE: Final = Goal(target=1.5, least=1.0, stretch=2.5)
ALONE: Final = Goal(target=1.5, least=3.0, stretch=1.1, low=True)
BATCHED: Final = Goal(target=0.4, least=0.25, stretch=0.6)


async def measure(bench: Bench) -> list[Figure]:
    ground, hub, since = bench.ground, bench.ground.hub, now()
    others = [name for name in PROGRAMS if name != SENDING_OFFICE]
    for name in others:
        await asyncio.to_thread(hub.stop_program, name)
    try:
        floor = await made_database(hub.database_url(SENDING_OFFICE))
        ours, bare, sent = await _single(bench, floor)
        batched, unnested, more = await _batched(bench, floor)
    finally:
        for name in others:
            await asyncio.to_thread(hub.start_again, name)
        await asyncio.to_thread(hub.await_ready, PROGRAMS)
    missing = await await_all_handed_over(ground, since, sent + more, seconds=DEADLINE_SECONDS, every=1.0)
    return [*_figures(ours, bare, lost(missing)), _figure(batched, unnested, lost(missing))]


async def _single(bench: Bench, floor: str) -> tuple[dict[int, list[Run]], dict[int, list[Run]], int]:
    """Ours and the barest by turns, so that what else the machine does meets both. The same bodies, connections
    and seconds."""
    ours: dict[int, list[Run]] = {each: [] for each in AT_ONCE}
    bare: dict[int, list[Run]] = {each: [] for each in AT_ONCE}
    sender, seconds = bench.ground.callers[SENDER], bench.sized(2.5, 1.5)
    sent = 0
    async with bare_endpoint(floor) as url:
        for _ in range(bench.repeats):
            for count in AT_ONCE:
                run = await closed_loop(sender.url, post_dossier(bench), at_once=count, seconds=seconds)
                sent += len(run.latencies)
                ours[count].append(run)
                async with _standing_still(bench.ground):
                    bare[count].append(await closed_loop(url, _to_bare(bench, url), at_once=count, seconds=seconds))
                bench.say(f"POST, {count} connections: {run.rate:.0f}/s, bare {bare[count][-1].rate:.0f}/s")
    return ours, bare, sent


@asynccontextmanager
async def _standing_still(ground: Ground) -> AsyncIterator[None]:
    """The office has sent all it holds and does nothing: what it would tell again takes nothing from the floor."""
    await await_all_sent(ground)
    await asyncio.to_thread(ground.hub.freeze, SENDING_OFFICE)
    try:
        yield
    finally:
        await asyncio.to_thread(ground.hub.thaw, SENDING_OFFICE)


def _to_bare(bench: Bench, url: str) -> Act:
    deciding = bench.ground.callers[DECIDING].organ

    async def act(connection: Connection, _: int) -> None:
        body = bodies.dossier(next(bench.numbers), deciding=deciding)
        expect(await connection.ask(request("POST", url, body)), 201)

    return act


async def _batched(bench: Bench, floor: str) -> tuple[list[float], list[float], int]:
    sender, seconds = bench.ground.callers[SENDER], bench.sized(2.0, 1.0)
    rows = [bodies.dossier(next(bench.numbers)) for _ in range(2_000)]
    ours, bare, sent = [], [], 0
    for _ in range(bench.repeats):
        run = await closed_loop(sender.url, post_batch(bench), at_once=BATCHES_AT_ONCE, seconds=seconds)
        sent += len(run.latencies) * BATCH
        ours.append(run.rate * BATCH)
        async with _standing_still(bench.ground):
            bare.append(await unnest(floor, rows, FLOOR_ROWS, rows=200_000, seconds=seconds))
        bench.say(f"batches of {BATCH}: {ours[-1]:.0f} dossiers/s, bare inserts {bare[-1]:.0f}/s")
    return ours, bare, sent


def _figures(ours: dict[int, list[Run]], bare: dict[int, list[Run]], void: str) -> list[Figure]:
    rates = [
        Figure(
            name=f"post.{count}",
            title=f"POST một hồ sơ, {count} kết nối · single POST, {count} connections",
            unit="requests/s",
            ours=Value([run.rate for run in ours[count]]),
            floor=Value([run.rate for run in bare[count]]),
            goal=RATE if count > 1 else None,
            more={
                "p50_ms": Value([run.quantile(0.5) * 1e3 for run in ours[count]]).median,
                "p99_ms": Value([run.quantile(0.99) * 1e3 for run in ours[count]]).median,
                "floor_p50_ms": Value([run.quantile(0.5) * 1e3 for run in bare[count]]).median,
                "floor_p99_ms": Value([run.quantile(0.99) * 1e3 for run in bare[count]]).median,
            },
            void=void,
        )
        for count in AT_ONCE
    ]
    alone = Figure(
        name="post.alone",
        title="POST một hồ sơ, một kết nối, p50 · single POST, one connection, p50",
        unit="ms",
        ours=Value([run.quantile(0.5) * 1e3 for run in ours[1]]),
        floor=Value([run.quantile(0.5) * 1e3 for run in bare[1]]),
        goal=ALONE,
        void=void,
    )
    return [*rates, alone]


def _figure(ours: list[float], bare: list[float], void: str) -> Figure:
    return Figure(
        name="post.batch",
        title="POST lô 100 hồ sơ · batch POST of 100",
        unit="dossiers/s",
        ours=Value(ours),
        floor=Value(bare),
        goal=BATCHED,
        void=void,
    )
