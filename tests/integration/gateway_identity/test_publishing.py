"""Registries on a real broker: everything at start, then what changes, and everything again when the log was lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count

import pytest
from sqlalchemy import text

from contracts.envelope import Envelope, from_record
from contracts.levels import Level
from contracts.messages.registry import OrganChanged, SystemChanged
from contracts.registry import validate
from contracts.topology import TOPICS
from deploy.local.kafka import Kafka
from gateway.identity import actions as identity
from gateway.organs import actions as organs
from gateway.registries import actions as registries
from gateway.registries.source import RegistrySource
from services.kernel.bell import Bell
from services.kernel.database import Database
from services.kernel.leases import Leases
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import Admin, Producer, Reader
from services.kernel.messaging.log_watch import LogWatch
from services.kernel.messaging.records import Ack, Outgoing, TopicSpec
from services.kernel.messaging.relay import Relay
from tests.integration import relaying
from tests.integration.gateway_identity.conftest import ACT, KEYRING, REGISTRIES, StandingClock, eventually

SOURCE = "urn:lienthong:h28:gateway"

_prefixes = count(1)


@dataclass
class Hub:
    """What a gateway process has for publishing."""

    database: Database
    bell: Bell
    cluster: Cluster
    source: RegistrySource
    watch: LogWatch

    async def published(self) -> list[Envelope]:
        """Everything in the registry topics, from the beginning."""
        reader = Reader(self.cluster, [registry.topic for registry in REGISTRIES])
        await reader.start()
        try:
            records = []
            while not reader.caught_up:
                records += await reader.poll(0.2)
        finally:
            await reader.stop()
        assert all(record.key == from_record(record.headers, record.value).subject for record in records)
        return [from_record(record.headers, record.value) for record in records]

    async def wait_for(self, fits: Callable[[list[Envelope]], bool]) -> list[Envelope]:
        async def fitting() -> list[Envelope]:
            found = await self.published()
            return found if fits(found) else []

        return await eventually(fitting)

    async def settled(self) -> "Counter[str]":
        """Waits until nothing is left to send; how often each entry was sent so far."""

        async def nothing_left() -> bool:
            return not await self.unsent()

        await eventually(nothing_left)
        return Counter(envelope.subject for envelope in await self.published())

    async def started(self) -> bool:
        """The relay has been through what it sends at its start."""
        async with self.database.read() as conn:
            return len((await conn.execute(text("SELECT topic FROM registry"))).all()) == len(REGISTRIES)

    async def unsent(self) -> list[Outgoing]:
        async with self.database.read() as conn:
            return await relaying.take(self.source, conn, 10_000)


@pytest.fixture
async def hub(database_url: str, kafka: Kafka, clock: StandingClock) -> AsyncIterator[Hub]:
    """A relay over the registries, running."""
    cluster = Cluster(f"127.0.0.1:{kafka.port}", prefix=f"registries-{next(_prefixes)}.")
    source = RegistrySource(REGISTRIES, source=SOURCE, clock=clock)
    admin, producer, bell = Admin(cluster), Producer(cluster), Bell(database_url)
    database = Database(database_url, committed=lambda names: bell.ring(*names))

    async def ensure_topics() -> None:
        await admin.create_topics(
            TopicSpec(registry.topic, 2, 1, TOPICS[registry.topic].config(1)) for registry in REGISTRIES
        )

    watch = LogWatch(database, admin, [source], ensure_topics=ensure_topics)
    leases = Leases(database, "test")
    relay = Relay(database, [source], producer=producer, admin=admin, watch=watch, leases=leases, bell=bell, readers={})
    await watch.check()
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.aclose)
        stack.push_async_callback(admin.aclose)
        stack.push_async_callback(producer.aclose)
        task = asyncio.create_task(relay.run(stop))
        stack.push_async_callback(_end, stop, task)
        made = Hub(database, bell, cluster, source, watch)
        await eventually(made.started)
        yield made


async def _end(stop: asyncio.Event, task: "asyncio.Task[None]") -> None:
    stop.set()
    await task


def organ(code: str, **fields: object) -> OrganChanged:
    return OrganChanged.model_validate(
        {"code": code, "version": 1, "name": f"Phường {code}", "level": "commune", **fields}
    )


SYSTEM = SystemChanged(
    client_id="commune-a", version=1, name="Một cửa", level=Level.COMMUNE, organs=["A1"], scopes=["inbox:read"]
)


async def change(hub: Hub, *changes: Callable[..., Awaitable[object]]) -> None:
    async with hub.database.transaction() as conn:
        for made in changes:
            await made(conn)


async def test_publishes_all_registries_as_their_contracts_say(hub: Hub) -> None:
    await change(
        hub,
        lambda conn: organs.load(conn, [organ("A1"), organ("B1")], by=ACT),
        lambda conn: identity.create_system(conn, SYSTEM, "a hash of the secret", by=ACT),
        lambda conn: identity.ensure_key(conn, KEYRING, by=ACT),
    )
    found = await hub.wait_for(lambda seen: len({envelope.subject for envelope in seen}) == 4)
    types = {envelope.subject: envelope.type for envelope in found}
    assert (types["A1"], types["B1"], types["commune-a"]) == ("organ.changed", "organ.changed", "system.changed")
    assert sorted(types.values()).count("key.published") == 1
    for envelope in found:
        assert validate(envelope.contract, envelope.value) is None
        assert envelope.source == SOURCE
        assert b"a hash of the secret" not in envelope.value
        assert b'"d"' not in envelope.value


async def test_sends_an_entry_again_only_when_it_changed(hub: Hub) -> None:
    await change(hub, lambda conn: organs.load(conn, [organ("A1"), organ("B1")], by=ACT))
    assert await hub.settled() == {"A1": 1, "B1": 1}
    await change(hub, lambda conn: organs.load(conn, [organ("A1"), organ("B1", suspended=True)], by=ACT))
    assert await hub.settled() == {"A1": 1, "B1": 2}


async def test_same_entry_is_the_same_envelope_when_sent_again(hub: Hub) -> None:
    await change(hub, lambda conn: organs.load(conn, [organ("A1")], by=ACT))
    await hub.settled()
    await change(hub, lambda conn: registries.republish(conn, REGISTRIES))
    assert await hub.settled() == {"A1": 2}
    assert len({(envelope.id, envelope.value) for envelope in await hub.published()}) == 1


async def test_republishes_everything_when_the_log_was_lost(hub: Hub) -> None:
    await change(hub, lambda conn: organs.load(conn, [organ("A1"), organ("B1")], by=ACT))
    await hub.settled()
    await hub.watch.lost(hub.watch.generation, "test")
    assert await hub.settled() == {"A1": 2, "B1": 2}


class TestMarks:
    """Without a relay: what an acknowledgement may and may not do."""

    @pytest.fixture
    async def source(self, database: Database, clock: StandingClock) -> RegistrySource:
        async with database.transaction() as conn:
            await organs.load(conn, [organ("A1"), organ("B1")], by=ACT)
            await conn.execute(text("INSERT INTO lease VALUES ('relay', 'test', 3, now())"))
        return RegistrySource(REGISTRIES, source=SOURCE, clock=clock)

    async def take(self, database: Database, source: RegistrySource, held: tuple[str, ...] = ()) -> list[Outgoing]:
        async with database.read() as conn:
            return await relaying.take(source, conn, 100, held)

    async def acknowledge(
        self, database: Database, source: RegistrySource, taken: list[Outgoing], fence: int = 3
    ) -> None:
        async with database.transaction() as conn:
            acks = [Ack(outgoing, 0, place) for place, outgoing in enumerate(taken)]
            await relaying.acknowledge(source, conn, acks, fence)

    async def test_acknowledged_entries_are_not_taken_again(self, database: Database, source: RegistrySource) -> None:
        await self.acknowledge(database, source, (await self.take(database, source))[:1])
        assert [outgoing.key for outgoing in await self.take(database, source)] == ["B1"]

    async def test_keys_held_back_are_not_taken(self, database: Database, source: RegistrySource) -> None:
        assert [outgoing.key for outgoing in await self.take(database, source, ("A1",))] == ["B1"]

    async def test_late_owner_of_the_lease_marks_nothing(self, database: Database, source: RegistrySource) -> None:
        await self.acknowledge(database, source, await self.take(database, source), fence=2)
        assert len(await self.take(database, source)) == 2

    async def test_entry_that_changed_on_the_way_stays_to_be_sent(
        self, database: Database, source: RegistrySource
    ) -> None:
        taken = await self.take(database, source)
        async with database.transaction() as conn:
            await organs.load(conn, [organ("A1", suspended=True)], by=ACT)
        await self.acknowledge(database, source, taken)
        left = await self.take(database, source)
        assert [outgoing.key for outgoing in left] == ["A1"]
        assert b'"version":2' in (left[0].value or b"")

    async def test_log_lost_on_the_way_sends_everything_again(self, database: Database, source: RegistrySource) -> None:
        taken = await self.take(database, source)
        async with database.transaction() as conn:
            await source.log_lost(conn)
        await self.acknowledge(database, source, taken)
        assert len(await self.take(database, source)) == 2

    async def test_everything_falls_due_at_start_and_daily(self, database: Database, source: RegistrySource) -> None:
        async def due() -> int:
            async with database.transaction() as conn:
                return await source.fall_due(conn, {})

        await self.acknowledge(database, source, await self.take(database, source))
        assert await due() == 2
        assert await due() == 0
        await self.acknowledge(database, source, await self.take(database, source))
        async with database.transaction() as conn:
            await conn.execute(text("UPDATE registry SET republished_at = now() - interval '25 hours'"))
        assert await due() == 2
        assert len(await self.take(database, source)) == 2
