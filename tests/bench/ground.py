"""The hub that is measured: whole, on this machine, with its own data; who speaks to it, and what it costs in CPU
and memory."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy import text

from deploy.client.credentials import read_credentials
from deploy.client.hub import Hub as Client
from deploy.local.hub import Hub
from services.kernel.database import Database, driver_dsn

PROGRAMS: Final = ("gateway", "province", "district", "commune")
SERVERS: Final = ("postgres", "kafka")
OUR_OWN: Final = "LIENTHONG_"
DECIDING: Final = "department-a"
SENDER: Final = "commune-a"
TICKS: Final = os.sysconf("SC_CLK_TCK")
MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """One system: its token, its office and its organ."""

    name: str
    token: str = field(repr=False)
    url: str
    organ: str


@dataclass(slots=True)
class Ground:
    """A running hub."""

    hub: Hub
    callers: dict[str, Caller] = field(default_factory=dict)
    _databases: dict[str, Database] = field(default_factory=dict)

    async def sql(self, owner: str, query: str, **values: Any) -> list[Any]:
        """Rows of a program's database."""
        if owner not in self._databases:
            url = self.hub.database_url(owner)
            self._databases[owner] = Database(url, application_name="bench", pool_size=2)
        async with self._databases[owner].read() as conn:
            return list((await conn.execute(text(query), values)).all())

    @asynccontextmanager
    async def connected(self, owner: str) -> AsyncIterator[Any]:
        """Straight to a program's database, for what no program may."""
        connection = await asyncpg.connect(driver_dsn(self.hub.database_url(owner)))
        try:
            yield connection
        finally:
            await connection.close()

    async def vacuum(self) -> None:
        """What PostgreSQL would do after much was written, in the middle of the next measurement."""
        for program in PROGRAMS:
            async with self.connected(program) as connection:
                await connection.execute("VACUUM (ANALYZE)")

    async def sign_in(self) -> None:
        """Fresh tokens for all systems."""
        for name, entry in read_credentials(self.hub.home).items():
            async with Client(entry) as client:
                self.callers[name] = Caller(name, await client.token(), entry.office_url, entry.organ)

    async def aclose(self) -> None:
        for database in self._databases.values():
            await database.aclose()

    def cpu_seconds(self, names: Iterable[str] = (*PROGRAMS, *SERVERS)) -> dict[str, float]:
        """User and system time each part has taken so far, with its children."""
        return {name: sum(_cpu(pid) for pid in self._family(name)) for name in names}

    def memory_mebibytes(self, names: Iterable[str] = (*PROGRAMS, *SERVERS)) -> dict[str, float]:
        """Resident, of PostgreSQL without what its processes share."""
        return {name: sum(_memory(pid) for pid in self._family(name)) / MEBIBYTE for name in names}

    def _family(self, name: str) -> list[int]:
        servers: dict[str, Any] = {"postgres": self.hub.postgres, "kafka": self.hub.kafka}
        first: int = servers[name].pid if name in servers else self.hub.pid(name)
        return [first, *_children(first)]


@asynccontextmanager
async def running(**settings: str) -> AsyncIterator[Ground]:
    """A hub in a folder of its own that is gone afterwards; `settings` are added to its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OUR_OWN)} | settings
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-", ignore_cleanup_errors=True) as folder:
        hub = Hub(Path(folder) / "hub", environment=environment)
        ground = Ground(hub)
        try:
            await asyncio.to_thread(hub.start)
            await ground.sign_in()
            yield ground
        finally:
            await ground.aclose()
            await asyncio.to_thread(hub.stop)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    own, reaped = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return (own + reaped) / TICKS


def _memory(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0
