"""Does the faults of a plan to a real hub: each at its moment under load, undone whatever happens, and awaited until
documents travel through every program again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from deploy.local.hub import Hub
from deploy.local.processes import log_tail
from deploy.local.programs import PROGRAMS
from tests.chaos.fault_axis import axis
from tests.chaos.fault_disk import full_disk
from tests.chaos.fault_ground import Canary, Count, Ground, reached, recovers
from tests.chaos.fault_parts import freeze, kill, outage, second, wipe
from tests.chaos.fault_poison import poison
from tests.chaos.plan import Fault

MOMENT_SECONDS = 10.0
BESIDE_PART = 0.3
"""How much of the first fault's time has gone when the second begins."""

KINDS: Final[Mapping[str, Callable[[Ground, Fault, asyncio.Event], Awaitable[float]]]] = {
    "kill": kill,
    "freeze": freeze,
    "outage": outage,
    "wipe": wipe,
    "second": second,
    "second office": second,
    "axis": axis,
    "full disk": full_disk,
    "poison": poison,
}
"""Each sets the event when it holds, undoes itself, and returns when (monotonic) it was undone."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """`began`: machine time; `away`: from then until it was undone; `recovered`: from there until the canaries had
    come through (where nothing is undone, from the beginning)."""

    fault: str
    group: str
    began: float
    away: float
    recovered: float

    def __str__(self) -> str:
        return f"{self.fault} {self.recovered:.1f} s"


@dataclass(slots=True)
class Faults:
    """`count`: how many facts were accepted so far, by which moments are chosen. `canary` returns when its document
    (with an attachment, from a commune to all levels) is handed over everywhere, `axis_canary` when one to the central
    organ is; both raise `StoryEnded` when it is not in RECOVERY_SECONDS."""

    hub: Hub
    count: Count
    canary: Canary
    axis_canary: Canary
    done: list[Recovery] = field(default_factory=list)
    _counted: int = 0

    async def inject(self, fault: Fault) -> Recovery:
        """Does it, undoes it, awaits recovery. Raises AssertionError when the hub does otherwise than it must."""
        await reached(lambda: self.count() >= self._counted + fault.after, MOMENT_SECONDS)
        at, began = time.time(), time.monotonic()
        undone = await self._do(fault)
        for canary in self._canaries(fault):
            await recovers(canary(), fault.name)
        recovery = Recovery(fault.name, fault.group, at, undone - began, time.monotonic() - undone)
        self.done.append(recovery)
        self._require_alive(fault)
        self._counted = self.count()
        return recovery

    async def _do(self, fault: Fault) -> float:
        """When all of it was undone."""
        begun = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                first, *others = fault.parts
                tasks = [group.create_task(self._one(first, begun))]
                tasks += [group.create_task(self._beside(other, begun, first)) for other in others]
        except ExceptionGroup as failed:
            error = failed.exceptions[0]
            if isinstance(error, AssertionError):
                raise error from failed
            raise AssertionError(f"{fault.name}: {error!r}") from failed
        return max(task.result() for task in tasks)

    async def _beside(self, other: Fault, begun: asyncio.Event, first: Fault) -> float:
        await begun.wait()
        await asyncio.sleep(first.seconds * BESIDE_PART)
        return await self._one(other, asyncio.Event())

    async def _one(self, fault: Fault, begun: asyncio.Event) -> float:
        ground = Ground(self.hub, self.count, self.canary, self.axis_canary, self._note)
        return await KINDS[fault.kind](ground, fault, begun)

    def _note(self, name: str, away: float, recovered: float) -> None:
        """A recovery within a fault; it is its own group."""
        self.done.append(Recovery(name, name, time.time() - recovered, away, recovered))

    def _canaries(self, fault: Fault) -> list[Canary]:
        reaches_axis = any(part.kind == "axis" or part.target in ("axis", "gateway") for part in fault.parts)
        return [self.canary, self.axis_canary] if reaches_axis else [self.canary]

    def _require_alive(self, fault: Fault) -> None:
        for name in (*PROGRAMS, "postgres", "kafka"):
            tail = log_tail(self.hub.log_file(name))
            assert self.hub.alive(name), f"{fault.name}: {name} ended by itself: {tail}"
