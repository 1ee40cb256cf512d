"""Both programs for the tests of this package, each once per run, and what they log."""

from __future__ import annotations

import io
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import orjson
import pytest
import structlog
from pydantic import SecretStr

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.migrating import HISTORIES
from services.kernel import logs
from services.kernel.migration import upgrade
from services.kernel.settings import Settings
from tests.api import gateway as gateways
from tests.api.gateway import GatewayHouse
from tests.api.houses import Desk
from tests.api.office import OfficeHouse, OfficeStage
from tests.integration.office.stage import HUB, settings_for

Make = Callable[[str], Awaitable[str]]
PATIENCE = 1000.0
"""Nobody settles what these tests post: the relay may wait long before it sends again."""


@pytest.fixture(scope="session")
def make_migrated(postgres: Postgres) -> Iterator[Make]:
    """Makes a migrated database of a program and gives its URL; all are dropped at the end."""
    names: list[str] = []

    async def make(program: str) -> str:
        names.append(f"api_{program}_{secrets.token_hex(4)}")
        postgres.create_database(names[-1])
        url = postgres.url(names[-1])
        await upgrade(url, HISTORIES[program])
        return url

    yield make
    for name in names:
        postgres.drop_database(name)


@pytest.fixture(scope="session")
async def office(
    make_migrated: Make, kafka: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OfficeHouse]:
    url = await make_migrated("commune")
    home: Path = tmp_path_factory.mktemp("api-office")
    settings = settings_for(url, kafka.bootstrap, home, retry_scale=PATIENCE)
    async with OfficeStage(settings) as stage:
        house = OfficeHouse(stage)
        await house.fill()
        yield house


@pytest.fixture(scope="session")
async def gateway(
    make_migrated: Make, kafka: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayHouse]:
    settings = Settings(
        program="gateway",
        home=tmp_path_factory.mktemp("api-gateway"),
        hub=HUB,
        local=True,
        database_url=SecretStr(await make_migrated("gateway")),
        kafka_bootstrap=kafka.bootstrap,
        topic_prefix=f"g{secrets.token_hex(3)}.",
        retry_scale=PATIENCE,
        stop_seconds=8.0,
    )
    async with gateways.opened(settings) as house:
        yield house


@pytest.fixture(scope="session")
def desks(office: OfficeHouse, gateway: GatewayHouse) -> dict[str, Desk]:
    """By name of the document."""
    return {"office": Desk(office), "gateway": Desk(gateway)}


class Lines:
    """What the programs logged, as they would write it."""

    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    @property
    def raw(self) -> bytes:
        return self._stream.getvalue()

    def errors(self) -> list[str]:
        """Lines of level error and above."""
        loud = {"error", "critical", "exception"}
        return [line.decode() for line in self.raw.splitlines() if orjson.loads(line).get("level") in loud]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Logs as in production, kept in memory while a test runs."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.BytesIO()
    logs.configure("info", "tests", stream)
    yield Lines(stream)
    structlog.configure(**before)
    root.handlers, root.level = handlers, level
