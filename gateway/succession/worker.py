"""The worker that carries out choices of successors for all that waits: one active per database, a bounded part at a
time, so that thousands are no longer transaction than ten and a crash in the middle loses nothing."""

import asyncio

import structlog

from contracts.problems import HubError
from gateway.succession import actions, store
from gateway.work import Desk
from services.kernel.bell import Bell
from services.kernel.database import Database
from services.kernel.leases import LeaseLost, Leases
from services.kernel.pause import pause

LEASE = "succession"
TURN_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Releasing:
    def __init__(self, database: Database, desk: Desk, leases: Leases, bell: Bell) -> None:
        self._database, self._desk, self._leases, self._bell = database, desk, leases, bell

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                if not await self._leases.lead(LEASE, stop, lambda _: self._lead()):
                    await pause(stop, TURN_SECONDS)
            except LeaseLost:
                log.warning("succession.lease_lost")
            except HubError:  # the database is away, which its own part tells
                await pause(stop, TURN_SECONDS)

    async def _lead(self) -> None:
        ticket = self._bell.ticket(actions.CHOSEN_BELL)
        await self.turn()
        await self._bell.wait_since(ticket, TURN_SECONDS)

    async def turn(self, *, at_once: int = actions.AT_ONCE) -> int:
        """One round over all that waits with its successor chosen; returns how many deliveries were sent.

        Of two that work by mistake the second finds the rows released: each looks again under the subjects' locks.
        """
        sent, after = 0, ("", "")
        while True:
            async with self._database.read() as conn:
                page = await store.orders(conn, after=after, limit=at_once)
            registry = self._desk.begin({}).registry
            names = [order.subject for order in page if actions.is_possible(registry, order)]
            if names:
                async with self._database.transaction() as conn:
                    sent += await actions.release(conn, self._desk, names)
            if len(page) < at_once:
                return sent
            after = page[-1].subject, page[-1].organ
