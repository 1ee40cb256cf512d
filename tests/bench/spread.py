"""One document to 1, 10 and 150 recipients: deliveries a second, from the first POST to the last one handed over."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Final

from tests.bench import bodies
from tests.bench.bench import Bench, Refused, await_all_handed_over, expect, lost, now
from tests.bench.figure import Figure, Value
from tests.bench.ground import SENDER, Ground
from tests.bench.http import Connection, Run, closed_loop, request

WIDTHS: Final = (1, 10, 150)
POOL: Final = 150
AT_ONCE: Final = 16
DEADLINE_SECONDS: Final = 60.0
_RECIPIENTS: Final = "SELECT key FROM organ WHERE home = 'office' AND key <> :sender AND valid_to IS NULL ORDER BY key"


async def measure(bench: Bench) -> list[Figure]:
    pool = await _recipients(bench.ground)
    found: dict[int, list[float]] = {width: [] for width in WIDTHS}
    posted: dict[int, list[float]] = {width: [] for width in WIDTHS}
    missing = dict.fromkeys(WIDTHS, 0)
    for _ in range(bench.repeats):
        for width in WIDTHS:
            run, rate, short = await _spread(bench, pool, width)
            found[width].append(rate)
            posted[width].append(run.rate)
            missing[width] = missing[width] or short
            bench.say(f"{width} recipients: {rate:.0f} deliveries/s")
    one = Value(found[WIDTHS[0]]).median
    return [
        Figure(
            name=f"spread.{width}",
            title=f"Văn bản gửi {width} nơi nhận · a document to {width} recipients",
            unit="deliveries/s",
            ours=Value(found[width]),
            more={"against_one": Value(found[width]).median / one, "posts_per_s": Value(posted[width]).median},
            void=lost(missing[width]),
        )
        for width in WIDTHS
    ]


def recipients_of(pool: Sequence[str], document: int, width: int) -> list[str]:
    """So many of the pool, all of them in turn: whatever the width, each gets about the same share."""
    first = document * width
    return [pool[(first + number) % len(pool)] for number in range(width)]


async def _recipients(ground: Ground) -> list[str]:
    """Organs of all three levels with a service here, in an order of their own."""
    rows = await ground.sql("gateway", _RECIPIENTS, sender=ground.callers[SENDER].organ)
    if len(rows) < POOL:
        raise Refused(f"{len(rows)} organs can receive, {POOL} are needed")
    return random.Random("spread").sample([row.key for row in rows], POOL)


async def _spread(bench: Bench, pool: Sequence[str], width: int) -> tuple[Run, float, int]:
    """The posting, deliveries a second, and how many are missing. As many deliveries at every width."""
    deliveries = bench.sized(1500, 600)
    documents = deliveries // width
    sender = bench.ground.callers[SENDER]

    async def act(connection: Connection, number: int) -> None:
        body = bodies.document(next(bench.numbers), recipients_of(pool, number, width))
        expect(await connection.ask(request("POST", f"{sender.url}/v1/documents", body, token=sender.token)), 201, 202)

    since, began = now(), time.perf_counter()
    run = await closed_loop(sender.url, act, at_once=min(AT_ONCE, documents), most=documents)
    missing = await await_all_handed_over(bench.ground, since, documents * width, seconds=DEADLINE_SECONDS, every=0.02)
    seconds = time.perf_counter() - began
    return run, (documents * width - max(missing, 0)) / seconds, missing
