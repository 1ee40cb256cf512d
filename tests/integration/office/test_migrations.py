"""The history makes exactly the tables of the models, and can be taken back."""

from collections.abc import Callable

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Sequence, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.database import sqlalchemy_url
from services.kernel.partitions import include_name
from services.office.attachments.rules import Via
from services.office.housekeeping import MIGRATIONS
from services.office.schema import METADATA

FIRST = "11da82680ac8"


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


async def test_what_was_stored_before_is_listed_and_counted(make_database: Callable[[], str]) -> None:
    engine = create_async_engine(sqlalchemy_url(make_database()))
    try:
        async with engine.connect() as conn:
            await conn.run_sync(lambda connection: _to(connection, FIRST, back=True))
            await conn.execute(
                text("""
                INSERT INTO dossier (holder, code, procedure, receiver, parties, submitted, status, custodian, epoch,
                                     version, created_at)
                SELECT 'o', code, 'p', 'o', 'o', convert_to(submitted, 'UTF8'), 1, 'o', 1, 1, now()
                  FROM (VALUES ('1', '{"summary": "Đăng ký \\"A\\""}'), ('2', '{}')) AS old(code, submitted)
                """)
            )
            await conn.execute(text("INSERT INTO attachment (sha256, size) VALUES ('a', 5), ('b', 7), ('c', 11)"))
            await conn.execute(
                text("INSERT INTO attachment_access (sha256, organ) VALUES ('a', 'o'), ('b', 'o'), ('b', 'p')")
            )
            await conn.run_sync(lambda connection: _to(connection, "head"))
            summaries = (await conn.execute(text("SELECT summary FROM dossier ORDER BY code"))).scalars().all()
            via = (await conn.execute(text("SELECT via FROM attachment_access"))).scalars().all()
            usage = (await conn.execute(text("SELECT organ, bytes FROM attachment_usage ORDER BY organ"))).all()
    finally:
        await engine.dispose()
    assert summaries == ['Đăng ký "A"', None]
    assert via == [int(Via.DOSSIER | Via.DOCUMENT)] * 3
    assert [tuple(row) for row in usage] == [("o", 12), ("p", 7)]


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "include_name": include_name(METADATA)}
    )
    return [each for each in compare_metadata(context, METADATA) if not isinstance(each, Sequence)]


def _downgrade(connection: Connection) -> None:
    _to(connection, "base", back=True)


def _to(connection: Connection, revision: str, *, back: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    (command.downgrade if back else command.upgrade)(config, revision)
