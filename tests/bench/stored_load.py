"""Rows into tables as fast as a server takes them: written once, frozen, not logged, indexes built afterwards. At the
end nothing tells these tables from others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from services.kernel.database import driver_dsn
from tests.bench.ground import PROGRAMS, Ground

LEAN: Final = {"wal_level": "minimal", "max_wal_senders": "0", "autovacuum": "off", "checkpoint_timeout": "1h"}
"""With these a table that is emptied and filled in one transaction is written to its file and to no log."""
SESSION: Final = """
    SET work_mem = '64MB'; SET temp_buffers = '512MB';
    SET maintenance_work_mem = '256MB'; SET max_parallel_maintenance_workers = 0
"""
"""The databases are filled side by side, so that no statement needs several processes."""
_TYPED: Final = """
    SELECT string_agg(format('%I::%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY place)
      FROM unnest(string_to_array($2, ', ')) WITH ORDINALITY AS wanted(attname, place)
      JOIN pg_attribute USING (attname) WHERE attrelid = $1::text::regclass
"""
_ASLEEP: Final = "UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = '{}'::regclass"


@dataclass(frozen=True, slots=True)
class Filling:
    """Rows that come to a table, or to a part of one: its columns, and a query that has them in this order."""

    table: str
    columns: str
    query: str


@dataclass(slots=True)
class Spent:
    """Seconds, by what they went on."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - began

    def __str__(self) -> str:
        return ", ".join(f"{what} {seconds:.1f} s" for what, seconds in self.seconds.items())


@asynccontextmanager
async def filled_alone(ground: Ground) -> AsyncIterator[None]:
    """The programs rest, and the server is `LEAN`; at the end it is as before, and they are ready."""
    for name in PROGRAMS:
        await asyncio.to_thread(ground.hub.stop_program, name)
    try:
        await _restarted(ground, [f"ALTER SYSTEM SET {name} = '{value}'" for name, value in LEAN.items()])
        try:
            yield
        finally:
            await _restarted(ground, ["ALTER SYSTEM RESET ALL"])
    finally:
        for name in PROGRAMS:
            await asyncio.to_thread(ground.hub.start_again, name)
        await asyncio.to_thread(ground.hub.await_ready, PROGRAMS)


@asynccontextmanager
async def connected(ground: Ground, owner: str) -> AsyncIterator[Any]:
    async with ground.connected(owner) as connection:
        await connection.execute(SESSION)
        yield connection


async def add(connection: Any, fillings: Sequence[Filling], spent: Spent) -> None:
    """A few rows, as anybody would; the tables may be in use."""
    with spent.on("rows"):
        for each in fillings:
            typed = await connection.fetchval(_TYPED, each.table, each.columns)
            rows = f"SELECT {typed} FROM ({each.query}) AS r ({each.columns})"
            await connection.execute(f"INSERT INTO {each.table} ({each.columns}) {rows}")


async def load(connection: Any, file: Path, fillings: Sequence[Filling], spent: Spent) -> None:
    """Many rows: the tables are written anew, what is in them stays. Within a transaction, while nobody else writes;
    the server writes the file."""
    copied = f"'{file}' (FORMAT binary)"
    frozen = f"'{file}' (FORMAT binary, FREEZE)"
    for each in fillings:
        with spent.on("rows"):
            await connection.execute(f"COPY {each.table} TO {copied}; TRUNCATE {each.table}")
            await connection.execute(_ASLEEP.format(each.table))
            await connection.execute(f"COPY {each.table} FROM {frozen}")
            typed = await connection.fetchval(_TYPED, each.table, each.columns)
            await connection.execute(f"COPY (SELECT {typed} FROM ({each.query}) AS r ({each.columns})) TO {copied}")
            await connection.execute(f"COPY {each.table} ({each.columns}) FROM {frozen}")
        with spent.on("indexes"):
            await connection.execute(f"REINDEX TABLE {each.table}")


async def _restarted(ground: Ground, statements: Sequence[str]) -> None:
    server = ground.hub.postgres
    assert server is not None
    connection: Any = await asyncpg.connect(driver_dsn(server.url("postgres")))
    for statement in statements:
        await connection.execute(statement)
    await connection.close()
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
