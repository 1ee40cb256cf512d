"""Rows of any age in an office's tables, and a clock that stands still: hub time lags behind machine time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import text

from services.kernel.crypto import Keyring
from services.kernel.database import Database
from services.kernel.idempotency import Idempotency
from services.kernel.leases import Leases
from services.kernel.messaging.outbox import Outbox
from services.kernel.partitions import add_months, ensure, id_bound, month_of
from services.kernel.retention import Retention
from services.kernel.settings import Settings
from services.office.exchange.model import RECEIPT_PARTS
from services.office.inbox.model import ITEM_PARTS
from services.office.retention import Keeping
from services.office.transfers.model import ANSWER_PARTS, DELIVERY_PARTS, TRANSFER_PARTS

NOW = datetime(2031, 3, 10, 9, tzinfo=UTC)
LAG = timedelta(days=-600)
ORGAN, OTHER = "000.01.21.H28", "000.02.21.H28"
SOURCE = "urn:lienthong:t28:commune"

_numbers = count(1)


@dataclass(frozen=True)
class StillClock:
    """Stands at `now`; hub time differs by `lag`."""

    now: datetime = NOW
    lag: timedelta = LAG

    def hub_now(self) -> datetime:
        return self.now + self.lag

    def machine_now(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return 0.0

    def new_id(self) -> str:
        return made_at(self.now)


def months_ago(months: int) -> datetime:
    """In the middle of a month of machine time."""
    first = add_months(month_of(NOW), -months)
    return datetime(first.year, first.month, 15, tzinfo=UTC)


def made_at(moment: datetime) -> str:
    """A UUIDv7 of that moment."""
    return f"{id_bound(moment)}-7000-8000-{next(_numbers):012x}"


def from_outside() -> str:
    """An id without a time in it, as what comes over the axis bears."""
    return str(uuid5(NAMESPACE_URL, f"axis {next(_numbers)}"))


def retention(
    database: Database, keyring: Keyring, *, clock: StillClock | None = None, holder: str = "one"
) -> Retention:
    clock = clock or StillClock()
    keeping = Keeping(
        database=database,
        settings=Settings(program="commune"),
        clock=clock,
        outbox=Outbox(SOURCE),
        idempotency=Idempotency(keyring),
    )
    return Retention(database, Leases(database, holder), keeping.plan(), clock=clock)


class Rows:
    """Writes and reads rows as an office would have done long ago."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def run(self, statement: str, **values: Any) -> None:
        async with self.database.transaction() as conn:
            await conn.execute(text(statement), values)

    async def column(self, query: str, **values: Any) -> list[Any]:
        async with self.database.read() as conn:
            return list((await conn.execute(text(query), values)).scalars())

    async def parts(self, table: str) -> list[str]:
        return await self.column(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = to_regclass(:table) ORDER BY 1",
            table=table,
        )

    async def cut(self) -> None:
        """Parts for every month with rows, as there were when the rows were young."""
        for parts in (TRANSFER_PARTS, DELIVERY_PARTS, ANSWER_PARTS, RECEIPT_PARTS, ITEM_PARTS):
            await ensure(self.database, parts, NOW, since=datetime(2020, 1, 1, tzinfo=UTC))

    async def transfer(
        self, id_: str, at: datetime, *deliveries: str, state: str = "routed", role: str = "sender"
    ) -> str:
        """With a delivery in each of the states, and an officer's answer to each that is handed over."""
        await self.run(
            "INSERT INTO transfer (holder, id, source, type, subject, sender, role, state, accepted_at)"
            " VALUES (:organ, :id, :source, 'document.issued', :id, :organ, :role, :state, :at)",
            organ=ORGAN, id=id_, source=SOURCE, role=role, state=state, at=at + LAG,
        )  # fmt: skip
        for place, each in enumerate(deliveries):
            await self.run(
                "INSERT INTO transfer_delivery (holder, transfer, organ, via, state)"
                " VALUES (:organ, :id, :to, 'office', :state)",
                organ=ORGAN, id=id_, to=f"000.0{place}.22.H28", state=each,
            )  # fmt: skip
            if each == "handed_over":
                await self.run(
                    "INSERT INTO transfer_answer (holder, transfer, organ, answer, code, at)"
                    " VALUES (:organ, :id, :to, 'a', '03', :at)",
                    organ=ORGAN, id=id_, to=f"000.0{place}.22.H28", at=at + LAG,
                )  # fmt: skip
        return id_

    async def item(self, id_: str, at: datetime, position: int, *, kind: str = "document") -> str:
        await self.run(
            "INSERT INTO inbox_item (organ, position, id, kind, type, subject, sender, received_at, href, data)"
            " VALUES (:organ, :position, :id, :kind, 't', 's', 'x', :at, '/v1', '{}')",
            organ=ORGAN, position=position, id=id_, kind=kind, at=at + LAG,
        )  # fmt: skip
        return id_

    async def fact(self, at: datetime, *, state: str = "settled", closed_at: datetime | None = None) -> str:
        name = made_at(at)
        await self.run(
            "INSERT INTO outbox (source, envelope_id, topic, key, subject, organ, type, headers, value, digest,"
            " sequence, state, pending, closed_at)"
            " VALUES (:source, :id, 'ingest.commune', :id, :id, :organ, 't', '[]', '', '', 1, :state, false, :closed)",
            source=SOURCE, id=name, organ=ORGAN, state=state, closed=closed_at,
        )  # fmt: skip
        return name

    async def receipt(self, id_: str, at: datetime) -> str:
        await self.run(
            "INSERT INTO receipt (transfer, subject, hopsequence, at, item) VALUES (:id, :id, 1, :at, '{}')",
            id=id_, at=at + LAG,
        )  # fmt: skip
        return id_

    async def access(self, at: datetime) -> None:
        """Read at this machine time."""
        await self.run(
            "INSERT INTO access (at, client_id, organ, action, subject)"
            " VALUES (:at, 'a', :organ, 'dossier.read', :subject)",
            at=at + LAG, organ=ORGAN, subject=f"{at:%Y-%m}",
        )  # fmt: skip

    async def left(self, table: str, key: str, names: Sequence[str]) -> set[str]:
        """Which of these are still there."""
        return set(await self.column(f"SELECT {key} FROM {table} WHERE {key} = ANY(:names)", names=list(names)))
