"""The worker that counts what operators have to look at, for the metrics."""

import asyncio
from contextlib import suppress

from contracts.levels import OFFICE_LEVELS
from contracts.problems import HubError
from contracts.protocol import GATEWAY
from gateway.operations import store
from services.kernel.database import Database
from services.kernel.metrics import Metrics
from services.kernel.pause import pause

EVERY_SECONDS = 15.0


class Figures:
    """Every process that works tells the same numbers: they are the database's, not its own."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._stuck = metrics.gauge("hops_stuck", "Hops an office cannot apply", ("office",))
        self._dead = metrics.gauge("dead_letters_open", "Dead letters nobody has dealt with", ("program",))
        self._undecided = metrics.gauge("deliveries_undecided", "Deliveries that wait for a successor to be chosen")

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with suppress(HubError):  # the database is away, which its own part tells
                await self.count()
            await pause(stop, EVERY_SECONDS)

    async def count(self) -> None:
        async with self._database.read() as conn:
            found = {(figure, label): number for figure, label, number in await store.figures(conn)}
        for level in OFFICE_LEVELS:
            self._stuck.labels(level).set(found.get(("stuck", level), 0))
        for program in (GATEWAY, *OFFICE_LEVELS):
            self._dead.labels(program).set(found.get(("dead", program), 0))
        self._undecided.set(found.get(("undecided", ""), 0))
