"""A database and a topic prefix for each test, with the kernel's tables; nothing of the domain."""

import secrets
from collections.abc import AsyncIterator

import pytest
import structlog
from sqlalchemy import MetaData, text

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from services.kernel.database import Database
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import Admin
from services.kernel.messaging.model import KernelTables, OfficeTables
from tests.integration.kernel.scene import Scene
from tests.integration.models import with_models


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Without structlog's default console, which formats every stack trace at length."""
    structlog.configure(processors=[structlog.processors.KeyValueRenderer()])


def metadata() -> MetaData:
    tables = MetaData()
    KernelTables(tables)
    OfficeTables(tables)
    return tables


@pytest.fixture(scope="session")
async def template(postgres: Postgres) -> str:
    """A database with the tables, which those of the tests are copied from."""
    name = f"kernel_{secrets.token_hex(4)}"
    postgres.create_database(name)
    await with_models(postgres.url(name), metadata().create_all)
    effect = text("CREATE TABLE effect (record text, applied int, n bigint GENERATED ALWAYS AS IDENTITY)")
    await with_models(postgres.url(name), lambda connection: connection.execute(effect))
    return name


@pytest.fixture
async def database_url(postgres: Postgres, template: str) -> AsyncIterator[str]:
    name = f"kernel_{secrets.token_hex(4)}"
    postgres.create_database(name, template=template)
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


@pytest.fixture
def cluster(kafka: Kafka) -> Cluster:
    return Cluster(kafka.bootstrap, prefix=f"t{secrets.token_hex(3)}.")


@pytest.fixture
async def admin(cluster: Cluster) -> AsyncIterator[Admin]:
    admin = Admin(cluster)
    yield admin
    await admin.aclose()


@pytest.fixture
async def scene(database_url: str, cluster: Cluster) -> AsyncIterator[Scene]:
    """The parts of one program, joined as an assembly would."""
    scene = Scene(database_url, cluster)
    yield scene
    await scene.aclose()
