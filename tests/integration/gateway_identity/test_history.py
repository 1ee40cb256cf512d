"""A gateway that has been in use gets the columns of administration filled from what it holds."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

import gateway.schema
from deploy.local.postgres import Postgres
from gateway.identity import store
from gateway.identity.store import Filter
from services.kernel.connection import DatabaseError
from services.kernel.database import Database
from services.kernel.migration import upgrade
from tests.integration.gateway_identity.conftest import ORGANS, SYSTEM

HISTORY = Path(gateway.schema.__file__).parent / "migrations"
FIRST = "a0d664feaba3_first_tables.py"
NAME = "gateway_identity_history"
_ID = {"id": SYSTEM.client_id}
_SYSTEM = "INSERT INTO system (key, version, revision, document) VALUES (:key, 1, 1, :document)"
_ORGAN = """
    INSERT INTO organ (key, version, revision, document, level, search) VALUES (:key, 1, 1, :document, 'commune', '')
"""


@pytest.fixture
def empty_url(postgres: Postgres) -> Iterator[str]:
    postgres.create_database(NAME)
    yield postgres.url(NAME)
    postgres.drop_database(NAME)


async def test_entries_of_before_are_listed_and_counted_as_those_of_after(empty_url: str, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier"
    (earlier / "versions").mkdir(parents=True)
    shutil.copy(HISTORY / "env.py", earlier)
    shutil.copy(HISTORY / "versions" / FIRST, earlier / "versions")
    await upgrade(empty_url, earlier)
    database = Database(empty_url)
    try:
        async with database.transaction() as conn:
            system = {"key": SYSTEM.client_id, "document": SYSTEM.model_dump_json().encode()}
            await conn.execute(text(_SYSTEM), system)
            await conn.execute(text("INSERT INTO system_secret (client_id, hash) VALUES (:id, 'h1'), (:id, 'h2')"), _ID)
            organ = {"key": ORGANS[2].code, "document": ORGANS[2].model_dump_json().encode()}
            await conn.execute(text(_ORGAN), organ)
        await upgrade(empty_url, HISTORY)
        async with database.transaction() as conn:
            for chosen in (Filter(words=["mot", "cua"]), Filter(organ=ORGANS[2].code), Filter(suspended=False)):
                assert len(await store.page(conn, chosen, 10)) == 1
            assert len({secret.id for secret in await store.secrets(conn, "commune-a")}) == 2
            assert not await store.other_administrator(conn, "nobody")
            assert (await conn.execute(text("SELECT home FROM organ"))).scalar_one() == "office"
        with pytest.raises(DatabaseError, match="only added to"):
            async with database.transaction() as conn:
                await conn.execute(text("TRUNCATE audit"))
    finally:
        await database.aclose()
