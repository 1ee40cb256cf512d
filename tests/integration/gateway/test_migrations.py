"""The gateway's history makes exactly the tables of its models."""

from pathlib import Path

import uuid_utils
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import create_async_engine

import gateway.schema
from deploy.local.postgres import Postgres
from services.kernel.database import sqlalchemy_url
from services.kernel.migration import upgrade
from services.kernel.partitions import include_name

HISTORY = Path(gateway.schema.__file__).parent / "migrations"


async def test_migrated_schema_equals_models(postgres: Postgres) -> None:
    name = f"migrated_{uuid_utils.uuid7().hex[-12:]}"
    postgres.create_database(name)
    await upgrade(postgres.url(name), HISTORY)
    engine = create_async_engine(sqlalchemy_url(postgres.url(name)))
    try:
        async with engine.connect() as conn:
            differences, sequences = await conn.run_sync(_compare)
    finally:
        await engine.dispose()
    assert differences == []
    assert "event_position" in sequences


def _compare(connection: Connection) -> tuple[list[object], set[str]]:
    options = {"compare_type": True, "include_name": include_name(gateway.schema.metadata)}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, gateway.schema.metadata)), set(inspect(connection).get_sequence_names())
