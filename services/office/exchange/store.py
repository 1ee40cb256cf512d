"""Queries over receipts given and work that is stuck."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.kernel.messaging.outbox import headers_from_text, headers_to_text
from services.kernel.messaging.records import Record
from services.kernel.partitions import Rule
from services.office.exchange.model import RECEIPT, RECEIPT_PARTS
from services.office.keeping import Cutoff

RETRY_PARTITION = -1
"""Partition of records that come from the table and not from the log."""

_RECEIPTS = text("""
    SELECT transfer, subject, hopsequence, item
      FROM unnest(CAST(:transfers AS text[]), CAST(:subjects AS text[]), CAST(:hops AS bigint[]))
           AS h(transfer, subject, hopsequence)
      JOIN receipt USING (transfer, subject, hopsequence)
""")
_STUCK = "SELECT ROW(subject) FROM stuck WHERE subject = ANY(CAST(:subjects AS text[]))"
_STICK = text("""
    INSERT INTO stuck (subject, hopsequence, headers, value, reason, since, attempts, due_at)
    VALUES (:subject, :hop, :headers, :value, :reason, :now, 1, :due_at)
    ON CONFLICT (subject) DO UPDATE
       SET hopsequence = excluded.hopsequence, headers = excluded.headers, value = excluded.value,
           reason = excluded.reason, attempts = stuck.attempts + :again
    RETURNING since, attempts
""")
_FREE = text("DELETE FROM stuck WHERE subject = ANY(CAST(:subjects AS text[]))")
_CLAIM = text("""
    WITH due AS (
        SELECT subject FROM stuck WHERE due_at <= :now ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE stuck s SET attempts = s.attempts + 1,
           due_at = CAST(:now AS timestamptz)
                  + make_interval(secs => (CAST(:waits AS float8[]))[least(s.attempts + 1, :steps)])
      FROM due WHERE s.subject = due.subject
    RETURNING s.subject, s.hopsequence, s.reason, s.since, s.attempts, s.headers, s.value
""")
_COUNT = text("SELECT count(*) AS number, min(since) AS since FROM stuck")


class Answered(NamedTuple):
    """The hop of a transfer, as its receipt is found."""

    transfer: str
    subject: str
    hopsequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """A hop that is kept, since when, and how often it was tried."""

    subject: str
    hopsequence: int
    reason: str
    since: datetime
    attempts: int


def add_receipts(writes: Writes, items: Sequence[tuple[Answered, bytes]], at: datetime) -> None:
    """Keeps what is answered for each hop."""
    rows = [{**hop._asdict(), "at": at, "item": item} for hop, item in items]
    writes.insert(RECEIPT, rows, "ON CONFLICT (transfer, subject, hopsequence) DO NOTHING")


async def receipts(conn: Connection, hops: Collection[Answered]) -> dict[Answered, bytes]:
    """What was answered for these hops, as long as it is kept."""
    if not hops:
        return {}
    transfers, subjects, numbers = zip(*sorted(set(hops)), strict=True)
    rows = await conn.execute(
        _RECEIPTS, {"transfers": list(transfers), "subjects": list(subjects), "hops": list(numbers)}
    )
    return {Answered(row.transfer, row.subject, row.hopsequence): row.item for row in rows}


def stuck_among(reads: Reads, subjects: Collection[str]) -> Sequence[tuple[str]]:
    """Reads which of these wait."""
    return reads.add(_STUCK, {"subjects": sorted(subjects)}) if subjects else ()


async def stick(
    conn: Connection, hop: tuple[str, int], record: Record, *, reason: str, times: Mapping[str, datetime]
) -> Stuck:
    """Keeps the record of (subject, hop) that waits; one kept before is replaced, its times (`now`, `due_at`) stay.

    A record from the log is one try more; a retry was counted when it was claimed.
    """
    kept = await conn.execute(
        _STICK,
        {
            "subject": hop[0],
            "hop": hop[1],
            "headers": headers_to_text(record.headers),
            "value": record.value or b"",
            "reason": reason[:500],
            "again": 0 if record.partition == RETRY_PARTITION else 1,
            **times,
        },
    )
    row = kept.one()
    return Stuck(subject=hop[0], hopsequence=hop[1], reason=reason, since=row.since, attempts=row.attempts)


async def free(conn: Connection, subjects: Collection[str]) -> None:
    if subjects:
        await conn.execute(_FREE, {"subjects": sorted(subjects)})


async def claim_due(conn: Connection, now: datetime, waits: Sequence[float], limit: int) -> list[tuple[Stuck, Record]]:
    """Hops to try again. Each counts as tried, so that one that brings the process down does not come at once."""
    rows = await conn.execute(_CLAIM, {"now": now, "waits": list(waits), "steps": len(waits), "limit": limit})
    return [
        (
            Stuck(
                subject=row.subject,
                hopsequence=row.hopsequence,
                reason=row.reason,
                since=row.since,
                attempts=row.attempts,
            ),
            Record(
                topic="",
                partition=RETRY_PARTITION,
                offset=place,
                key=row.subject,
                value=row.value,
                headers=headers_from_text(row.headers),
            ),
        )
        for place, row in enumerate(rows)
    ]


async def count_stuck(conn: Connection) -> tuple[int, datetime | None]:
    """How many subjects are stuck, and since when the oldest."""
    row = (await conn.execute(_COUNT)).one()
    return row.number, row.since


def rules(cutoff: Cutoff) -> list[Rule]:
    """Receipts go with the transfers they are about."""
    return [Rule(RECEIPT_PARTS, cutoff.machine, (cutoff.younger("at"),))]
