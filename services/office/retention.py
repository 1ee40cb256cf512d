"""What an office forgets, and when: the plan of the worker that looks after its parts and old rows.

Dossiers, documents and their history are the office's records and are not purged here, whatever their age.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from services.kernel.clock import Clock
from services.kernel.database import Database
from services.kernel.idempotency import Idempotency
from services.kernel.messaging.outbox import Outbox
from services.kernel.partitions import Rule, months_before
from services.kernel.retention import Plan
from services.kernel.settings import Settings
from services.office.audit import parts as audit
from services.office.exchange import store as exchange
from services.office.exchange.model import RECEIPT_PARTS
from services.office.inbox import store as inbox
from services.office.inbox.model import ITEM_PARTS
from services.office.keeping import Cutoff
from services.office.transfers import store as transfers
from services.office.transfers.model import ANSWER_PARTS, DELIVERY_PARTS, TRANSFER_PARTS

PURGE_AT_ONCE = 5000

# The gateway's list, where a person closes them, is made from what was sent.
_OLD_LETTERS = text("DELETE FROM dead_letter WHERE sent AND created_at < :before")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Joins the rules of the slices; the times are settings."""

    database: Database
    settings: Settings
    clock: Clock
    outbox: Outbox
    idempotency: Idempotency

    def plan(self) -> Plan:
        return Plan(
            parts=(TRANSFER_PARTS, DELIVERY_PARTS, ANSWER_PARTS, RECEIPT_PARTS, ITEM_PARTS),
            rules=lambda _: self.rules(),
            chores=(
                ("outbox", self._purge_outbox),
                ("idempotency", self._purge_answers),
                ("dead_letter", self._purge_dead_letters),
                ("access", self._keep_access_parts),
                ("inbox_ack", self._pass_purged),
            ),
        )

    def rules(self) -> list[Rule]:
        settings, clock = self.settings, self.clock
        ledger = Cutoff.months_ago(clock, settings.keep_ledger_months)
        return [
            *transfers.rules(ledger),
            *exchange.rules(ledger),
            *inbox.rules(Cutoff.months_ago(clock, settings.keep_inbox_months)),
            *audit.rules(Cutoff.months_ago(clock, settings.keep_access_months)),
        ]

    async def _purge_outbox(self, _: datetime) -> None:
        """In batches: in parts by month its marks, which every fact waits for, took up to 43 % longer."""
        purged = PURGE_AT_ONCE
        while purged == PURGE_AT_ONCE:
            async with self.database.transaction() as conn:
                purged = await self.outbox.purge(conn, days=self.settings.keep_outbox_days, limit=PURGE_AT_ONCE)

    async def _purge_answers(self, _: datetime) -> None:
        await self.idempotency.purge(self.database)

    async def _purge_dead_letters(self, now: datetime) -> None:
        async with self.database.transaction() as conn:
            before = months_before(now, self.settings.keep_dead_letters_months)
            await conn.execute(_OLD_LETTERS, {"before": before})

    async def _keep_access_parts(self, _: datetime) -> None:
        async with self.database.transaction() as conn:
            await audit.keep(conn, self.clock.hub_now())

    async def _pass_purged(self, _: datetime) -> None:
        async with self.database.transaction() as conn:
            await inbox.pass_purged(conn)
