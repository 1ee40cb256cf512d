"""Three brokers hold every record: any one of them may be killed or stand still, nothing is lost, and the journey of a
document pauses for seconds."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from deploy.local.kafka_cluster import KafkaCluster
from deploy.local.programs import OWNERS
from tests.chaos.load import Load
from tests.scale.stand import Stand, until

pytestmark = [pytest.mark.more, pytest.mark.timeout(900), pytest.mark.xdist_group("scale")]

FROZEN_SECONDS = 8.0
SYNC_SECONDS = 90.0
CANARY_SECONDS = 1.0
NO_CONNECTION = "no free database connection"
"""Of a process that gets no processor time: its ten connections wait for it, not it for a broker."""
PAUSE_SECONDS = 25.0
"""Longer than any pause with a broker away; sendings are repeated after 10 s."""


async def test_any_broker_may_be_killed_or_frozen_under_load(trio: Stand) -> None:
    cluster = trio.hub.kafka
    assert isinstance(cluster, KafkaCluster)
    await until(cluster.in_sync, "every replica in sync", seconds=SYNC_SECONDS)
    assert all(len(each.replicas) == 3 for each in cluster.partitions())
    async with trio.loaded("brokers", workers=3) as load, _canaries(trio, load) as canaries:
        for node in cluster.nodes:
            began = time.monotonic()
            await asyncio.to_thread(cluster.kill, node)
            await canaries.one_after(time.monotonic())
            await asyncio.to_thread(cluster.start_again, node)
            synced = await _in_sync(cluster)
            trio.tell(f"kill -9 broker {node}: {canaries.pause(began)}, in sync {synced:.1f} s after its start")
            assert canaries.longest(began) < PAUSE_SECONDS
        leader = cluster.leader("ingest.commune", 0)
        began = time.monotonic()
        cluster.freeze(leader)
        try:
            await until(lambda: time.monotonic() > began + FROZEN_SECONDS, "frozen long enough")
        finally:
            cluster.thaw(leader)
        await canaries.one_after(time.monotonic())
        synced = await _in_sync(cluster)
        trio.tell(f"broker {leader} frozen for {FROZEN_SECONDS:.0f} s: {canaries.pause(began)}, in sync {synced:.1f} s")
        assert canaries.longest(began) < PAUSE_SECONDS
    await trio.judged(load)
    for program in OWNERS:
        assert await trio.rows(program, "SELECT generation FROM broker") == [(1,)], "a moved leader is no lost log"
    busy = [error for error in trio.doors.errors if NO_CONNECTION in error]
    trio.tell(f"{len(busy)} calls met a machine too slow for them")
    assert trio.doors.errors == busy, "whoever posts and reads depends on no broker"


async def _in_sync(cluster: KafkaCluster) -> float:
    began = time.monotonic()
    while not await asyncio.to_thread(cluster.in_sync):
        assert time.monotonic() - began < SYNC_SECONDS, cluster.partitions()
        await asyncio.sleep(0.1)
    return time.monotonic() - began


@dataclass(slots=True)
class _Canaries:
    """Documents sent one every second, whether or not those before have come; (sent, handed over) of each."""

    journeys: list[tuple[float, float]] = field(default_factory=list)

    async def one_after(self, moment: float) -> None:
        """One that was sent after the moment is handed over."""
        await until(lambda: any(sent > moment for sent, _ in self.journeys), "a canary after the fault", seconds=90)

    def longest(self, since: float) -> float:
        """The longest time without any hand-over after that moment, seconds."""
        times = sorted(at for _, at in self.journeys)
        return max((b - a for a, b in pairwise(times) if b > since), default=0.0)

    def pause(self, since: float) -> str:
        slowest = max((at - sent for sent, at in self.journeys if at > since), default=0.0)
        return f"longest without a hand-over {self.longest(since):.1f} s, slowest document {slowest:.1f} s"


@asynccontextmanager
async def _canaries(stand: Stand, load: Load) -> AsyncIterator[_Canaries]:
    found, stop, rng = _Canaries(), asyncio.Event(), random.Random("canaries")

    async def one() -> None:
        sent = time.monotonic()
        took = await stand.canary(load, rng)
        found.journeys.append((sent, sent + took))

    async def send() -> None:
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                group.create_task(one())
                await asyncio.sleep(CANARY_SECONDS)

    sending = asyncio.create_task(send())
    try:
        yield found
    finally:
        stop.set()
        await sending
