"""Copies of registries: compacted topics read into a table and into memory, newest version per id, nothing deleted.

A copy that was complete once is good enough to start with while Kafka is away. Meaning is left to the reader of
`entries` and `changed`; values are bytes, their `version` decides which is newer.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

import orjson
import structlog
from sqlalchemy import text

from contracts.problems import HubError
from services.kernel.connection import DatabaseError
from services.kernel.database import Database
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import Reader
from services.kernel.messaging.log_watch import LogWatch
from services.kernel.messaging.records import BrokerAway, LogLost, Record
from services.kernel.messaging.retry import backoff
from services.kernel.pause import pause, unless
from services.kernel.supervisor import Part

POLL_SECONDS = 0.5
WAIT_SECONDS = 0.1
STEADY_SECONDS = 10.0
PREPARE_SECONDS = 5.0

_log = structlog.get_logger(__name__)

_LOAD = text("SELECT topic, id, version, value FROM registry_copy WHERE topic = ANY(CAST(:topics AS text[]))")
_COMPLETE = text("SELECT topic FROM registry_complete WHERE topic = ANY(CAST(:topics AS text[]))")
_STORE = text("""
    INSERT INTO registry_copy AS c (topic, id, version, value)
    SELECT n.topic, n.id, n.version, n.value
      FROM unnest(CAST(:topics AS text[]), CAST(:ids AS text[]), CAST(:versions AS bigint[]), CAST(:values AS bytea[]))
           AS n(topic, id, version, value) ORDER BY n.topic, n.id
    ON CONFLICT (topic, id) DO UPDATE SET version = excluded.version, value = excluded.value
     WHERE c.version < excluded.version
""")
_MARK_COMPLETE = text("""
    INSERT INTO registry_complete (topic) SELECT t FROM unnest(CAST(:topics AS text[])) AS u(t) ORDER BY t
    ON CONFLICT (topic) DO NOTHING
""")

Changed = Callable[[str, Mapping[str, bytes]], None]
"""Called with a topic and its new or newer entries, after they were stored; must not fail."""


class Entry(NamedTuple):
    version: int
    value: bytes


class RegistryCopies:
    """A worker; every process has its own memory, all share the table. Topics in `optional` may be empty.

    An entry that is not `readable` by this release never takes the place of one that is, in memory or in the table.
    """

    def __init__(
        self,
        cluster: Cluster,
        topics: Collection[str],
        *,
        database: Database,
        watch: LogWatch,
        changed: Changed,
        optional: Collection[str] = (),
        readable: Callable[[str, bytes], bool] = lambda topic, value: True,
    ) -> None:
        self._cluster = cluster
        self._topics = sorted(topics)
        self._database = database
        self._watch = watch
        self._changed = changed
        self._optional = frozenset(optional)
        self._readable = readable
        self._entries: dict[str, dict[str, Entry]] = {topic: {} for topic in self._topics}
        self._detail = "not loaded"
        self._loaded = False
        self.ready = False
        """Every topic was read to its end at least once, by this process or an earlier one."""

    def get(self, topic: str, entry_id: str) -> bytes | None:
        entry = self._entries[topic].get(entry_id)
        return entry and entry.value

    def entries(self, topic: str) -> dict[str, bytes]:
        """All entries of a topic by id."""
        return {entry_id: entry.value for entry_id, entry in self._entries[topic].items()}

    def part(self) -> Part:
        return Part("registry copy", self.ready, self._detail)

    async def prepare(self) -> None:
        """Before the first request: who finds a complete copy in the table refuses nobody because it has just started.
        A database that is away or not migrated is left to the worker."""
        with suppress(HubError, DatabaseError, TimeoutError):
            async with asyncio.timeout(PREPARE_SECONDS):
                await self._load()

    async def run(self, stop: asyncio.Event) -> None:
        """Worker: starts from the table, then follows the topics; reads all again when the log was lost."""
        failures = 0
        while not stop.is_set():
            began = time.monotonic()
            try:
                if not self._loaded:
                    await self._load()
                if self._watch.generation:
                    await self._follow(stop)
                else:
                    await pause(stop, WAIT_SECONDS)
            except (BrokerAway, HubError) as error:
                failures = 1 if time.monotonic() - began > STEADY_SECONDS else failures + 1
                if failures == 1:
                    _log.warning("registry.interrupted", error=type(error).__name__)
                await pause(stop, backoff(failures))

    async def _load(self) -> None:
        async with self._database.read() as conn:
            rows = (await conn.execute(_LOAD, {"topics": self._topics})).all()
            complete = set((await conn.execute(_COMPLETE, {"topics": self._topics})).scalars())
        self._take_over((row.topic, row.id, Entry(row.version, row.value)) for row in rows)
        self._judge(complete)
        self._loaded = True

    async def _follow(self, stop: asyncio.Event) -> None:
        """From the beginning of the topics until `stop` or another generation of the log."""
        generation = self._watch.generation
        reader = Reader(self._cluster, self._topics)
        marked = False
        try:
            if not await unless(stop, reader.start()):
                return
            while not stop.is_set() and self._watch.generation == generation:
                newer = self._newer(await reader.poll(POLL_SECONDS))
                if newer:
                    await self._store(newer)
                    self._take_over(newer)
                if reader.caught_up and (newer or not marked):
                    await self._mark_complete()
                    marked = True
        except LogLost as error:
            await self._watch.lost(generation, str(error))
        finally:
            await reader.stop()

    def _newer(self, records: Iterable[Record]) -> list[tuple[str, str, Entry]]:
        newest: dict[tuple[str, str], Entry] = {}
        for record in records:
            version = _version(record.value)
            if version is None or record.value is None or not self._readable(record.topic, record.value):
                if record.value is not None:
                    _log.error("registry.unreadable", topic=record.topic, offset=record.offset)
                continue
            known = newest.get((record.topic, record.key)) or self._entries[record.topic].get(record.key)
            if known is None or known.version < version:
                newest[record.topic, record.key] = Entry(version, record.value)
        return [(topic, entry_id, entry) for (topic, entry_id), entry in newest.items()]

    async def _store(self, newer: list[tuple[str, str, Entry]]) -> None:
        async with self._database.transaction() as conn:
            await conn.execute(
                _STORE,
                {
                    "topics": [topic for topic, _, _ in newer],
                    "ids": [entry_id for _, entry_id, _ in newer],
                    "versions": [entry.version for _, _, entry in newer],
                    "values": [entry.value for _, _, entry in newer],
                },
            )

    def _take_over(self, entries: Iterable[tuple[str, str, Entry]]) -> None:
        news: dict[str, dict[str, bytes]] = {}
        for topic, entry_id, entry in entries:
            self._entries[topic][entry_id] = entry
            news.setdefault(topic, {})[entry_id] = entry.value
        for topic, changed in news.items():
            self._changed(topic, changed)

    async def _mark_complete(self) -> None:
        complete = [topic for topic in self._topics if self._entries[topic] or topic in self._optional]
        async with self._database.transaction() as conn:
            await conn.execute(_MARK_COMPLETE, {"topics": complete})
        self._judge(set(complete))

    def _judge(self, complete: set[str]) -> None:
        missing = [topic for topic in self._topics if topic not in complete]
        self.ready = self.ready or not missing
        total = sum(len(entries) for entries in self._entries.values())
        self._detail = f"{total} entries" + (f", waiting for {', '.join(missing)}" if missing else "")


def _version(value: bytes | None) -> int | None:
    try:
        version = orjson.loads(value or b"")["version"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return None
    return version if isinstance(version, int) and 0 <= version < 2**63 else None
