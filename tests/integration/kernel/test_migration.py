"""Alembic under a lock: several processes at once, and a written version that equals the tables."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from deploy.local.postgres import Postgres
from services.kernel.database import Database
from services.kernel.migration import revise, upgrade
from tests.integration.kernel.conftest import metadata
from tests.integration.models import with_models


@pytest.fixture
async def empty_url(postgres: Postgres) -> AsyncIterator[str]:
    name = f"kernel_{secrets.token_hex(4)}"
    postgres.create_database(name)
    yield postgres.url(name)
    postgres.drop_database(name)


async def test_a_history_is_written_and_run_once_by_many(empty_url: str, tmp_path: Path) -> None:
    history = tmp_path / "lịch sử %"
    shutil.copytree(Path(__file__).parent / "history", history)
    (history / "versions").mkdir(exist_ok=True)
    await revise(empty_url, history, "begin")
    written = list((history / "versions").glob("*.py"))
    assert len(written) == 1
    await asyncio.gather(*(upgrade(empty_url, history) for _ in range(4)))
    database = Database(empty_url)
    try:
        assert await with_models(empty_url, _difference) == []
        async with database.read() as conn:
            assert (await conn.execute(text("SELECT count(*) FROM alembic_version"))).scalar_one() == 1
    finally:
        await database.aclose()


def _difference(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata()))
