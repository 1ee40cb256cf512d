"""The connections and `transaction()`, the only commit of the product; tells a database that is away from a mistake.

Every transaction is durable when it returns (`synchronous_commit=on`); reads run in read-only transactions.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import URL, make_url, text

from contracts.problems import HubError
from services.kernel.connection import DRIVER_ERRORS, Connection, DatabaseError, DriverConnection, Row, close

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 10.0
"""At the server; the client gives up a little later, which is how a database that stands still is noticed."""
GIVE_UP_SECONDS = STATEMENT_SECONDS + 2.0
LOCK_SECONDS = 8.0
IDLE_IN_TRANSACTION_SECONDS = 60.0
POOL_WAIT_SECONDS = 2.0
PING_SECONDS = 2.0

CLOSE_SECONDS = 5.0
UNDO_SECONDS = 2.0

_BEGIN_STILL = "BEGIN ISOLATION LEVEL REPEATABLE READ"
_READ = "BEGIN READ ONLY"
_READ_STILL = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_TRANSIENT = frozenset({"40001", "40P01", "55P03", "57014"})  # serialization, deadlock, lock and statement time-out
_TOO_LONG = "57014"
_AWAY = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25006"})  # shutdown, crash, starting, idle, read-only
_GONE_WORDS = ("closed", "released", "protocol state", "cannot switch to state")
_AWAY_CLASSES = ("08", "53")  # connection exceptions; too many connections, disk full, out of memory
_ERRORS = (DatabaseError, *DRIVER_ERRORS)


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
        self._dsn = driver_dsn(url)
        self._application_name = application_name
        self._committed = committed
        self._free = asyncio.Semaphore(pool_size)
        self._idle: list[DriverConnection] = []
        self._opening = 0

    @asynccontextmanager
    async def transaction(self, *, still: bool = False) -> AsyncIterator[Connection]:
        """Commits when the block ends well, rolls back when it raises; rings the bells only after the commit.
        `still`: every statement sees the moment of the first; for what is read, and only added to, without a lock.

        A database that is away raises `HubError("system.storage_unavailable")`. If that happens during the commit
        the outcome is unknown and the caller must be able to repeat.
        """
        async with self._lent(_BEGIN_STILL if still else "BEGIN") as (conn, driver):
            yield conn
            if await driver.execute("COMMIT") != "COMMIT":
                raise DatabaseError("rolled back: a statement of this transaction had failed")
        self._ring(conn)

    @asynccontextmanager
    async def single(self) -> AsyncIterator[Connection]:
        """As `transaction()`, of exactly one statement, which needs nothing around it: a third of the round trips."""
        async with self._lent(most=1) as (conn, _):
            yield conn
        self._ring(conn)

    @asynccontextmanager
    async def read(self, *, still: bool = False) -> AsyncIterator[Connection]:
        """A read-only transaction; nothing written through it can be committed. `still`: all of it sees one moment."""
        async with self._lent(_READ_STILL if still else _READ) as (conn, driver):
            yield conn
            await _undo(driver)

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[Connection]:
        """For statements that read, each by itself: without a transaction around it, which costs as much again."""
        async with self._lent() as (conn, _):
            yield conn

    async def ping(self) -> None:
        """Raises `HubError("system.storage_unavailable")` when the database does not answer."""
        async with self.glance() as conn:
            await conn.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        """Closes the connections nobody uses; those in use end with their use."""
        self._opening += 1
        while self._idle:
            await close(self._idle.pop(), CLOSE_SECONDS)

    @asynccontextmanager
    async def _lent(
        self, begin: str = "", *, most: int | None = None
    ) -> AsyncIterator[tuple[Connection, DriverConnection]]:
        """A connection in the transaction that `begin` opens; what the block leaves open is rolled back."""
        async with _translated() as connected, self._permit():
            driver = await self._take()
            connected.append(True)
            conn = Connection(driver, most)
            try:
                if begin:
                    await driver.execute(begin)
                yield conn, driver
                if conn.unsettled:  # its error was swallowed
                    await _undo(driver)
            except BaseException:
                await _undo(driver)
                raise
            finally:
                conn.end()
                self._put_back(driver)

    @asynccontextmanager
    async def _permit(self) -> AsyncIterator[None]:
        if self._free.locked():
            try:
                async with asyncio.timeout(POOL_WAIT_SECONDS):
                    await self._free.acquire()
            except TimeoutError as error:
                raise HubError("system.overloaded", "no free database connection") from error
        else:
            await self._free.acquire()  # at once
        try:
            yield
        finally:
            self._free.release()

    async def _take(self) -> DriverConnection:
        """The connection used last, of those that the server has not closed meanwhile, or a new one."""
        while self._idle:
            idle = self._idle.pop()
            if not idle.is_closed():
                return idle
        driver: DriverConnection = await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=GIVE_UP_SECONDS,
            server_settings=server_settings(self._application_name),
            connection_class=DriverConnection,
            record_class=Row,
        )
        driver.opening = self._opening
        return driver

    def _put_back(self, driver: DriverConnection) -> None:
        if driver.is_closed():
            return
        if driver.is_in_transaction() or driver.opening != self._opening:
            driver.terminate()
        else:
            self._idle.append(driver)

    def _ring(self, conn: Connection) -> None:
        if conn.rings and self._committed:
            self._committed(frozenset(conn.rings))


def ring_on_commit(conn: Connection, *names: str) -> None:
    """Have the bells rung when the transaction of `conn` has committed, never before and never on rollback."""
    conn.rings.update(names)


def is_transient(error: BaseException) -> bool:
    """True when the same transaction, run again, may well succeed."""
    if isinstance(error.__cause__, asyncpg.InvalidCachedStatementError):
        return True  # a table was changed since the statement was prepared
    return isinstance(error, _ERRORS) and _sqlstate(error) in _TRANSIENT


def is_too_long(error: BaseException) -> bool:
    """True when a statement took longer than it was given."""
    return isinstance(error, _ERRORS) and _sqlstate(error) == _TOO_LONG


def is_away(error: BaseException) -> bool:
    """True when the error says that the database cannot be reached or is not taking work."""
    if not isinstance(error, _ERRORS):
        return False
    state = _sqlstate(error)
    if state:
        return state in _AWAY or state.startswith(_AWAY_CLASSES)
    driver = error.__cause__ if isinstance(error, DatabaseError) else error
    return isinstance(driver, asyncpg.InterfaceError | asyncpg.InternalClientError) and any(
        word in str(driver) for word in _GONE_WORDS
    )


def is_refused_value(error: BaseException) -> bool:
    """True when the database would not take a value: a NUL character, a number out of range."""
    return isinstance(error, _ERRORS) and _sqlstate(error).startswith("22")


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
        # plans are kept: one made while a table was empty would go on reading all of it
        "enable_seqscan": "off",
    }


@asynccontextmanager
async def _translated() -> AsyncIterator[list[bool]]:
    """Turns errors of an absent database into `HubError`; before the connection stands any `OSError` is one."""
    connected: list[bool] = []
    try:
        yield connected
    except _ERRORS as error:
        if is_away(error):
            raise HubError("system.storage_unavailable") from error
        if isinstance(error, DatabaseError):
            raise
        raise DatabaseError.of(error) from error
    except OSError as error:
        # Inside a transaction nothing else talks to a network, so a lost connection or time-out is the database's.
        if connected and not isinstance(error, ConnectionError | TimeoutError):
            raise
        raise HubError("system.storage_unavailable") from error


async def _undo(driver: DriverConnection) -> None:
    """Ends what was begun; a connection that does not answer at once is given up.

    Even where no transaction was opened: a statement that was prepared and not run leaves one of its own.
    """
    try:
        await driver.execute("ROLLBACK", timeout=UNDO_SECONDS)
    except (*DRIVER_ERRORS, OSError):
        driver.terminate()
    except BaseException:
        driver.terminate()
        raise


def _sqlstate(error: BaseException) -> str:
    return getattr(error, "sqlstate", None) or ""


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
