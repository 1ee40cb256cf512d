"""What the consumer promises of chunks that span partitions, over a log and a store that live in the test: each record
takes effect once, in the order of its partition, whatever fails, waits or is given up in between."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
from structlog.testing import capture_logs

from contracts.problems import HubError
from services.kernel.errors import RetryLater
from services.kernel.messaging import consumer as module
from services.kernel.messaging.consumer import Consumer, Membership
from services.kernel.messaging.lane import CHUNK_RECORDS, QUEUE_RECORDS, place
from services.kernel.messaging.limits import DeadLetterLimit
from services.kernel.messaging.records import Record, TopicPartition

TOPICS = ("t", "u")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Without structlog's default console, which formats every stack trace at length."""
    with capture_logs():
        yield


def records(counts: Mapping[TopicPartition, int]) -> dict[TopicPartition, list[Record]]:
    return {at: [Record(*at, offset, "k", b"", ()) for offset in range(count)] for at, count in counts.items()}


def places(numbers: int) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for topic in TOPICS for number in range(numbers)]


class Log:
    """One member's view of a log: gives `page` records of each partition at a time, and after a rebalance what comes
    behind the committed offsets."""

    def __init__(self, kept: dict[TopicPartition, list[Record]], *, page: int = 500) -> None:
        self.kept, self._page = kept, page
        self.committed: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()
        self.rebalance = asyncio.Event()
        self.draining = False
        self.drained: Callable[[], None] = lambda: None
        self._next: dict[TopicPartition, int] = {}
        self._drain: Callable[[], Awaitable[None]]

    def __call__(self, *_: Any, drain: Callable[[], Awaitable[None]], **__: Any) -> "Log":
        self._drain = drain
        return self

    async def start(self) -> None:
        self._next = dict(self.committed)
        self.paused.clear()

    async def poll(self, timeout: float) -> dict[TopicPartition, list[Record]]:
        if self.rebalance.is_set():
            self.draining = True
            await self._drain()
            self.drained()
            await self.start()
            self.rebalance.clear()
        fetched = {}
        for at in self.kept.keys() - self.paused:
            first = self._next.get(at, 0)
            if found := self.kept[at][first : first + self._page]:
                fetched[at] = found
                self._next[at] = first + len(found)
        if not fetched:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(timeout, 0.002)):
                    await self.rebalance.wait()
        await asyncio.sleep(0)
        return fetched

    def given(self, at: TopicPartition) -> int:
        return self._next.get(at, 0)

    def pause(self, partition: TopicPartition) -> None:
        self.paused.add(partition)

    def resume(self, partition: TopicPartition) -> None:
        self.paused.discard(partition)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        for at, offset in offsets.items():
            assert offset >= self.committed.get(at, 0), "never back"
            self.committed[at] = offset

    def owned(self) -> int:
        return len(self.kept)

    async def stop(self, *, leave: bool = False) -> None:
        self.rebalance.clear()

    @property
    def done(self) -> bool:
        return self.committed == {at: len(kept) for at, kept in self.kept.items() if kept}


class Store:
    """Keeps what a transaction noted when it ends well."""

    def __init__(self) -> None:
        self.effects: list[tuple[str, Record]] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[list[tuple[str, Record]]]:
        noted: list[tuple[str, Record]] = []
        yield noted
        await asyncio.sleep(0)
        self.effects += noted


class Noting:
    """Notes every record. `before` may wait or raise before a chunk is prepared, `check` for a record in it."""

    def __init__(
        self,
        check: Callable[[Record], None] = lambda _: None,
        *,
        before: Callable[[Sequence[Record]], Awaitable[None]] | None = None,
        within: Callable[[Sequence[Record]], Awaitable[None]] | None = None,
    ) -> None:
        self._check, self._before, self._within = check, before, within
        self.chunks: list[list[Record]] = []
        self.in_work: set[TopicPartition] = set()

    async def prepare(self, records: Sequence[Record]) -> None:
        if self._before:
            await self._before(records)

    async def apply(self, conn: Any, records: Sequence[Record]) -> None:
        mine = set(map(place, records))
        assert not mine & self.in_work, "a partition is in one chunk at a time"
        self.in_work |= mine
        try:
            await asyncio.sleep(0)
            if self._within:
                await self._within(records)
            for record in records:
                self._check(record)
            conn.extend(("applied", record) for record in records)
        finally:
            self.in_work -= mine

    async def bury(self, conn: Any, record: Record, error: Exception) -> None:
        conn.append(("buried", record))

    def committed(self, records: Sequence[Record]) -> None:
        self.chunks.append(list(records))


class Reading:
    """A consumer at work on a log."""

    def __init__(self, log: Log, handler: Noting, *, lanes: int = 2) -> None:
        self.store = Store()
        self.consumer = Consumer(
            cast(Any, None),
            Membership("g", TOPICS),
            handler,
            database=cast(Any, self.store),
            watch=cast(Any, SimpleNamespace(generation=1)),
            limit=DeadLetterLimit(allowed=10_000),
            lanes=lanes,
        )
        self._log, self._stop = log, asyncio.Event()

    async def __aenter__(self) -> "Reading":
        self._running = asyncio.create_task(self.consumer.run(self._stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._running

    async def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "not in time"
            assert not self._running.done(), self._running.exception()
            await asyncio.sleep(0.001)

    async def finished(self) -> None:
        """Everything in the log is done and noted as read."""
        await self.until(lambda: self._log.done)

    def has(self, count: int) -> bool:
        return len(self.store.effects) >= count

    def found(self, kind: str = "") -> dict[TopicPartition, list[int]]:
        """Offsets that took effect, per partition in the order they did."""
        found = defaultdict(list)
        for what, record in self.store.effects:
            if not kind or what == kind:
                found[place(record)].append(record.offset)
        return dict(found)


def once_in_order(kept: Mapping[TopicPartition, Sequence[Record]]) -> dict[TopicPartition, list[int]]:
    return {at: [record.offset for record in of] for at, of in kept.items() if of}


def install(monkeypatch: pytest.MonkeyPatch, log: Log, *, patience: float = 2.0) -> Log:
    monkeypatch.setattr(module, "GroupConsumer", log)
    monkeypatch.setattr(module, "REPEAT_SECONDS", 0.0)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", patience)
    return log


async def test_a_chunk_spans_partitions_and_commits_the_offset_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = records({at: 40 + n for n, at in enumerate(places(3))})
    handler = Noting()
    async with Reading(install(monkeypatch, Log(kept)), handler, lanes=1) as reading:
        await reading.finished()
    assert [len(chunk) for chunk in handler.chunks] == [sum(map(len, kept.values()))]
    assert reading.found() == once_in_order(kept)


async def test_two_lanes_work_at_once_on_partitions_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[TopicPartition]] = []
    both = asyncio.Event()

    async def within(chunk: Sequence[Record]) -> None:
        seen.append(set(map(place, chunk)))
        if len(seen) == 2:
            both.set()
        await both.wait()

    kept = records(dict.fromkeys(places(4), 10))
    async with Reading(install(monkeypatch, Log(kept)), Noting(within=within)) as reading:
        await reading.finished()
    assert len(seen) == 2
    assert all(len(mine) == 4 for mine in seen), "of 4 numbers in 2 topics each lane has 2"
    assert {at.partition for at in seen[0]}.isdisjoint(at.partition for at in seen[1])
    assert reading.found() == once_in_order(kept)


async def test_poison_amid_a_chunk_of_several_partitions_is_buried_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    poison = {(TopicPartition("t", 1), 7): HubError("request.invalid"), (TopicPartition("u", 0), 0): ValueError("new")}

    def check(record: Record) -> None:
        if error := poison.get((place(record), record.offset)):
            raise error

    kept = records(dict.fromkeys(places(3), 20))
    handler = Noting(check)
    async with Reading(install(monkeypatch, Log(kept)), handler, lanes=1) as reading:
        await reading.finished()
    assert reading.found("buried") == {at: [offset] for at, offset in poison}
    assert reading.found() == once_in_order(kept), "the buried ones in their place, the others once around them"
    assert len(handler.chunks) < 30, "found by halving"


async def test_what_must_wait_waits_aside_and_comes_back_among_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, ready = TopicPartition("t", 0), asyncio.Event()

    def check(record: Record) -> None:
        if place(record) == waiting and record.offset >= 5 and not ready.is_set():
            raise RetryLater("not yet", seconds=0.001)

    kept = records(dict.fromkeys(places(2), 30))
    log, handler = install(monkeypatch, Log(kept, page=4)), Noting(check)
    async with Reading(log, handler, lanes=1) as reading:
        await reading.until(lambda: sum(map(len, reading.found().values())) >= 90 + 4)
        assert reading.found().get(waiting, []) == [*range(len(reading.found().get(waiting, [])))]
        assert len(reading.found().get(waiting, [])) <= 5
        part = reading.consumer.part()
        assert (part.ok, "retrying after RetryLater" in part.detail) == (False, True)
        ready.set()
        await reading.finished()
        before = len(handler.chunks)
        for at, of in records(dict.fromkeys(kept, 60)).items():
            log.kept[at].extend(of[30:])
        await reading.finished()
        assert reading.consumer.part().ok
    assert reading.found() == once_in_order(log.kept)
    assert any(len(set(map(place, chunk))) == 4 for chunk in handler.chunks[before:]), "all go together again"


async def test_what_takes_long_to_prepare_does_so_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, copied = TopicPartition("u", 1), asyncio.Event()

    async def before(chunk: Sequence[Record]) -> None:
        if slow in map(place, chunk):
            await copied.wait()

    kept = records(dict.fromkeys(places(2), 30))
    async with Reading(install(monkeypatch, Log(kept), patience=0.02), Noting(before=before), lanes=1) as reading:
        await reading.until(lambda: len(reading.found()) == 3 and sum(map(len, reading.found().values())) == 90)
        copied.set()
        await reading.finished()
    assert reading.found() == once_in_order(kept)


async def test_nobody_waits_for_what_clears_up_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, cleared = TopicPartition("u", 1), asyncio.Event()
    prepared: list[int] = []

    async def before(chunk: Sequence[Record]) -> None:
        if slow in map(place, chunk):
            prepared.append(len(chunk))
            try:
                await cleared.wait()
            except asyncio.CancelledError:
                await cleared.wait()
                raise

    kept = records(dict.fromkeys(places(2), 30))
    async with Reading(install(monkeypatch, Log(kept), patience=0.02), Noting(before=before), lanes=1) as reading:
        await reading.until(lambda: len(reading.found()) == 3 and sum(map(len, reading.found().values())) == 90)
        assert len(prepared) == 2, "given up among the others, and begun again by itself"
        cleared.set()
        await reading.finished()
    assert reading.found() == once_in_order(kept)


async def test_a_chunk_in_the_way_is_tried_again_as_it_is_and_then_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    async def within(chunk: Sequence[Record]) -> None:
        tries.append(len(set(map(place, chunk))))
        if len(tries) < 3 or (tries[-1] > 1 and sum(tries[3:]) > 1):
            raise asyncpg.DeadlockDetectedError

    kept = records(dict.fromkeys(places(2), 5))
    log, handler = install(monkeypatch, Log(kept), patience=0.2), Noting(within=within)
    async with Reading(log, handler, lanes=1) as reading:
        await reading.finished()
        assert tries == [4, 4, 4]
        log.kept |= records(dict.fromkeys(kept, 6))
        await reading.finished()
    assert tries[-4:] == [1, 1, 1, 1], "nobody waits for the others for ever"
    assert reading.found() == once_in_order(log.kept)


async def test_a_revoke_amid_a_chunk_loses_and_doubles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, finish = asyncio.Event(), asyncio.Event()
    waiting = TopicPartition("u", 0)

    async def within(chunk: Sequence[Record]) -> None:
        if waiting not in map(place, chunk):
            begun.set()
            await finish.wait()
        elif not finish.is_set():
            raise RetryLater("not yet", seconds=60)

    kept = records(dict.fromkeys(places(3), 700))
    log = install(monkeypatch, Log(kept))
    reading = Reading(log, Noting(within=within))
    known: list[bool] = []
    log.drained = lambda: known.append(log.committed == {at: of[-1] + 1 for at, of in reading.found().items()})
    async with reading:
        await begun.wait()
        log.rebalance.set()
        await reading.until(lambda: log.draining)
        assert not reading.found()
        finish.set()
        await reading.finished()
    assert known == [True]
    assert reading.found() == once_in_order(kept)


async def test_a_backlog_is_kept_out_without_keeping_out_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    much, little = places(1)
    held = asyncio.Event()

    async def within(chunk: Sequence[Record]) -> None:
        await held.wait()

    log = install(monkeypatch, Log(records({much: 10 * QUEUE_RECORDS, little: 1}), page=CHUNK_RECORDS))
    handler = Noting(within=within)
    async with Reading(log, handler, lanes=1) as reading:
        await reading.until(lambda: log.paused)
        assert log.paused == {much}
        log.kept[little].append(Record(*little, 1, "k", b"", ()))
        await reading.until(lambda: log.given(little) == 2)
        held.set()
        await reading.finished()
    assert any(little in map(place, chunk) for chunk in handler.chunks[1:2]), "the few are not behind the many"
    assert reading.found() == once_in_order(log.kept)


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_each_record_takes_effect_once_and_in_order(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    draw = random.Random(seed)
    kept = records({at: draw.randrange(0, 120) for at in places(draw.randint(1, 6))})
    everything = [record for of in kept.values() for record in of]
    poison = {id(r): draw.choice([HubError("request.invalid"), ValueError("new")]) for r in everything[::37]}
    troubles = {id(r): draw.randint(1, 4) for r in draw.sample(everything, len(everything) // 40)}
    errors: Sequence[Exception] = (RetryLater("not yet", seconds=0.001), asyncpg.DeadlockDetectedError())

    def check(record: Record) -> None:
        if troubles.get(id(record)):
            troubles[id(record)] -= 1
            raise draw.choice(errors)
        if error := poison.get(id(record)):
            raise error

    log = install(monkeypatch, Log(kept, page=draw.choice((1, 7, 500))), patience=draw.choice((0.0, 1.0)))
    async with Reading(log, Noting(check), lanes=draw.randint(1, 3)) as reading:
        for part in range(1, draw.randint(1, 4)):
            await reading.until(partial(reading.has, len(everything) * part // 5))
            log.rebalance.set()
            await reading.until(lambda: not log.rebalance.is_set())
        await reading.finished()
    assert reading.found() == once_in_order(kept)
    assert sum(map(len, reading.found("buried").values())) == len(poison)
