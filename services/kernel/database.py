"""The engine and `transaction()`, the only commit of the product; tells a database that is away from a mistake.

Every transaction is durable when it returns (`synchronous_commit=on`); reads run in read-only transactions.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from contracts.problems import HubError

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 10.0
"""At the server; the client gives up a little later, which is how a database that stands still is noticed."""
GIVE_UP_SECONDS = STATEMENT_SECONDS + 2.0
LOCK_SECONDS = 8.0
IDLE_IN_TRANSACTION_SECONDS = 60.0
POOL_WAIT_SECONDS = 2.0
PING_SECONDS = 2.0

Connection = AsyncConnection

_RINGS = "lienthong.rings"
_ONE_MOMENT = "REPEATABLE READ"
_TRANSIENT = frozenset({"40001", "40P01", "55P03", "57014"})  # serialization, deadlock, lock and statement time-out
_TOO_LONG = "57014"
_AWAY = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25006"})  # shutdown, crash, starting, idle, read-only
_AWAY_CLASSES = ("08", "53")  # connection exceptions; too many connections, disk full, out of memory
_DRIVER_ERRORS = (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Database:
    """One pool. `committed` is called after each commit with the names given to `ring_on_commit`."""

    def __init__(
        self,
        url: str,
        *,
        application_name: str = "lienthong",
        pool_size: int = 10,
        committed: Callable[[frozenset[str]], None] | None = None,
    ) -> None:
        self._committed = committed
        self._engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
            hide_parameters=True,  # error messages go to logs, parameters must not
            connect_args={
                "timeout": CONNECT_SECONDS,
                "command_timeout": GIVE_UP_SECONDS,
                "server_settings": server_settings(application_name),
            },
        )
        self._reader = self._engine.execution_options(postgresql_readonly=True)
        self._single = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._still = self._engine.execution_options(isolation_level=_ONE_MOMENT)
        self._still_reader = self._reader.execution_options(isolation_level=_ONE_MOMENT)
        event.listen(self._engine.sync_engine, "checkout", _replace_closed)

    @asynccontextmanager
    async def transaction(self, *, still: bool = False) -> AsyncIterator[AsyncConnection]:
        """Commits when the block ends well, rolls back when it raises; rings the bells only after the commit.
        `still`: every statement sees the moment of the first; for what is read, and only added to, without a lock.

        A database that is away raises `HubError("system.storage_unavailable")`. If that happens during the commit
        the outcome is unknown and the caller must be able to repeat.
        """
        names: set[str] = set()
        async with _translated() as connected, (self._still if still else self._engine).connect() as conn:
            connected.append(True)
            conn.info[_RINGS] = names
            yield conn
            await conn.commit()
        if names and self._committed:
            self._committed(frozenset(names))

    @asynccontextmanager
    async def read(self, *, still: bool = False) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction; nothing written through it can be committed. `still`: all of it sees one moment."""
        async with _translated() as connected, (self._still_reader if still else self._reader).connect() as conn:
            connected.append(True)
            yield conn

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[AsyncConnection]:
        """For statements that read, each by itself: without a transaction around it, which costs as much again."""
        async with _translated() as connected, self._single.connect() as conn:
            connected.append(True)
            yield conn

    async def ping(self) -> None:
        """Raises `HubError("system.storage_unavailable")` when the database does not answer."""
        async with self.glance() as conn:
            await conn.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        await self._engine.dispose()


def ring_on_commit(conn: AsyncConnection, *names: str) -> None:
    """Have the bells rung when the transaction of `conn` has committed, never before and never on rollback."""
    conn.info.setdefault(_RINGS, set()).update(names)


def is_transient(error: BaseException) -> bool:
    """True when the same transaction, run again, may well succeed."""
    return isinstance(error, _DRIVER_ERRORS) and _sqlstate(error) in _TRANSIENT


def is_too_long(error: BaseException) -> bool:
    """True when a statement took longer than it was given."""
    return isinstance(error, _DRIVER_ERRORS) and _sqlstate(error) == _TOO_LONG


def is_away(error: BaseException) -> bool:
    """True when the error says that the database cannot be reached or is not taking work."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if not isinstance(error, _DRIVER_ERRORS):
        return False
    state = _sqlstate(error)
    if state:
        return state in _AWAY or state.startswith(_AWAY_CLASSES)
    return isinstance(_driver_error(error), asyncpg.InterfaceError | asyncpg.InternalClientError) and (
        "closed" in str(error) or "released" in str(error) or "protocol state" in str(error)
    )


def is_refused_value(error: BaseException) -> bool:
    """True when the database would not take a value: a NUL character, a number out of range."""
    return isinstance(error, _DRIVER_ERRORS) and _sqlstate(error).startswith("22")


def sqlalchemy_url(url: str) -> URL:
    """Accepts `postgresql://` and `postgresql+asyncpg://`, with `?host=/folder` for a Unix socket."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def driver_dsn(url: str) -> str:
    """The same address as asyncpg wants it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def server_settings(application_name: str) -> dict[str, str]:
    return {
        "application_name": application_name,
        "statement_timeout": _milliseconds(STATEMENT_SECONDS),
        "lock_timeout": _milliseconds(LOCK_SECONDS),
        "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION_SECONDS),
        "synchronous_commit": "on",
        "timezone": "UTC",
        "jit": "off",
        # every statement looks rows up by key, and a disk of today finds one as fast as the next
        "random_page_cost": "1.1",
    }


@asynccontextmanager
async def _translated() -> AsyncIterator[list[bool]]:
    """Turns errors of an absent database into `HubError`; before the connection stands any `OSError` is one."""
    connected: list[bool] = []
    try:
        yield connected
    except _DRIVER_ERRORS as error:
        if not is_away(error):
            raise
        raise HubError("system.storage_unavailable") from error
    except PoolTimeoutError as error:
        raise HubError("system.overloaded", "no free database connection") from error
    except OSError as error:
        # Inside a transaction nothing else talks to a network, so a lost connection or time-out is the database's.
        if connected and not isinstance(error, ConnectionError | TimeoutError):
            raise
        raise HubError("system.storage_unavailable") from error


def _replace_closed(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """A connection that the server closed while it lay in the pool is replaced, without a round trip to find out."""
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError("closed by the server")


def _driver_error(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def _sqlstate(error: BaseException) -> str:
    return getattr(_driver_error(error), "sqlstate", None) or ""


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
