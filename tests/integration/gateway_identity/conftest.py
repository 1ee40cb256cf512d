"""A gateway database of its own for each test, cloned from one with the tables of organs, identity and registries."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import TypeVar

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.postgres import Postgres
from gateway.identity.model import KEYS, SYSTEMS
from gateway.organs.model import REGISTRY
from gateway.registries.model import Registry
from gateway.tables import metadata
from services.kernel.crypto import Keyring
from services.kernel.database import Database, sqlalchemy_url

TEMPLATE = "gateway_identity_template"
REGISTRIES: tuple[Registry, ...] = (KEYS, SYSTEMS, REGISTRY)
T = TypeVar("T")
KEYRING = Keyring({"k1": bytes(32)}, "k1")
NOW = datetime(2025, 7, 1, 8, tzinfo=UTC)

_numbers = count(1)


class StandingClock:
    """Hub time stands still unless moved; ids are counted."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now
        self._ids = count(1)

    def hub_now(self) -> datetime:
        return self.now

    def machine_now(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return 0.0

    def new_id(self) -> str:
        return f"00000000-0000-7000-8000-{next(self._ids):012d}"


async def eventually(condition: Callable[[], Awaitable[T | None]], *, seconds: float = 20.0) -> T:
    """The first answer that is something; fails after the deadline."""
    async with asyncio.timeout(seconds):
        while True:
            answer = await condition()
            if answer:
                return answer
            await asyncio.sleep(0.02)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture(scope="session")
async def template(postgres: Postgres) -> str:
    postgres.create_database(TEMPLATE)
    engine = create_async_engine(sqlalchemy_url(postgres.url(TEMPLATE)))
    async with engine.begin() as conn:
        await conn.run_sync(metadata.create_all)
    await engine.dispose()
    return TEMPLATE


@pytest.fixture
def database_url(postgres: Postgres, template: str) -> Iterator[str]:
    name = f"gateway_identity_{next(_numbers)}"
    postgres.create_database(name, template=template)
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url, pool_size=4)
    yield made
    await made.aclose()
