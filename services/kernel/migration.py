"""Runs an Alembic history to its head, one process at a time; gives its env.py all it needs.

A history is a folder with `env.py` and `versions/`; its env.py is one call of `run`.
"""

from collections.abc import Callable
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.database import sqlalchemy_url
from services.kernel.partitions import include_name

LOCK = 0x4C54_4D49_4752  # "LTMIGR": one lock for all histories, they are short


async def upgrade(url: str, script_location: Path) -> None:
    """Brings the database to the newest version. Safe when several processes do so at once: the others wait."""
    await _with_connection(url, lambda connection: command.upgrade(_config(script_location, connection), "head"))


async def revise(url: str, script_location: Path, message: str) -> None:
    """Writes a new version from the difference between the tables of env.py and the database."""
    await _with_connection(
        url, lambda connection: command.revision(_config(script_location, connection), message, autogenerate=True)
    )


def run(metadata: MetaData) -> None:
    """What an env.py calls; works only under `upgrade` and `revise`, which hand the connection in."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        include_name=include_name(metadata),
    )
    with context.begin_transaction():
        context.run_migrations()


async def _with_connection(url: str, work: Callable[[Connection], object]) -> None:
    engine = create_async_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
    try:
        async with engine.connect() as conn:
            await conn.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            await conn.commit()  # the lock belongs to the session and ends with the connection
            await conn.run_sync(work)
            await conn.commit()
    finally:
        await engine.dispose()


def _config(script_location: Path, connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(script_location).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
