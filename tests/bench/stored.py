"""A hub that has been at work for a year: dossiers in the databases of commune, province and gateway as their journeys
leave them, slim of content, and a country of organs in every program's memory.

The rows are those that are kept: of what goes after a month (settled facts, hops, sealed contents) only the youngest,
of inbox items all, each read by the systems of its organ. Not there: events, answers remembered for repeated requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final

from structlog.testing import capture_logs

from deploy.client.credentials import read_credentials
from deploy.client.hub import Hub as Client
from gateway.delivery.model import DELIVERY_PARTS as GATEWAY_DELIVERIES
from gateway.transfers.model import PAYLOAD_PARTS
from gateway.transfers.model import TRANSFER_PARTS as GATEWAY_TRANSFERS
from services.kernel.database import Database
from services.kernel.partitions import Parts, Postponed, add_months, ensure, month_of
from services.office.exchange.model import RECEIPT_PARTS
from services.office.inbox.model import ITEM_PARTS
from services.office.transfers.model import DELIVERY_PARTS, TRANSFER_PARTS
from tests.bench.bench import Bench, Refused, lost, until
from tests.bench.figure import Figure, Goal, Value
from tests.bench.ground import Ground
from tests.bench.journey import sustained
from tests.bench.stored_load import Filling, Spent, add, connected, filled_alone, load
from tests.bench.stored_rows import BASE, INBOX, ORGANS, ROWS, Rows

DAYS: Final = 330
"""The oldest; the youngest is of yesterday, so no code is one that the hub still gives out."""
KEPT_DAYS: Final = 29
"""Of what goes after a month."""
LINES: Final = 15_000
"""Of one sheet, fewer than the gateway takes."""
FOLLOW_SECONDS: Final = 120.0
TRIES: Final = 20
MANY: Final = 100_000
"""So many are loaded, which takes tables that nobody uses; fewer are added."""
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


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who sends and who decides, by code, and the systems that read an organ's inbox."""

    senders: Sequence[str]
    deciders: Sequence[str]
    readers: Sequence[tuple[str, str]]


async def fill(bench: Bench, *, dossiers: int, organs: int) -> None:
    """Adds organs until there are so many, and stored dossiers until there are so many of them. Returns when every
    program knows the organs and is ready, and the databases know how large they are."""
    ground, whole = bench.ground, Spent()
    with whole.on("organs, months"):
        await register(ground, organs)
        stretch = await _stretch(ground, dossiers)
        crowd = await _crowd(ground)
    if stretch.count <= 0:
        return
    spent = {owner: Spent() for owner in ROWS}
    with whole.on("all"):
        async with nullcontext() if bench.quick else filled_alone(ground):
            with whole.on("rows"):
                async with asyncio.TaskGroup() as group:
                    for owner in ROWS:
                        group.create_task(_fill(ground, owner, crowd, stretch, spent[owner]))
    bench.say(f"{dossiers:,} dossiers are stored: {whole}")
    for owner in ROWS:
        bench.say(f"  {owner}: {spent[owner]}")


async def _stretch(ground: Ground, dossiers: int) -> Stretch:
    """Of those that are missing; their months have parts."""
    ((there,),) = await ground.sql("gateway", "SELECT count(*) FROM transfer WHERE system = 'stored'")
    end = _midnight(datetime.now(UTC))
    stretch = Stretch(there, dossiers - there, end - timedelta(days=DAYS), end)
    with capture_logs():  # of parts made
        for owner, tables in PARTS.items():
            await _make_parts(ground.hub.database_url(owner), tables, stretch.start)
    return stretch


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


async def _crowd(ground: Ground) -> Crowd:
    query = "SELECT key FROM organ WHERE level = :level AND home = 'office' ORDER BY key"
    senders, deciders = [
        [row.key for row in await ground.sql("gateway", query, level=level)] for level in ("commune", "province")
    ]
    readers = await ground.sql("gateway", "SELECT client_id, organ FROM system_organ")
    return Crowd(senders, deciders, [(row.client_id, row.organ) for row in readers])


async def _fill(ground: Ground, owner: str, crowd: Crowd, stretch: Stretch, spent: Spent) -> None:
    """One program's share, in one transaction; the same dossiers for all owners."""
    server = ground.hub.postgres
    assert server is not None
    file = server.data / f"bench-{owner}.copy"  # where the server may write
    async with connected(ground, owner) as connection:
        try:
            transaction = connection.transaction()
            await transaction.start()
            with spent.on("numbers"):
                await _base(connection, crowd, stretch)
                if owner in INBOXES:
                    await _inboxes(connection, crowd, *INBOXES[owner])
            for rows in ROWS[owner]:
                if stretch.count < MANY:
                    await add(connection, fillings(owner, rows, stretch), spent)
                else:
                    await load(connection, file, fillings(owner, rows, stretch), spent)
            with spent.on("disk"):
                await transaction.commit()
        finally:
            file.unlink(missing_ok=True)
        with spent.on("statistics"):
            await connection.execute("VACUUM (ANALYZE)")  # what the server would do in the middle of a measurement,
            await connection.execute("CHECKPOINT")  # and this


def fillings(owner: str, rows: Rows, stretch: Stretch) -> list[Filling]:
    """Of each part of the table that gets some."""
    first = stretch.end - timedelta(days=KEPT_DAYS) if rows.young else stretch.start
    parts = next((parts for parts in PARTS[owner] if parts.table == rows.table), None)
    if parts is None:
        return [Filling(rows.table, rows.columns, rows.query(f"at >= '{first.isoformat()}'"))]
    found, month = [], month_of(first)
    while month <= month_of(stretch.end):
        following = add_months(month, 1)
        condition = f"at >= '{max(first, _begin(month)).isoformat()}' AND at < '{_begin(following).isoformat()}'"
        found.append(Filling(parts.name(month), rows.columns, rows.query(condition)))
        month = following
    return found


async def _base(connection: Any, crowd: Crowd, stretch: Stretch) -> None:
    await connection.execute(ORGANS)
    for role, codes in (("sender", crowd.senders), ("decider", crowd.deciders)):
        records = [(role, number, code) for number, code in enumerate(codes)]
        await connection.copy_records_to_table("bench_organ", records=records)
    await connection.execute("ANALYZE bench_organ")
    sizes = (stretch.count, stretch.start, stretch.every, len(crowd.senders), len(crowd.deciders), stretch.first)
    await connection.execute(BASE, *sizes)
    await connection.execute("CREATE INDEX ON bench_dossier (at); ANALYZE bench_dossier")


async def _inboxes(connection: Any, crowd: Crowd, role: str, kind: str) -> None:
    """Takes the positions of the items, and lets the systems of each organ have read them."""
    await connection.copy_records_to_table("bench_reader", records=crowd.readers)
    for statement in INBOX:
        await connection.execute(statement.replace(":role", role).replace(":kind", f"'{kind}'"))


def _begin(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


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
    much = bench.sized(MUCH, SHORT)
    few, missing = await _with(bench, FEW)
    many, more = await _with(bench, much)
    return [
        Figure(
            name="stored.flat",
            title=f"Hành trình khi đã lưu {much.dossiers:,} hồ sơ, {much.organs:,} cơ quan · with as many stored",
            unit="dossiers/s",
            ours=many,
            floor=few,
            goal=GOAL,
            void=lost(missing or more),
        )
    ]


async def _with(bench: Bench, stored: Stored) -> tuple[Value, int]:
    """The rates, and how many were lost in all. What starts anew is given a moment first."""
    await fill(bench, dossiers=stored.dossiers, organs=stored.organs)
    seconds = bench.sized(6.0, 3.0)
    rides = [await sustained(bench, seconds) for _ in range(1 + bench.repeats)]
    rates = Value([ride.rate for ride in rides[1:]])
    bench.say(f"journey with {stored.dossiers:,} stored: {rates.median:.0f}/s")
    return rates, next((ride.missing for ride in rides if ride.missing), 0)
