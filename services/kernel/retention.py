"""The worker that looks after what is kept: parts for the months to come, and old months that go, once an hour.

One process at a time does so, but only to save work: every chore is safe when several carry it out at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from contracts.problems import HubError
from services.kernel.clock import Clock
from services.kernel.connection import DatabaseError
from services.kernel.database import Database, is_transient
from services.kernel.leases import LeaseLost, Leases
from services.kernel.partitions import Parts, Postponed, Purged, Rule, ensure, purge
from services.kernel.pause import pause
from services.kernel.supervisor import Part

LEASE = "retention"
EVERY_SECONDS = 3600.0
AGAIN_SECONDS = 60.0
LOOK_SECONDS = 5.0

Chore = Callable[[datetime], Awaitable[None]]
"""Something done once a round, given machine time."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """`chores` come before the rules, each in its order: what one removes the next may no longer have to keep."""

    parts: Sequence[Parts]
    rules: Callable[[datetime], Sequence[Rule]]
    chores: Sequence[tuple[str, Chore]] = ()


class Retention:
    """`Part` tells when a round last went well; one that did not is tried again after a minute."""

    def __init__(self, database: Database, leases: Leases, plan: Plan, *, clock: Clock) -> None:
        self._database, self._leases, self._plan, self._clock = database, leases, plan, clock
        self._next, self._last, self._failed = 0.0, "", ""
        self._active = False

    def part(self) -> Part:
        if self._failed:
            return Part(
                "retention", False, f"failed: {self._failed}, last done {self._last or 'never'}", critical=False
            )
        detail = f"last done {self._last}" if self._last else "not done yet"
        return Part("retention", True, detail if self._active else f"standing by, {detail}", critical=False)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                self._active = False
                await self._leases.lead(LEASE, stop, lambda _: self._lead(stop))
            except (HubError, LeaseLost) as error:
                _log.warning("retention.postponed", error=type(error).__name__)
            await pause(stop, LOOK_SECONDS)

    async def _lead(self, stop: asyncio.Event) -> None:
        self._active = True
        if self._clock.monotonic() >= self._next:
            await self.turn()
            self._next = self._clock.monotonic() + (AGAIN_SECONDS if self._failed else EVERY_SECONDS)
        await pause(stop, LOOK_SECONDS)

    async def turn(self) -> None:
        """One round; a step that fails leaves the others their turn."""
        now = self._clock.machine_now()
        rules = self._plan.rules(now)
        since = {rule.parts.table: rule.cutoff for rule in rules}
        steps: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            (parts.table, partial(ensure, self._database, parts, now, since=since.get(parts.table)))
            for parts in self._plan.parts
        ]
        steps += [(name, partial(chore, now)) for name, chore in self._plan.chores]
        steps += [(rule.parts.table, partial(purge, self._database, rule)) for rule in rules]
        failed = [name for name, step in steps if not await _try(name, step)]
        self._failed = ", ".join(dict.fromkeys(failed))
        if not failed:
            self._last = now.isoformat(timespec="seconds")


async def _try(name: str, step: Callable[[], Awaitable[object]]) -> bool:
    try:
        done = await step()
    except HubError as error:
        _log.warning("retention.postponed", step=name, error=error.code)
        return False
    except Postponed as error:
        _log.warning("retention.postponed", step=name, error=str(error))
        return False
    except DatabaseError as error:
        tell = _log.warning if is_transient(error) else _log.exception
        tell("retention.postponed", step=name, error=error.sqlstate or type(error).__name__)
        return False
    return not (isinstance(done, Purged) and done.postponed)
