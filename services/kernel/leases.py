"""Who is the one that works: a row with a fencing number and an end, all by the database's clock.

A holder that slept past its end may still believe in its lease; what it writes must be conditional on the fence.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import text

from contracts.problems import HubError
from services.kernel.database import Database
from services.kernel.pause import end

TTL_SECONDS = 5.0

_ACQUIRE = text("""
    INSERT INTO lease AS l (name, holder, fence, expires_at)
    VALUES (:name, :holder, 1, clock_timestamp() + make_interval(secs => :ttl))
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = l.fence + 1, expires_at = excluded.expires_at
     WHERE l.expires_at <= clock_timestamp()
    RETURNING fence
""")

_RENEW = text("""
    UPDATE lease SET expires_at = clock_timestamp() + make_interval(secs => :ttl)
     WHERE name = :name AND holder = :holder AND fence = :fence
""")

_RELEASE = text("""
    UPDATE lease SET expires_at = clock_timestamp() WHERE name = :name AND holder = :holder AND fence = :fence
""")


class LeaseLost(Exception):
    """Another process holds the lease now."""


@dataclass(frozen=True, slots=True)
class Lease:
    name: str
    fence: int


class Leases:
    """Leases of one process; `holder` names it in the table."""

    def __init__(self, database: Database, holder: str, *, ttl_seconds: float = TTL_SECONDS) -> None:
        self._database = database
        self._holder = holder
        self.ttl_seconds = ttl_seconds

    async def lead(self, name: str, stop: asyncio.Event, turn: Callable[[Lease], Awaitable[None]]) -> bool:
        """Takes turn after turn while the lease is held, until `stop`; False at once when it is somebody else's.

        Raises `LeaseLost` when it was taken meanwhile, and what `turn` raises; whichever way, the lease is let go.
        """
        lease = await self.acquire(name)
        if lease is None:
            return False
        renewing = asyncio.create_task(self._keep(lease))
        try:
            while not stop.is_set() and not renewing.done():
                await turn(lease)
        finally:
            await end(renewing)
            with suppress(HubError):
                await self.release(lease)
        if not renewing.cancelled():
            renewing.result()
        return True

    async def _keep(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(self.ttl_seconds / 3)
            with suppress(HubError):  # the database is away: the fence protects what is written later
                await self.renew(lease)

    async def acquire(self, name: str) -> Lease | None:
        """The lease under a new fencing number, or None while somebody else's has not ended."""
        async with self._database.transaction() as conn:
            row = (
                await conn.execute(_ACQUIRE, {"name": name, "holder": self._holder, "ttl": self.ttl_seconds})
            ).one_or_none()
        return Lease(name, row.fence) if row else None

    async def renew(self, lease: Lease) -> None:
        """Raises `LeaseLost` when somebody took it; a lease that merely ran out is still ours."""
        async with self._database.transaction() as conn:
            result = await conn.execute(
                _RENEW, {"name": lease.name, "holder": self._holder, "fence": lease.fence, "ttl": self.ttl_seconds}
            )
        if not result.rowcount:
            raise LeaseLost(lease.name)

    async def release(self, lease: Lease) -> None:
        """Lets a standby take over at once."""
        async with self._database.transaction() as conn:
            await conn.execute(_RELEASE, {"name": lease.name, "holder": self._holder, "fence": lease.fence})
