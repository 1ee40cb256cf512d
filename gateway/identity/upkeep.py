"""The worker that changes the signing key when it is old, and forgets answers kept for repeats."""

import asyncio
from datetime import timedelta

import structlog

from contracts.problems import HubError
from gateway.audit.actions import GATEWAY, Act
from gateway.identity import actions
from services.kernel.clock import Clock
from services.kernel.crypto import Keyring
from services.kernel.database import Database
from services.kernel.idempotency import Idempotency
from services.kernel.pause import pause

EVERY_SECONDS = 600.0

_log = structlog.get_logger(__name__)


class Upkeep:
    """Several processes may do it at once: changes of keys follow one another, and the second finds nothing due."""

    def __init__(
        self, database: Database, keyring: Keyring, idempotency: Idempotency, *, clock: Clock, key_days: float
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._idempotency = idempotency
        self._clock = clock
        self._age = timedelta(days=key_days)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.turn()
            except HubError as error:
                _log.warning("upkeep.postponed", code=error.code)
            await pause(stop, EVERY_SECONDS)

    async def turn(self) -> str | None:
        """One round; the id of the new key, when one was due."""
        act = Act(GATEWAY, self._clock.hub_now(), f"the signing key is {self._age.days} days old")
        async with self._database.transaction() as conn:
            key = await actions.rotate_due_key(conn, self._keyring, self._age, by=act)
        if key is not None:
            _log.info("key.rotated", kid=key.kid)
        await self._idempotency.purge(self._database)
        return key.kid if key else None
