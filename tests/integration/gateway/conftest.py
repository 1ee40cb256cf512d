"""The gateway's database and its ingest door without a broker: records are handed to the door as the consumer would."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import orjson
import pytest
import uuid_utils
from sqlalchemy import text

from contracts.directory import Directory
from contracts.envelope import Envelope, to_headers
from contracts.levels import Level
from contracts.messages.registry import OrganChanged
from deploy.local.postgres import Postgres
from gateway.delivery import actions as delivery_actions
from gateway.delivery import store as deliveries
from gateway.delivery.sources import EventSource, HopSource, ReceiptSource
from gateway.ingest.asking import Asking
from gateway.ingest.events import IngestDoor
from gateway.schema import metadata
from gateway.subjects import store as subjects
from gateway.work import Desk, Registry
from services.kernel.crypto import Keyring
from services.kernel.database import Database
from services.kernel.messaging.records import Ack, Outgoing, Record
from tests.integration import relaying
from tests.integration.models import with_models

COMMUNE, OTHER, DISTRICT, DEPARTMENT = "000.01.21.H28", "000.02.21.H28", "000.00.21.H28", "000.00.01.H28"
NOW = datetime(2024, 6, 3, 1, 0, tzinfo=UTC)


class StillClock:
    def __init__(self) -> None:
        self._ticks = count()

    def hub_now(self) -> datetime:
        return NOW

    def machine_now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return float(next(self._ticks) * 10)

    def new_id(self) -> str:
        return str(uuid_utils.uuid7())


@dataclass(frozen=True)
class System:
    organs: tuple[str, ...]
    suspended: bool = False


@dataclass
class Registries:
    systems: dict[str, System] = field(
        default_factory=lambda: {
            "sys-commune": System((COMMUNE,)),
            "sys-other": System((OTHER,)),
            "sys-district": System((DISTRICT,)),
            "sys-department": System((DEPARTMENT,)),
        }
    )

    def snapshot(self, on: date) -> Registry:
        organs = [
            OrganChanged(code=code, version=1, name=code, level=level)
            for code, level in (
                (COMMUNE, Level.COMMUNE),
                (OTHER, Level.COMMUNE),
                (DISTRICT, Level.DISTRICT),
                (DEPARTMENT, Level.PROVINCE),
            )
        ]
        organs.append(OrganChanged(code="G22", version=1, name="VPCP", level=Level.CENTRAL, home="axis"))
        speakers = {organ: 1 for system in self.systems.values() if not system.suspended for organ in system.organs}
        return Registry(
            directory=Directory.from_organs(organs), systems=self.systems, speakers=speakers, hub="h28", on=on
        )


class Bench:
    """One gateway database, the door, and the three sources of its relay."""

    def __init__(self, database: Database, registries: Registries) -> None:
        self.database, self.registries = database, registries
        clock, sealer = StillClock(), Keyring({"test": bytes(32)}, "test")
        self.desk = Desk(registries, sealer, clock)
        self.door = IngestDoor(self.desk, Asking(clock))
        source = "urn:lienthong:h28:gateway"
        self.hops = HopSource(sealer, source=source)
        self.receipts = ReceiptSource(clock, source=source)
        self.events = EventSource()
        self._offset = count()

    def record(self, envelope: Envelope, topic: str) -> Record:
        return Record(
            topic=topic,
            partition=0,
            offset=next(self._offset),
            key=envelope.key,
            value=envelope.value,
            headers=to_headers(envelope),
        )

    async def take(self, *envelopes: Envelope, topic: str = "ingest.commune") -> None:
        await self.take_records([self.record(envelope, topic) for envelope in envelopes])

    async def take_records(self, records: Sequence[Record]) -> None:
        async with self.database.transaction() as conn:
            await self.door.apply(conn, records)

    async def close(self, delivery_id: str) -> bool:
        async with self.database.transaction() as conn:
            subject = await deliveries.subject_of(conn, delivery_id)
            assert subject is not None
            work = self.desk.begin(await subjects.lock(conn, (), existing=[subject]))
            return await delivery_actions.close(conn, work, delivery_id)

    async def expire(self) -> int:
        """As if every open delivery were too old."""
        async with self.database.transaction() as conn:
            work = self.desk.begin({})
            return await delivery_actions.expire(conn, work, before=work.now + timedelta(minutes=1))

    async def sent(self, source: Any) -> list[Outgoing]:
        """What the source would send now; acknowledged, so that it is sent once."""
        async with self.database.transaction() as conn:
            messages = await relaying.take(source, conn)
            acks = [self.ack(message) for message in messages]
            await relaying.acknowledge(source, conn, acks)
        return messages

    def ack(self, message: Outgoing) -> Ack:
        return Ack(message, 0, next(self._offset))

    async def answers(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(topic, receipt type, item) of every receipt waiting."""
        return [
            (message.topic, dict(message.headers)["ce_type"].decode().removeprefix("vn.lienthong."), item)
            for message in await self.sent(self.receipts)
            for item in orjson.loads(message.value or b"{}")["items"]
        ]

    async def rows(self, statement: str) -> list[Any]:
        async with self.database.read() as conn:
            return [dict(row) for row in (await conn.execute(text(statement))).mappings()]

    async def execute(self, statement: str) -> None:
        async with self.database.transaction() as conn:
            await conn.execute(text(statement))


@pytest.fixture
async def bench(postgres: Postgres) -> AsyncIterator[Bench]:
    name = f"gateway_{uuid_utils.uuid7().hex[-12:]}"
    postgres.create_database(name)
    database = Database(postgres.url(name))
    await with_models(postgres.url(name), metadata.create_all)
    async with database.transaction() as conn:
        await conn.execute(
            text("INSERT INTO lease (name, holder, fence, expires_at) VALUES ('relay', 'test', 1, now())")
        )
    yield Bench(database, Registries())
    await database.aclose()
