"""What needs SQLAlchemy's own connection: tables made from the models, migrations, comparisons."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.database import sqlalchemy_url

T = TypeVar("T")


async def with_models(url: str, work: Callable[[Connection], T]) -> T:
    """Runs `work` in a transaction of its own and commits it."""
    engine = create_async_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
    try:
        async with engine.begin() as conn:
            return await conn.run_sync(work)
    finally:
        await engine.dispose()
