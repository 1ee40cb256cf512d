"""Queries over receipts given and work that is stuck."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel import bulk
from services.kernel.messaging.outbox import headers_from_text, headers_to_text
from services.kernel.messaging.records import Record
from services.office.exchange.model import RECEIPT

RETRY_PARTITION = -1
"""Partition of records that come from the table and not from the log."""

_RECEIPTS = text("""
    SELECT r.item FROM unnest(CAST(:subjects AS text[]), CAST(:hops AS bigint[])) AS h(subject, hopsequence)
      JOIN receipt r USING (subject, hopsequence)
""")
_STUCK = text("SELECT subject FROM stuck WHERE subject = ANY(CAST(:subjects AS text[]))")
_STICK = text("""
    INSERT INTO stuck (subject, hopsequence, headers, value, reason, since, attempts, due_at)
    VALUES (:subject, :hop, :headers, :value, :reason, :now, 1, :due_at)
    ON CONFLICT (subject) DO UPDATE
       SET hopsequence = excluded.hopsequence, headers = excluded.headers, value = excluded.value,
           reason = excluded.reason
""")
_FREE = text("DELETE FROM stuck WHERE subject = ANY(CAST(:subjects AS text[]))")
_CLAIM = text("""
    WITH due AS (
        SELECT subject FROM stuck WHERE due_at <= :now ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE stuck s SET attempts = s.attempts + 1,
           due_at = CAST(:now AS timestamptz)
                  + make_interval(secs => (CAST(:waits AS float8[]))[least(s.attempts + 1, :steps)])
      FROM due WHERE s.subject = due.subject RETURNING s.subject, s.headers, s.value
""")
_COUNT = text("SELECT count(*) AS number, min(since) AS since FROM stuck")


async def add_receipts(conn: AsyncConnection, items: Sequence[tuple[str, int, bytes]]) -> None:
    """Keeps what is answered for each (subject, hop)."""
    rows = [{"subject": subject, "hopsequence": hop, "item": item} for subject, hop, item in items]
    await bulk.insert_many(conn, RECEIPT, rows, "ON CONFLICT (subject, hopsequence) DO NOTHING")


async def receipts(conn: AsyncConnection, hops: Collection[tuple[str, int]]) -> list[bytes]:
    """What was answered for these hops."""
    wanted = sorted(set(hops))
    if not wanted:
        return []
    rows = await conn.execute(_RECEIPTS, {"subjects": [hop[0] for hop in wanted], "hops": [hop[1] for hop in wanted]})
    return [row.item for row in rows]


async def stuck_among(conn: AsyncConnection, subjects: Collection[str]) -> set[str]:
    if not subjects:
        return set()
    return {row.subject for row in await conn.execute(_STUCK, {"subjects": sorted(subjects)})}


async def stick(
    conn: AsyncConnection, hop: tuple[str, int], record: Record, *, reason: str, times: Mapping[str, datetime]
) -> None:
    """Keeps the record of (subject, hop) that waits; one kept before is replaced, its times (`now`, `due_at`) stay."""
    await conn.execute(
        _STICK,
        {
            "subject": hop[0],
            "hop": hop[1],
            "headers": headers_to_text(record.headers),
            "value": record.value or b"",
            "reason": reason[:500],
            **times,
        },
    )


async def free(conn: AsyncConnection, subjects: Collection[str]) -> None:
    if subjects:
        await conn.execute(_FREE, {"subjects": sorted(subjects)})


async def claim_due(conn: AsyncConnection, now: datetime, waits: Sequence[float], limit: int) -> list[Record]:
    """Records to try again. Each counts as tried, so that one that brings the process down does not come at once."""
    rows = await conn.execute(_CLAIM, {"now": now, "waits": list(waits), "steps": len(waits), "limit": limit})
    return [
        Record(
            topic="",
            partition=RETRY_PARTITION,
            offset=place,
            key=row.subject,
            value=row.value,
            headers=headers_from_text(row.headers),
        )
        for place, row in enumerate(rows)
    ]


async def count_stuck(conn: AsyncConnection) -> tuple[int, datetime | None]:
    """How many subjects are stuck, and since when the oldest."""
    row = (await conn.execute(_COUNT)).one()
    return row.number, row.since
