"""What the gateway forgets, and when: the plan of the worker that looks after its parts and old rows.

A sender repeats what is not settled, nothing later than 30 days after that, and the log holds less: an envelope that
comes again when the ledger has forgotten it is none of the protocol's, and is judged by its number.
Never purged: the audit, the registries, subjects with their counters and states. Receipts go when they are sent.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text

from gateway.delivery.model import ANSWER_PARTS, DELIVERY_PARTS, EVENT_PARTS
from gateway.transfers.model import PAYLOAD_PARTS, TRANSFER_PARTS
from services.kernel.database import Database
from services.kernel.partitions import Rule, months_before
from services.kernel.retention import Plan
from services.kernel.settings import Settings

HOPS_AT_ONCE = 5000

_HOPS = text("""
    WITH stretch AS (
        SELECT id, created_at FROM hop WHERE id > :after ORDER BY id LIMIT :limit
    ), gone AS (
        DELETE FROM hop h USING stretch s
         WHERE h.id = s.id AND h.done AND NOT h.pending AND coalesce(h.done_at, h.created_at) < :cutoff RETURNING h.id
    )
    SELECT max(id) AS last, coalesce(min(created_at) < :cutoff, false) AS more, (SELECT count(*) FROM gone) AS deleted
      FROM stretch
""")
_DEAD_LETTERS = (
    text("DELETE FROM listed_dead_letter WHERE state = 'closed' AND closed_at < :cutoff"),
    text("DELETE FROM dead_letter WHERE sent AND created_at < :cutoff"),
)
_log = structlog.get_logger(__name__)


def _of_transfer(table: str, column: str, own: str, *conditions: str) -> str:
    """True of a row `p` (its transfer's id in `own`) for which the other table has one of the same transfer."""
    same = (f"o.{column} = p.{own}", "o.source = p.source", f"o.{column} >= :lower", f"o.{column} < :upper")
    return f"EXISTS (SELECT FROM {table} o WHERE {' AND '.join((*same, *conditions))})"


def _kept_with_transfer(own: str) -> tuple[str, ...]:
    return (
        _of_transfer("transfer", "id", own, "(o.state = 'routed' OR o.accepted_at >= :cutoff)"),
        _of_transfer("hop", "transfer_id", own),
    )


def rules(settings: Settings, now: datetime) -> list[Rule]:
    """In this order: what goes first no longer holds what comes after it."""
    ledger = months_before(now, settings.keep_ledger_months)
    payloads = now - timedelta(days=settings.keep_payloads_days)
    sent = _of_transfer("delivery", "transfer_id", "id", "o.via = 'axis'", "o.due_at >= :cutoff")
    open_ = _of_transfer("delivery", "transfer_id", "id", "o.state = 'open'")
    return [
        Rule(EVENT_PARTS, now - timedelta(days=settings.keep_events_days), ("p.pending", "p.created_at >= :cutoff")),
        Rule(PAYLOAD_PARTS, payloads, (*_kept_with_transfer("id"), open_, sent)),
        Rule(ANSWER_PARTS, ledger, ("p.received_at >= :cutoff", *_kept_with_transfer("transfer_id"))),
        Rule(
            DELIVERY_PARTS,
            ledger,
            ("p.state = 'open'", "p.opened_at >= :cutoff", *_kept_with_transfer("transfer_id")),
        ),
        Rule(
            TRANSFER_PARTS,
            ledger,
            (
                "p.state = 'routed'",
                "p.accepted_at >= :cutoff",
                open_,
                _of_transfer("hop", "transfer_id", "id"),
                _of_transfer("payload", "id", "id"),
            ),
        ),
    ]


@dataclass(frozen=True, slots=True)
class Keeping:
    database: Database
    settings: Settings

    def plan(self) -> Plan:
        return Plan(
            parts=(TRANSFER_PARTS, PAYLOAD_PARTS, DELIVERY_PARTS, ANSWER_PARTS, EVENT_PARTS),
            rules=lambda now: rules(self.settings, now),
            chores=(("hop", self.purge_hops), ("dead_letter", self.purge_dead_letters)),
        )

    async def purge_hops(self, now: datetime) -> None:
        """Receipted ones, a stretch at a time; one number is used once, and the counter of it stays."""
        cutoff, after, more, deleted = now - timedelta(days=self.settings.keep_payloads_days), 0, True, 0
        while more:
            async with self.database.transaction() as conn:
                row = (await conn.execute(_HOPS, {"after": after, "limit": HOPS_AT_ONCE, "cutoff": cutoff})).one()
            after, more, deleted = row.last, row.more, deleted + row.deleted
        _told("hop", deleted)

    async def purge_dead_letters(self, now: datetime) -> None:
        """Those of the operators' list that a person has closed, and what was told to that list long ago."""
        cutoff = months_before(now, self.settings.keep_dead_letters_months)
        async with self.database.transaction() as conn:
            _told(
                "dead_letter", sum([(await conn.execute(each, {"cutoff": cutoff})).rowcount for each in _DEAD_LETTERS])
            )


def _told(table: str, deleted: int) -> None:
    if deleted:
        _log.info("retention.purged", table=table, deleted=deleted)
