"""Wakes whoever waits for work: at once inside the process, by NOTIFY in the others; a hint only, polling is the net.

To miss nothing, take a ticket, look for work, then wait since the ticket.
"""

import asyncio
import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg
import structlog

from services.kernel.connection import DRIVER_ERRORS, close
from services.kernel.database import CONNECT_SECONDS, driver_dsn
from services.kernel.messaging.retry import backoff
from services.kernel.pause import pause

CHANNEL = "lienthong_bell"
CHECK_SECONDS = 5.0
CLOSE_SECONDS = 1.0
REMEMBERED_NAMES = 10_000
MAX_PAYLOAD = 7900  # PostgreSQL's limit is 8000 bytes

_log = structlog.get_logger(__name__)
_GONE = (OSError, *DRIVER_ERRORS)


@dataclass(frozen=True, slots=True)
class Ticket:
    name: str
    moment: int


class Bell:
    """One connection of its own to the database; without it the bell still rings inside the process.

    Names hold no blanks. A bell may ring without cause, never fail to ring for one inside the process.
    """

    def __init__(self, url: str, *, application_name: str = "lienthong-bell") -> None:
        self._dsn = driver_dsn(url)
        self._application_name = application_name
        self._origin = secrets.token_hex(4)
        self._moment = 0
        self._rung: OrderedDict[str, int] = OrderedDict()
        self._forgotten = 0  # names that are not in `_rung` may have been rung up to this moment
        self._waiters: dict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self._unsent: set[str] = set()
        self._kept: set[str] = set()
        self._wake = asyncio.Event()
        self.connected = False

    def ring(self, *names: str) -> None:
        """Wakes the waiters of this process now and those of other processes soon; never blocks or fails."""
        self._ring_here(names)
        others = [name for name in names if name not in self._kept]
        if self.connected and others:
            self._unsent.update(others)
            self._wake.set()

    def keep_in(self, name: str) -> None:
        """From now on nobody waits for this name but in this process, which saves telling the others."""
        self._kept.add(name)

    def let_out(self, name: str) -> None:
        """Other processes may wait for this name again."""
        self._kept.discard(name)

    def ticket(self, name: str) -> Ticket:
        """Remembers that everything rung so far is known."""
        return Ticket(name, self._moment)

    async def wait_since(self, ticket: Ticket, timeout: float) -> bool:
        """True as soon as the bell has rung after the ticket was taken, False after `timeout` seconds."""
        if self._rung.get(ticket.name, self._forgotten) > ticket.moment:
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters[ticket.name].add(waiter)
        try:
            done, _ = await asyncio.wait({waiter}, timeout=timeout)
            return bool(done)
        finally:
            self._waiters[ticket.name].discard(waiter)
            if not self._waiters[ticket.name]:
                del self._waiters[ticket.name]

    async def wait(self, name: str, timeout: float) -> bool:
        """Waits for the next ring; to be sure not to miss one, use a ticket."""
        return await self.wait_since(self.ticket(name), timeout)

    async def run(self, stop: asyncio.Event) -> None:
        """Worker: listens to the other processes and tells them; connects again whenever the database is back."""
        failures = 0
        while not stop.is_set():
            try:
                await self._session(stop)
                failures = 0
            except _GONE as error:
                if self.connected or not failures:
                    _log.warning("bell.connection_lost", error=type(error).__name__)
                failures = 1 if self.connected else failures + 1
            finally:
                self.connected = False
            await pause(stop, backoff(failures))

    async def _session(self, stop: asyncio.Event) -> None:
        conn = await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=CONNECT_SECONDS,
            server_settings={"application_name": self._application_name},
        )
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await conn.add_listener(CHANNEL, self._heard)
            conn.add_termination_listener(lambda _: self._wake.set())
            self.connected = True
            self._ring_all()
            while not stop.is_set():
                await self._tell(conn)
                waking = asyncio.ensure_future(self._wake.wait())
                done, _ = await asyncio.wait(
                    {waking, stopping}, timeout=CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                waking.cancel()
                if not done:
                    await conn.execute("SELECT 1")
        finally:
            stopping.cancel()
            await close(conn, CLOSE_SECONDS)

    async def _tell(self, conn: asyncpg.Connection) -> None:
        """One NOTIFY for everything rung since the last one."""
        self._wake.clear()
        if conn.is_closed():
            raise ConnectionResetError("bell connection closed")
        while self._unsent:
            names, size = [self._origin], 0
            while self._unsent and size < MAX_PAYLOAD // 2:
                names.append(self._unsent.pop())
                size += len(names[-1]) + 1
            await conn.execute("SELECT pg_notify($1, $2)", CHANNEL, " ".join(names))

    def _heard(self, _conn: object, _pid: int, _channel: str, payload: str) -> None:
        origin, *names = payload.split(" ")
        if origin != self._origin:
            self._ring_here(names)

    def _ring_here(self, names: Iterable[str]) -> None:
        self._moment += 1
        for name in names:
            self._rung[name] = self._moment
            self._rung.move_to_end(name)
            _wake_all(self._waiters.get(name, ()))
        while len(self._rung) > REMEMBERED_NAMES:
            _, self._forgotten = self._rung.popitem(last=False)

    def _ring_all(self) -> None:
        """What others rang while nobody listened is unknown: wake everybody once."""
        self._moment += 1
        self._forgotten = self._moment
        self._rung.clear()
        for waiters in self._waiters.values():
            _wake_all(waiters)


def _wake_all(waiters: Iterable[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
