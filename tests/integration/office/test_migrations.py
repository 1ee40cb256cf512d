"""The history makes exactly the tables of the models, and can be taken back."""

from collections.abc import Callable

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Sequence, inspect
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.database import sqlalchemy_url
from services.office.housekeeping import MIGRATIONS
from services.office.schema import METADATA


async def test_migrated_schema_equals_models(make_database: Callable[[], str]) -> None:
    engine = create_async_engine(sqlalchemy_url(make_database()))
    try:
        async with engine.connect() as conn:
            differences = await conn.run_sync(_differences)
            sequences = await conn.run_sync(lambda connection: set(inspect(connection).get_sequence_names()))
    finally:
        await engine.dispose()
    assert differences == []
    assert {each.name for each in METADATA._sequences.values()} <= sequences


async def test_history_can_be_taken_back(make_database: Callable[[], str]) -> None:
    engine = create_async_engine(sqlalchemy_url(make_database()))
    try:
        async with engine.connect() as conn:
            await conn.run_sync(_downgrade)
            await conn.commit()
            left = await conn.run_sync(lambda connection: set(inspect(connection).get_table_names()))
    finally:
        await engine.dispose()
    assert left == {"alembic_version"}


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [each for each in compare_metadata(context, METADATA) if not isinstance(each, Sequence)]


def _downgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.downgrade(config, "base")
