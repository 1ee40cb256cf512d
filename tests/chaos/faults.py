"""Faults of a run: parts killed with -9, the log wiped, a second gateway joining and leaving. One after the other, each
at a seeded moment under load and awaited until a document travels through every program again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from deploy.local.hub import Hub
from deploy.local.processes import log_tail
from deploy.local.programs import OWNERS
from tests.chaos.client import StoryEnded

RECOVERY_SECONDS = 90.0
MOMENT_SECONDS = 10.0
LOOK_SECONDS = 0.05
SECOND = 2


@dataclass(frozen=True, slots=True)
class Recovery:
    """`away`: how long the part was down; `recovered`: from its start until a document came through all programs."""

    fault: str
    away: float
    recovered: float

    def __str__(self) -> str:
        return f"{self.fault} {self.recovered:.1f} s"


async def reached(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


@dataclass(slots=True)
class Faults:
    """`count`: how many facts were accepted so far, by which moments are chosen; `canary` returns when its document is
    handed over at every level, and raises `StoryEnded` when it is not in RECOVERY_SECONDS."""

    hub: Hub
    count: Callable[[], int]
    canary: Callable[[], Awaitable[None]]
    rng: random.Random
    done: list[Recovery] = field(default_factory=list)

    @property
    def table(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        kills = {f"kill {name}": self._killing(name) for name in (*OWNERS, "postgres", "kafka")}
        return {**kills, "wipe kafka": self._wipe, "second gateway": self._second_gateway}

    async def run(self) -> None:
        """All of them, in a seeded order."""
        names = list(self.table)
        self.rng.shuffle(names)
        for name in names:
            await self._moment(self.rng.randint(5, 25))
            await self.table[name]()
            for program in OWNERS:
                assert self.hub.alive(program), f"{program} ended by itself: {log_tail(self.hub.log_file(program))}"

    def _killing(self, name: str) -> Callable[[], Awaitable[None]]:
        async def kill() -> None:
            down = time.monotonic()
            await asyncio.to_thread(self.hub.kill, name)
            await self._away()
            up = time.monotonic()
            await asyncio.to_thread(self.hub.start_again, name)
            await self._recover(f"kill {name}", up - down, up)

        return kill

    async def _wipe(self) -> None:
        """Every record, offset and topic is gone, and the cluster is another one. An office and the gateway are killed
        before, so that there are unread records to be lost on both legs."""
        kafka = self.hub.kafka
        assert kafka is not None
        down = time.monotonic()
        for reader in ("district", "gateway"):
            await asyncio.to_thread(self.hub.kill, reader)
            await self._away()
        await asyncio.to_thread(kafka.wipe)
        await self._away()
        up = time.monotonic()
        for part in ("kafka", "gateway", "district"):
            await asyncio.to_thread(self.hub.start_again, part)
        await self._recover("wipe kafka", up - down, up)

    async def _second_gateway(self) -> None:
        """It joins, carries on alone while the first is killed, and leaves as an operator would have it."""
        hub, began = self.hub, time.monotonic()
        await asyncio.to_thread(hub.start_program, "gateway", instance=SECOND)
        ready = await reached(lambda: hub.is_ready("gateway", instance=SECOND), RECOVERY_SECONDS)
        assert ready, log_tail(hub.log_file("gateway", instance=SECOND))
        await self._recover("second gateway joins", 0.0, began)
        await self._moment(self.rng.randint(5, 15))
        down = time.monotonic()
        await asyncio.to_thread(hub.kill, "gateway")
        await self._recover("second gateway takes over", 0.0, down)
        await asyncio.to_thread(hub.start_again, "gateway")
        ready = await reached(lambda: hub.is_ready("gateway"), RECOVERY_SECONDS)
        assert ready, log_tail(hub.log_file("gateway"))
        await self._moment(self.rng.randint(5, 15))
        left = time.monotonic()
        await asyncio.to_thread(hub.stop_program, "gateway", instance=SECOND)
        await self._recover("second gateway leaves", 0.0, left)

    async def _moment(self, more: int) -> None:
        """So many facts later, or when nothing is accepted for long."""
        wanted = self.count() + more
        await reached(lambda: self.count() >= wanted, MOMENT_SECONDS)

    async def _away(self) -> None:
        """Long enough to be noticed by everyone: a few facts, or a second or two where nothing can be accepted."""
        wanted = self.count() + self.rng.randint(5, 15)
        await reached(lambda: self.count() >= wanted, self.rng.uniform(0.5, 2.0))

    async def _recover(self, fault: str, away: float, since: float) -> None:
        try:
            await self.canary()
        except StoryEnded as error:
            raise AssertionError(f"{fault}: no recovery: {error}") from error
        self.done.append(Recovery(fault, away, time.monotonic() - since))
