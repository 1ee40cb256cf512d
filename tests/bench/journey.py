"""The whole journey of a dossier: posted at a commune, decided by the gateway, handed over at the province, and the
receipt back in the sender's inbox. All programs and servers run on this machine, and the load too."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import Admin
from tests.bench import bodies
from tests.bench.bench import Bench, Late, await_all_handed_over, expect, lost, now, put_file, submit, until
from tests.bench.figure import Figure, Goal, Value
from tests.bench.floors import LEGS, Sent, Shape, Written, journey, made_database
from tests.bench.ground import SENDER, Ground
from tests.bench.http import Act, Connection, closed_loop, connections, open_loop, quantile, request

AT_ONCE: Final = 64
WINDOW: Final = 1_500
"""Dossiers on their way at once: what is posted beyond that waits, so that what is measured is what is kept up."""
LOOK_SECONDS: Final = 0.25
DEADLINE_SECONDS: Final = 180.0
QUIET: Final = 50.0
FILE_BYTES: Final = 100_000
RECEIPT_BYTES: Final = 330
SUSTAINED: Final = Goal(target=0.5, least=0.25, stretch=0.7)
ABSOLUTE: Final = Goal(target=1_000, least=500, stretch=1_500)
WITH_FILE: Final = Goal(target=0.3, least=0.15, stretch=0.5)
P50: Final = Goal(target=30, least=60, stretch=15, low=True)
P99: Final = Goal(target=100, least=250, stretch=50, low=True)
TOPICS: Final = ("ingest.commune", "deliver.province", "ingest.province", "deliver.commune")

_ITEMS: Final = "SELECT coalesce((SELECT last FROM inbox_counter WHERE organ = :organ), 0) AS items"
_WRITTEN: Final = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) AS rows FROM pg_stat_user_tables"
_BYTES: Final = "SELECT sum(pg_table_size(relid)) AS bytes FROM pg_stat_user_tables"
_SETTLE_SECONDS: Final = 2.0
"""PostgreSQL tells its counts about once a second."""


@dataclass(slots=True)
class Ride:
    """A sustained load, and what it cost."""

    accepted: int = 0
    rate: float = 0.0
    missing: int = 0
    cpu_ms: dict[str, float] = field(default_factory=dict)
    """For each dossier."""
    memory: dict[str, float] = field(default_factory=dict)
    shape: Shape | None = None


async def measure(bench: Bench) -> list[Figure]:
    rest = bench.ground.memory_mebibytes()
    rides, floor = await _beside_the_floor(bench)
    rate = _rate(rides)
    bench.say(f"journey: {rate.median:.0f}/s, bare loops {floor.median:.0f}/s")
    await bench.ground.vacuum()
    half = await _several(bench, max(1.0, rate.median / 2), bench.sized(6.0, 4.0))
    await bench.ground.vacuum()
    quiet = await _several(bench, QUIET, bench.sized(7.0, 4.0))
    with_file = [await sustained(bench, bench.sized(7.0, 4.0), file_bytes=FILE_BYTES) for _ in range(bench.repeats)]
    files = _rate(with_file)
    p50 = Value([each.p50 for each in quiet]).median
    bench.say(f"journey with {FILE_BYTES // 1000} KB: {files.median:.0f}/s; p50 at {QUIET:g}/s {p50:.0f} ms")
    return [
        _sustained(rides, floor),
        Figure(name="journey.absolute", title="Trọn hành trình, tuyệt đối · whole journey, absolute", unit="dossiers/s",
               ours=rate, goal=ABSOLUTE, void=_lost(rides)),
        Figure(name="journey.file", title="Hành trình kèm tệp 100 KB · journey with a 100 KB attachment",
               unit="dossiers/s", ours=files, floor=rate, goal=WITH_FILE, void=_lost([*rides, *with_file])),
        *_latencies(quiet, "quiet", f"ở {QUIET:g} hồ sơ/s · at {QUIET:g}/s", P50, P99),
        *_latencies(half, "half", "ở nửa tốc độ · at half of the sustained rate"),
        _cost(rides),
        _memory(rest, rides),
    ]  # fmt: skip


async def _beside_the_floor(bench: Bench) -> tuple[list[Ride], Value]:
    """By turns. How many rows and records the bare loops write is counted in the first journey."""
    hub = bench.ground.hub
    dsns = {leg: await made_database(hub.database_url(leg), f"bench_floor_{leg}") for leg in LEGS}
    rides: list[Ride] = []
    floors: list[float] = []
    for number in range(bench.repeats):
        rides.append(await sustained(bench, bench.sized(20.0, 8.0), counted=not number))
        shape = rides[0].shape
        assert shape is not None
        floors.append(await journey(dsns, hub.bootstrap, shape, min(rides[0].accepted, bench.sized(12_000, 5_000))))
    return rides, Value(floors)


def _rate(rides: Sequence[Ride]) -> Value:
    return Value([ride.rate for ride in rides])


def _lost(rides: Sequence[Ride]) -> str:
    return next((lost(ride.missing) for ride in rides if ride.missing), "")


async def sustained(bench: Bench, seconds: float, *, file_bytes: int = 0, counted: bool = False) -> Ride:
    """As many as the hub keeps up with for so long; returns when the last one is handed over."""
    ground, since = bench.ground, now()
    organ = ground.callers[SENDER].organ
    ride, gate = Ride(), _Gate()
    before = await _counts(ground) if counted else None
    cpu, items, began = ground.cpu_seconds(), await _items(ground, organ), time.perf_counter()
    load = asyncio.create_task(_loaded(bench, gate, seconds, file_bytes))
    try:
        while not load.done():
            await asyncio.wait({load}, timeout=LOOK_SECONDS)
            gate.handed_over = await _items(ground, organ) - items
            gate.look()
            if not ride.memory and time.perf_counter() - began > seconds * 0.8:
                ride.memory = ground.memory_mebibytes()
    finally:
        load.cancel()
        await asyncio.wait({load})
    load.result()
    ride.accepted = gate.accepted

    async def all_over() -> bool:
        return await _items(ground, organ) - items >= gate.accepted

    with suppress(Late):
        await until(all_over, "the last is handed over", seconds=DEADLINE_SECONDS, every=0.02)
    ride.rate = gate.accepted / (time.perf_counter() - began)
    ride.missing = await await_all_handed_over(ground, since, gate.accepted, seconds=DEADLINE_SECONDS)
    after = ground.cpu_seconds()
    ride.cpu_ms = {name: (after[name] - cpu[name]) / max(1, gate.accepted) * 1e3 for name in after}
    if before is not None:
        ride.shape = await _shape(ground, before, gate.accepted)
    return ride


@dataclass(slots=True)
class _Gate:
    """Lets only so many be on their way."""

    accepted: int = 0
    handed_over: int = 0
    begun: int = 0
    free: asyncio.Event = field(default_factory=asyncio.Event)

    def look(self) -> None:
        if self.begun - self.handed_over < WINDOW:
            self.free.set()
        else:
            self.free.clear()

    async def enter(self) -> None:
        self.look()
        await self.free.wait()
        self.begun += 1


async def _loaded(bench: Bench, gate: _Gate, seconds: float, file_bytes: int) -> None:
    post = _post(bench, file_bytes)
    end = time.perf_counter() + seconds

    async def act(connection: Connection, number: int) -> None:
        with suppress(TimeoutError):  # the load ends, whether the gate opens or not
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + max(0.0, end - time.perf_counter())):
                await gate.enter()
            if time.perf_counter() < end:
                await post(connection, number)
                gate.accepted += 1

    await closed_loop(bench.ground.callers[SENDER].url, act, at_once=AT_ONCE, seconds=seconds)


def _post(bench: Bench, file_bytes: int) -> Act:
    async def act(connection: Connection, _: int) -> None:
        papers = []
        if file_bytes:
            content = bodies.file(next(bench.numbers), file_bytes)
            sha256 = hashlib.sha256(content).hexdigest()
            await put_file(connection, bench.ground.callers[SENDER], sha256, content)
            papers = [{"sha256": sha256, "name": "to-khai.pdf", "media_type": "application/pdf"}]
        await submit(bench, connection, papers)

    return act


# from POST to handed over ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds from the POST to the receipt in the sender's hands."""

    all: list[float]
    missing: int

    @property
    def p50(self) -> float:
        return quantile(self.all, 0.5)


def _latencies(
    several: Sequence[Latencies], name: str, words: str, p50: Goal | None = None, p99: Goal | None = None
) -> list[Figure]:
    return [
        Figure(
            name=f"journey.{name}.p{part}",
            title=f"POST đến bàn giao, {words}, p{part}",
            unit="ms",
            ours=Value([quantile(each.all, part / 100) for each in several]),
            goal=goal,
            void=next((lost(each.missing) for each in several if each.missing), ""),
        )
        for part, goal in ((50, p50), (99, p99))
    ]


async def _several(bench: Bench, rate: float, seconds: float) -> list[Latencies]:
    return [await latencies(bench, rate, seconds) for _ in range(bench.repeats)]


async def latencies(bench: Bench, rate: float, seconds: float) -> Latencies:
    """So many a second, each followed to its receipt by the long poll of the sender's inbox."""
    sender = bench.ground.callers[SENDER]
    begun: dict[str, float] = {}
    seen: dict[str, float] = {}
    post = _timed(bench, begun)
    async with _watching(sender.url, sender.token, seen):
        await open_loop(sender.url, post, rate=rate, seconds=seconds)
        with suppress(Late):
            await until(_all_seen(begun, seen), "all receipts are seen", seconds=30.0)
    times = [(seen[transfer] - at) * 1e3 for transfer, at in begun.items() if transfer in seen]
    return Latencies(times, len(begun) - len(times))


def _all_seen(begun: dict[str, float], seen: dict[str, float]) -> Any:
    async def all_seen() -> bool:
        return begun.keys() <= seen.keys()

    return all_seen


def _timed(bench: Bench, begun: dict[str, float]) -> Act:
    async def act(connection: Connection, _: int) -> None:
        at = time.perf_counter()
        answer = await submit(bench, connection)
        begun[orjson.loads(answer.body)["transfers"][0]] = at

    return act


@asynccontextmanager
async def _watching(url: str, token: str, seen: dict[str, float]) -> AsyncIterator[None]:
    """Notes when the receipt of each transfer is in the caller's hands, from the end of the inbox on."""
    async with connections(url, 1) as (connection,):
        cursor = await _end_of_inbox(connection, url, token)
        watching = asyncio.create_task(_watch(connection, url, token, cursor, seen))
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait({watching})


async def _end_of_inbox(connection: Connection, url: str, token: str) -> str:
    cursor = ""
    while True:
        page = await _page(connection, url, token, cursor, wait=0)
        if not page["items"]:
            return cursor
        cursor = page["cursor"]


async def _watch(connection: Connection, url: str, token: str, cursor: str, seen: dict[str, float]) -> None:
    while True:
        page = await _page(connection, url, token, cursor, wait=10)
        at = time.perf_counter()
        for item in page["items"]:
            if item["data"].get("state") == "handed_over":
                seen.setdefault(item["data"]["id"], at)
        cursor = page.get("cursor") or cursor


async def _page(connection: Connection, url: str, token: str, cursor: str, *, wait: int) -> dict[str, Any]:
    path = f"{url}/v1/inbox?kind=receipt&limit=500&wait={wait}" + (f"&cursor={cursor}" if cursor else "")
    answer = await connection.ask(request("GET", path, token=token))
    expect(answer, 200)
    found: dict[str, Any] = orjson.loads(answer.body)
    return found


# beside the bare loops -----------------------------------------------------------------------------------------------


async def _items(ground: Ground, organ: str) -> int:
    ((items,),) = await ground.sql("commune", _ITEMS, organ=organ)
    return int(items)


Counts = tuple[dict[str, tuple[int, int]], dict[str, int]]


async def _counts(ground: Ground) -> Counts:
    """Rows written and bytes stored by database, records by topic."""
    await asyncio.sleep(_SETTLE_SECONDS)
    rows: dict[str, tuple[int, int]] = {}
    for leg in LEGS:
        ((written,),) = await ground.sql(leg, _WRITTEN)
        ((size,),) = await ground.sql(leg, _BYTES)
        rows[leg] = (int(written), int(size))
    admin = Admin(Cluster(ground.hub.bootstrap))
    try:
        bounds = await admin.bounds(set(TOPICS))
    finally:
        await admin.aclose()
    records = {topic: sum(end for place, (_, end) in bounds.items() if place.topic == topic) for topic in TOPICS}
    return rows, records


async def _shape(ground: Ground, before: Counts, accepted: int) -> Shape:
    """What each of so many dossiers left behind."""
    rows, records = await _counts(ground)
    written = {}
    for leg in LEGS:
        count, size = (after - was for after, was in zip(rows[leg], before[0][leg], strict=True))
        written[leg] = Written(count / accepted, max(1, round(size / max(1, count))))
    sent = {topic: (records[topic] - before[1][topic]) / accepted for topic in TOPICS}
    fact = bodies.DOSSIER_BYTES + RECEIPT_BYTES
    return Shape(
        **written,
        ingest_commune=Sent(sent["ingest.commune"], fact),
        deliver_province=Sent(sent["deliver.province"], fact),
        ingest_province=Sent(sent["ingest.province"], round(RECEIPT_BYTES / max(sent["ingest.province"], 0.002))),
        deliver_commune=Sent(sent["deliver.commune"], round(2 * RECEIPT_BYTES / max(sent["deliver.commune"], 0.004))),
    )


def _sustained(rides: Sequence[Ride], floor: Value) -> Figure:
    shape = rides[0].shape
    assert shape is not None
    rows = {f"rows_{leg}": round(getattr(shape, leg).rows, 2) for leg in LEGS}
    return Figure(
        name="journey.sustained",
        title="Trọn hành trình, liên tục · whole journey, sustained",
        unit="dossiers/s",
        ours=_rate(rides),
        floor=floor,
        goal=SUSTAINED,
        more={"dossiers": sum(ride.accepted for ride in rides), **rows},
        void=_lost(rides),
    )


def _cost(rides: Sequence[Ride]) -> Figure:
    parts = {name: Value([ride.cpu_ms[name] for ride in rides]).median for name in rides[0].cpu_ms}
    return Figure(
        name="journey.cpu",
        title="CPU cho một hồ sơ, mọi tiến trình · CPU per dossier, all programs and servers",
        unit="ms",
        ours=Value([sum(ride.cpu_ms.values()) for ride in rides]),
        more={name: round(each, 3) for name, each in parts.items()},
        void=_lost(rides),
    )


def _memory(rest: dict[str, float], rides: Sequence[Ride]) -> Figure:
    at_rest = {f"{name}_at_rest": round(each, 1) for name, each in rest.items()}
    return Figure(
        name="memory",
        title="Bộ nhớ khi chạy tải, tổng · memory under load, together",
        unit="MiB",
        ours=Value([sum(ride.memory.values()) for ride in rides]),
        more={**{name: round(each, 1) for name, each in rides[-1].memory.items()}, **at_rest},
        void=_lost(rides),
    )
