"""What an office does with its store of files once an hour, and whether its database is at the version this release
needs. Rows are `retention.py`'s matter."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog
from alembic.script import ScriptDirectory
from sqlalchemy import text

from contracts.problems import HubError
from services.kernel.connection import DatabaseError
from services.kernel.database import Database
from services.kernel.health import Check
from services.kernel.pause import pause
from services.kernel.supervisor import Part
from services.office.attachments.actions import Attachments

EVERY_SECONDS = 3600.0
SWEEP_EVERY_ROUNDS = 24
"""The whole store is listed once a day."""
MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"

_VERSION = text("SELECT version_num FROM alembic_version")
_log = structlog.get_logger(__name__)


class Housekeeping:
    """A worker: removes what broken uploads left, and bytes that no row names."""

    def __init__(self, database: Database, attachments: Attachments) -> None:
        self._database = database
        self._attachments = attachments
        self._rounds = 0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.tidy()
            except HubError as error:
                _log.warning("housekeeping.postponed", code=error.code)
            await pause(stop, EVERY_SECONDS)

    async def tidy(self) -> None:
        """One round; several processes may do it at once."""
        await self._attachments.sweep()
        if self._rounds % SWEEP_EVERY_ROUNDS == 0:
            swept = await self._attachments.sweep_unnamed(self._database)
            if swept:
                _log.info("attachments.swept", count=swept)
        self._rounds += 1


def migrations_check(database: Database, history: Path = MIGRATIONS) -> Check:
    """A database that is not at the newest version makes the process not ready."""
    head = ScriptDirectory(str(history)).get_current_head()

    async def check() -> Sequence[Part]:
        try:
            async with database.read() as conn:
                version = (await conn.execute(_VERSION)).scalar_one_or_none()
        except HubError:
            return []  # the part `database` says so
        except DatabaseError:
            version = None
        detail = f"at {version}" if version == head else f"at {version}, wanted {head}: run `lienthong migrate`"
        return [Part("migrations", version == head, detail)]

    return check
