"""A hub that has been at work for a year: dossiers in the databases of commune, province and gateway as their journeys
leave them, slim of content, and a country of organs in every program's memory.

The rows are those that are kept: of what goes after a month (settled facts, hops, sealed contents) only the youngest,
of inbox items all, each read by the systems of its organ. Not there: events, answers remembered for repeated requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import asyncpg
from structlog.testing import capture_logs

from deploy.client.credentials import read_credentials
from deploy.client.hub import Hub as Client
from gateway.delivery.model import DELIVERY_PARTS as GATEWAY_DELIVERIES
from gateway.transfers.model import PAYLOAD_PARTS
from gateway.transfers.model import TRANSFER_PARTS as GATEWAY_TRANSFERS
from services.kernel.database import Database, driver_dsn
from services.kernel.partitions import Parts, Postponed, ensure, month_of
from services.office.exchange.model import RECEIPT_PARTS
from services.office.inbox.model import ITEM_PARTS
from services.office.transfers.model import DELIVERY_PARTS, TRANSFER_PARTS
from tests.bench.bench import Bench, Refused, lost, until
from tests.bench.figure import Figure, Goal, Value
from tests.bench.ground import PROGRAMS, Ground
from tests.bench.journey import sustained
from tests.bench.stored_rows import BASE, INBOX, ORGANS, ROWS

DAYS: Final = 330
"""The oldest; the youngest is of yesterday, so no code is one that the hub still gives out."""
KEPT_DAYS: Final = 29
"""Of what goes after a month."""
LINES: Final = 15_000
"""Of one sheet, fewer than the gateway takes."""
FOLLOW_SECONDS: Final = 120.0
TRIES: Final = 20
PARTS: Final[dict[str, tuple[Parts, ...]]] = {
    "commune": (TRANSFER_PARTS, DELIVERY_PARTS, ITEM_PARTS),
    "province": (TRANSFER_PARTS, DELIVERY_PARTS, ITEM_PARTS, RECEIPT_PARTS),
    "gateway": (GATEWAY_TRANSFERS, GATEWAY_DELIVERIES, PAYLOAD_PARTS),
}
INBOXES: Final = {"commune": ("sender", "receipt"), "province": ("decider", "dossier")}
"""Whose they are, and what is in them."""
HEADER: Final = "code,name,level,kind,superior,home"
PER_SUPERIOR: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    dossiers: int
    organs: int


FEW: Final = Stored(dossiers=10_000, organs=200)
MUCH: Final = Stored(dossiers=1_000_000, organs=14_000)
SHORT: Final = Stored(dossiers=50_000, organs=2_000)
GOAL: Final = Goal(target=0.9, least=0.75, stretch=1.0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many dossiers from this number on, spread evenly over a time."""

    first: int
    count: int
    start: datetime
    end: datetime

    @property
    def every(self) -> float:
        """Seconds between two."""
        return (self.end - self.start).total_seconds() / self.count


async def fill(ground: Ground, *, dossiers: int, organs: int) -> None:
    """Adds organs until there are so many, and stored dossiers until there are so many of them. Returns when every
    program knows the organs and is ready, and the databases know how large they are."""
    await register(ground, organs)
    ((there,),) = await ground.sql("gateway", "SELECT count(*) FROM transfer WHERE system = 'stored'")
    if there < dossiers:
        end = _midnight(datetime.now(UTC))
        stretch = Stretch(there, dossiers - there, end - timedelta(days=DAYS), end)
        with capture_logs():  # of parts made
            for owner, tables in PARTS.items():
                await _make_parts(ground.hub.database_url(owner), tables, stretch.start)
        async with asyncio.TaskGroup() as group:
            for owner in PARTS:
                group.create_task(_fill(ground, owner, stretch))
    await asyncio.to_thread(ground.hub.await_ready, PROGRAMS)


async def register(ground: Ground, organs: int) -> None:
    """By the sheet an administrator would import: communes below the districts there are."""
    ((there,),) = await ground.sql("gateway", "SELECT count(*) FROM organ")
    districts = [row.key for row in await ground.sql("gateway", "SELECT key FROM organ WHERE level = 'district'")]
    async with Client(read_credentials(ground.hub.home)["administrator"]) as administrator:
        for first in range(there, organs, LINES):
            numbers = range(first, min(first + LINES, organs))
            report = await administrator.organs.import_csv(sheet(numbers, districts).encode())
            if report["created"] != len(numbers):
                raise Refused(f"{report['created']} of {len(numbers)} organs were taken")
    for owner in ("commune", "district", "province"):
        known = partial(_knows, ground, owner, max(there, organs))
        await until(known, f"{owner} knows the organs", seconds=FOLLOW_SECONDS, every=0.2)


def sheet(numbers: Sequence[int], superiors: Sequence[str]) -> str:
    """Communes with codes that the seed does not use, shared among the superiors."""
    lines = [HEADER]
    for number in numbers:
        superior = superiors[number // PER_SUPERIOR % len(superiors)]
        code = f"{1 + number // 100:03}.{number % 100:02}.90.{superior.rpartition('.')[2]}"
        lines.append(f"{code},Ủy ban nhân dân xã Mẫu {number},commune,committee,{superior},office")
    return "\n".join(lines) + "\n"


def months(first: datetime, last: datetime) -> int:
    """From the month of the one to that of the other."""
    begin, end = month_of(first), month_of(last)
    return (end.year - begin.year) * 12 + end.month - begin.month


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


async def _knows(ground: Ground, owner: str, organs: int) -> bool:
    """What an office has stored it has in memory the moment after."""
    query = "SELECT count(*) FROM registry_copy WHERE topic = 'registry.organ'"
    ((copied,),) = await ground.sql(owner, query)
    return bool(copied >= organs)


async def _fill(ground: Ground, owner: str, stretch: Stretch) -> None:
    """One program's share, in one transaction; the same dossiers for all owners."""
    senders, deciders = await _organs(ground, "commune"), await _organs(ground, "province")
    async with AsyncExitStack() as stack:
        connection: Any = await asyncpg.connect(driver_dsn(ground.hub.database_url(owner)))
        stack.push_async_callback(connection.close)
        await connection.execute("SET synchronous_commit = off; SET work_mem = '64MB'; SET temp_buffers = '256MB'")
        async with connection.transaction():
            await connection.execute(ORGANS)
            for role, codes in (("sender", senders), ("decider", deciders)):
                records = [(role, number, code) for number, code in enumerate(codes)]
                await connection.copy_records_to_table("bench_organ", records=records)
            await connection.execute("ANALYZE bench_organ")
            sizes = (stretch.count, stretch.start, stretch.every, len(senders), len(deciders), stretch.first)
            await connection.execute(BASE, *sizes)
            if owner in INBOXES:
                await _inboxes(ground, connection, *INBOXES[owner])
            young = stretch.end - timedelta(days=KEPT_DAYS)
            for statement in ROWS[owner]:
                await connection.execute(statement.replace(":young", f"'{young.isoformat()}'"))
        await connection.execute("VACUUM (ANALYZE)")  # what the server would do in the middle of a measurement


async def _inboxes(ground: Ground, connection: Any, role: str, kind: str) -> None:
    """Takes the positions of the items, and lets the systems of each organ have read them."""
    readers = await ground.sql("gateway", "SELECT client_id, organ FROM system_organ")
    await connection.copy_records_to_table("bench_reader", records=[tuple(row) for row in readers])
    for statement in INBOX:
        await connection.execute(statement.replace(":role", role).replace(":kind", f"'{kind}'"))


async def _organs(ground: Ground, level: str) -> list[str]:
    query = "SELECT key FROM organ WHERE level = :level AND home = 'office' ORDER BY key"
    return [row.key for row in await ground.sql("gateway", query, level=level)]


async def _make_parts(url: str, tables: Sequence[Parts], start: datetime) -> None:
    """The months gone by, which a hub that starts today does not have."""
    database, ahead = Database(url, application_name="bench", pool_size=1), months(start, datetime.now(UTC))
    try:
        for parts in tables:
            for _ in range(TRIES):
                try:
                    await ensure(database, parts, start, ahead=ahead)
                    break
                except Postponed:
                    continue
    finally:
        await database.aclose()


async def measure(bench: Bench) -> list[Figure]:
    """The sustained journey with little and with much stored. In the short form there is not much."""
    seconds = bench.sized(15.0, 5.0)
    await fill(bench.ground, dossiers=FEW.dossiers, organs=FEW.organs)
    few = await sustained(bench, seconds)
    much = bench.sized(MUCH, SHORT)
    await fill(bench.ground, dossiers=much.dossiers, organs=much.organs)
    many = await sustained(bench, seconds)
    bench.say(f"journey with {much.dossiers} stored: {many.rate:.0f}/s, with {FEW.dossiers}: {few.rate:.0f}/s")
    return [
        Figure(
            name="stored.flat",
            title=f"Hành trình khi đã lưu {much.dossiers:,} hồ sơ, {much.organs:,} cơ quan · with as many stored",
            unit="dossiers/s",
            ours=Value([many.rate]),
            floor=Value([few.rate]),
            goal=GOAL,
            void=lost(few.missing + many.missing),
        )
    ]
