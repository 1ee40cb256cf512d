"""The worker between the hub and the axis: one active per database, sending what is due and fetching what waits."""

import asyncio
import time

import structlog

from contracts.problems import HubError
from gateway.delivery.store import AXIS_BELL
from gateway.national.actions import Connector
from gateway.national.client import AxisRefused, AxisUnavailable
from services.kernel.bell import Bell
from services.kernel.leases import Lease, LeaseLost, Leases
from services.kernel.pause import pause
from services.kernel.supervisor import Part

LEASE = "axis"
TURN_SECONDS = 1.0
BURST = 50

log = structlog.get_logger(__name__)


class AxisWorker:
    """Sends within a second of acceptance; fetches every `fetch_seconds`. The axis away is a part, never an error."""

    def __init__(self, connector: Connector, leases: Leases, bell: Bell, *, fetch_seconds: float) -> None:
        self._connector, self._leases, self._bell = connector, leases, bell
        self._fetch_seconds, self._fetch_at = fetch_seconds, 0.0
        self._problem, self._active = "", False
        self._fence = 0

    def part(self) -> Part:
        detail = self._problem or ("connected" if self._active else "standing by")
        return Part("axis", not self._problem, detail, critical=False)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                self._active = False
                if not await self._leases.lead(LEASE, stop, lambda lease: self._lead(lease, stop)):
                    await pause(stop, TURN_SECONDS)
            except LeaseLost:
                log.warning("axis.lease_lost")
            except HubError as error:
                self._problem = error.code
                await pause(stop, TURN_SECONDS)

    async def _lead(self, lease: Lease, stop: asyncio.Event) -> None:
        """One turn, and then a wait for the next one or the bell."""
        if lease.fence != self._fence:
            await self._connector.take_over()
            self._fence = lease.fence
        self._active = True
        ticket = self._bell.ticket(AXIS_BELL)
        await self._turn()
        if not stop.is_set():
            await self._bell.wait_since(ticket, TURN_SECONDS)

    async def _turn(self) -> None:
        for _ in range(BURST):
            if not await self._connector.send_next():
                break
        if time.monotonic() < self._fetch_at:
            return
        self._fetch_at = time.monotonic() + self._fetch_seconds
        try:
            await self._connector.fetch("edoc")
            await self._connector.fetch("status")
        except (AxisUnavailable, AxisRefused) as error:
            if not self._problem:
                log.warning("axis.unavailable", step="fetch", error=type(error).__name__)
            self._problem = f"the axis does not answer: {type(error).__name__}"
        else:
            self._problem = ""
