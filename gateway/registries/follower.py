"""Keeps the copies in memory (organs, systems, keys) up with the database, whichever process changed it."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from contracts.problems import HubError
from gateway.registries.actions import BELL
from services.kernel.bell import Bell
from services.kernel.connection import Connection
from services.kernel.database import Database
from services.kernel.supervisor import Part

POLL_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Snapshot(Protocol):
    """A copy in memory that can catch up."""

    async def refresh(self, conn: Connection) -> bool: ...


class Follower:
    """`refresh` once before the first use; `run` is the worker that goes on from there."""

    def __init__(self, database: Database, bell: Bell, snapshots: Sequence[Snapshot]) -> None:
        self._database = database
        self._bell = bell
        self._snapshots = snapshots
        self._detail = "not read yet"
        self._away = False
        self.complete = False

    async def refresh(self) -> None:
        """Every copy is at least as new as what was committed before the call."""
        async with self._database.read() as conn:
            for snapshot in self._snapshots:
                await snapshot.refresh(conn)
        self.complete = True

    async def run(self, stop: asyncio.Event) -> None:
        """The bell wakes it at once; the poll is the net."""
        while not stop.is_set():
            ticket = self._bell.ticket(BELL)
            try:
                await self.refresh()
                self._away = False
            except HubError as error:
                if not self._away:
                    _log.warning("registry.read_failed", code=error.code)
                self._away, self._detail = True, error.code
            await self._bell.wait_since(ticket, POLL_SECONDS)

    def part(self) -> Part:
        """Critical until everything was read once; later the copies serve on while the database is away."""
        if not self.complete:
            return Part("registries", False, self._detail)
        return Part("registries", not self._away, self._detail if self._away else "current", critical=False)
