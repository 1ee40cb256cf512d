"""The office of the other integration tests, with a database and a topic prefix of its own."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from services.kernel.migration import upgrade
from services.office.housekeeping import MIGRATIONS
from tests.integration.office.stage import Stage, settings_for

DATABASE = "office_documents"


@pytest.fixture(scope="session")
async def stage(postgres: Postgres, kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    postgres.create_database(DATABASE)
    url = postgres.url(DATABASE)
    await upgrade(url, MIGRATIONS)
    async with Stage(settings_for(url, kafka.bootstrap, tmp_path_factory.mktemp("documents"))) as stage:
        yield stage
    postgres.drop_database(DATABASE)
