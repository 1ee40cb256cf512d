"""A migrated template database once per run; the stage once per run, with a topic prefix of its own."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from services.kernel.migration import upgrade
from services.office.housekeeping import MIGRATIONS
from tests.integration.office.stage import Stage, settings_for

TEMPLATE = "office_template"


@pytest.fixture(scope="session")
async def office_template(postgres: Postgres) -> str:
    postgres.create_database(TEMPLATE)
    await upgrade(postgres.url(TEMPLATE), MIGRATIONS)
    return TEMPLATE


@pytest.fixture(scope="session")
def make_database(postgres: Postgres, office_template: str) -> Iterator[Callable[[], str]]:
    """Makes a migrated database and gives its URL; all are dropped at the end."""
    names: list[str] = []

    def make() -> str:
        names.append(f"office_{secrets.token_hex(4)}")
        postgres.create_database(names[-1], template=office_template)
        return postgres.url(names[-1])

    yield make
    for name in names:
        postgres.drop_database(name)


@pytest.fixture(scope="session")
async def stage(
    make_database: Callable[[], str], kafka: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    home: Path = tmp_path_factory.mktemp("office")
    async with Stage(settings_for(make_database(), kafka.bootstrap, home)) as stage:
        yield stage
