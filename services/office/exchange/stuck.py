"""A worker that tries stuck hops again: nobody but the gateway's operators may give one up, by voiding the hop."""

import asyncio
from datetime import datetime

import structlog

from contracts.problems import HubError
from services.kernel.clock import Clock
from services.kernel.connection import DatabaseError
from services.kernel.database import Database
from services.kernel.errors import RetryLater
from services.kernel.messaging.records import Record
from services.kernel.pause import pause
from services.kernel.supervisor import Part
from services.office.exchange import store
from services.office.exchange.actions import Exchange
from services.office.exchange.events import DeliverDoor

POLL_SECONDS = 1.0
AT_ONCE = 50

_EXPECTED = (HubError, RetryLater, DatabaseError)

_log = structlog.get_logger(__name__)


class StuckWork:
    """Tries after the exchange's `waits`; looks for due work every second, or sooner when waits are scaled down."""

    def __init__(self, database: Database, door: DeliverDoor, exchange: Exchange, clock: Clock) -> None:
        self._database = database
        self._door = door
        self._exchange = exchange
        self._clock = clock
        self._waits = exchange.waits
        self._number = 0
        self._since: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Worker."""
        while not stop.is_set():
            try:
                await self.retry()
            except HubError as error:
                _log.warning("stuck.not_looked_up", code=error.code)
            await pause(stop, min(POLL_SECONDS, self._waits[0]))

    async def retry(self) -> None:
        """One round over what is due, and a new count."""
        async with self._database.transaction() as conn:
            due = await store.claim_due(conn, self._clock.machine_now(), self._waits, AT_ONCE)
            await self._exchange.tell_stuck(conn, [hop for hop, _ in due])
        for _, record in due:
            await self._try(record)
        async with self._database.read() as conn:
            self._number, self._since = await store.count_stuck(conn)

    def part(self) -> Part:
        """Shown in /readyz; never makes the program unready."""
        detail = f"{self._number} subjects" + (
            f", the oldest since {self._since:%Y-%m-%d %H:%M}Z" if self._since else ""
        )
        return Part("stuck", self._number == 0, detail, critical=False)

    async def _try(self, record: Record) -> None:
        """One that fails, for whatever reason, stays stuck and does not hold up the others."""
        (failure,) = await asyncio.gather(self._apply(record), return_exceptions=True)
        if isinstance(failure, _EXPECTED):
            _log.warning("hop.still_stuck", subject=record.key, error=type(failure).__name__)
        elif isinstance(failure, Exception):
            _log.error("hop.failed", subject=record.key, error=type(failure).__name__, exc_info=failure)
            await self._hold(record, failure)
        elif failure is not None:
            raise failure

    async def _apply(self, record: Record) -> None:
        await self._door.prepare([record])
        async with self._database.transaction() as conn:
            await self._door.apply(conn, [record])
        self._door.committed([record])

    async def _hold(self, record: Record, error: Exception) -> None:
        """Why it waits is told from now on; it was counted as a try when it was claimed."""
        try:
            async with self._database.transaction() as conn:
                await self._door.bury(conn, record, error)
        except _EXPECTED as again:
            _log.warning("hop.still_stuck", subject=record.key, error=type(again).__name__)
