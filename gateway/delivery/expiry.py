"""The worker that tells senders, once, of deliveries nobody took in time."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from contracts.problems import HubError
from contracts.protocol import EXPIRY_SECONDS
from gateway.delivery import actions
from gateway.work import Desk
from services.kernel.database import Database, ring_on_commit
from services.kernel.messaging.outbox import BELL
from services.kernel.pause import pause

EVERY_SECONDS = 60.0


class Expiry:
    def __init__(self, database: Database, desk: Desk, *, scale: float = 1.0) -> None:
        self._database, self._desk, self._scale = database, desk, scale

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with suppress(HubError):  # the database is away, which its own part tells
                await self.turn()
            await pause(stop, EVERY_SECONDS * min(self._scale, 1.0))

    async def turn(self) -> int:
        """One round; returns how many deliveries it told of."""
        async with self._database.transaction() as conn:
            work = self._desk.begin({})
            count = await actions.expire(conn, work, before=work.now - timedelta(seconds=EXPIRY_SECONDS * self._scale))
            ring_on_commit(conn, BELL)
        return count
