"""Long polls: a reader waits for its next item without holding a connection, and never too many of them at once."""

import asyncio
import time
from typing import Any

from contracts.problems import HubError
from services.kernel.bell import Bell, Ticket
from services.kernel.database import Database
from services.office.inbox import actions, store

LONGEST_WAIT_SECONDS = 30.0
POLL_SECONDS = 5.0


class Poll:
    """Long polls over one database; `stopping` ends them when the process does. At most `places` wait at a time:
    who waits holds a request slot, and the others' work needs some."""

    def __init__(self, database: Database, bell: Bell, stopping: asyncio.Event, *, places: int) -> None:
        self._database = database
        self._bell = bell
        self._stopping = stopping
        self._places = places
        self.waiting = 0

    async def read(
        self, reader: tuple[str, str], sight: store.Sight, *, after: int, limit: int, wait: float
    ) -> list[dict[str, Any]]:
        """Items as soon as there are any, or none after `wait` seconds; raises system.overloaded when it would have to
        wait and no place is left."""
        end = time.monotonic() + min(wait, LONGEST_WAIT_SECONDS)
        ticket = self._bell.ticket(actions.bell(reader[1]))
        items = await self._look(reader, sight, after, limit)
        if items or end <= time.monotonic() or self._stopping.is_set():
            return items
        if self.waiting >= self._places:
            raise HubError("system.overloaded", "too many long polls at once")
        self.waiting += 1
        try:
            while not items and (left := end - time.monotonic()) > 0 and not self._stopping.is_set():
                await self._rung(ticket, min(left, POLL_SECONDS))
                ticket = self._bell.ticket(actions.bell(reader[1]))
                items = await self._look(reader, sight, after, limit)
            return items
        finally:
            self.waiting -= 1

    async def _look(self, reader: tuple[str, str], sight: store.Sight, after: int, limit: int) -> list[dict[str, Any]]:
        async with self._database.read() as conn:
            return await store.read(conn, reader, sight=sight, after=after, limit=limit)

    async def _rung(self, ticket: Ticket, seconds: float) -> None:
        """Until the bell rings after the ticket, the time is up or the process stops."""
        ringing = asyncio.ensure_future(self._bell.wait_since(ticket, seconds))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({ringing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ringing.cancel()
            stopping.cancel()
