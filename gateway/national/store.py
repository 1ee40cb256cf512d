"""What waits for the axis: open deliveries of a transfer together, because the axis takes one file for all of them.

Those opened later, when a successor was chosen, are a sending of their own: `channel_at` tells sendings apart.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from gateway.transfers.store import Identity
from services.kernel.connection import Connection

_CLAIM = text("""
    WITH next AS (
        SELECT d.source, d.transfer_id, d.channel_at
          FROM delivery d JOIN transfer t ON t.source = d.source AND t.id = d.transfer_id
         WHERE d.state = 'open' AND d.via = 'axis' AND d.due_at <= now()
           AND NOT EXISTS (
               SELECT FROM delivery e JOIN transfer f ON f.source = e.source AND f.id = e.transfer_id
                WHERE e.subject = d.subject AND e.organ = d.organ AND e.via = 'axis' AND e.state = 'open'
                  AND f.source = t.source AND f.sender = t.sender AND f.sequence < t.sequence)
         ORDER BY d.opened_at LIMIT 1
    )
    UPDATE delivery d SET due_at = now() + make_interval(secs => :hold), attempts = d.attempts + 1 FROM next
     WHERE d.source = next.source AND d.transfer_id = next.transfer_id AND d.via = 'axis' AND d.state = 'open'
       AND d.channel_at = next.channel_at
    RETURNING d.source, d.transfer_id, d.subject, d.organ, d.channel_at, d.channel_file, d.attempts
""")
_FREE = text("""
    UPDATE delivery SET due_at = now() WHERE via = 'axis' AND state = 'open'
       AND due_at > now() AND due_at <= now() + make_interval(secs => :hold)
""")
_FACT = text("""
    SELECT t.source, t.id, t.type, t.sender, t.subject, t.origin, t.traceparent, p.sealed FROM transfer t
      JOIN payload p USING (source, id) WHERE t.source = :source AND t.id = :id
""")
_KEEP_FILE = text("""
    UPDATE delivery SET channel_file = :file WHERE source = :source AND transfer_id = :id AND via = 'axis'
       AND channel_at = :at
""")
_POSTPONE = text("""
    UPDATE delivery SET due_at = now() + make_interval(secs => :seconds)
     WHERE source = :source AND transfer_id = :id AND via = 'axis' AND state = 'open' AND channel_at = :at
""")
_FINISH = text("""
    UPDATE delivery SET state = :state, code = :code, channel_id = :channel_id,
           handed_over_at = CAST(:handed_over_at AS timestamptz)
     WHERE source = :source AND transfer_id = :id AND via = 'axis' AND channel_at = :at
       AND organ = ANY(CAST(:organs AS text[]))
       AND state IN ('open', 'closed')  -- what the axis did outranks what a person decided while it was being sent
    RETURNING organ
""")


@dataclass(frozen=True, slots=True)
class Claim:
    """One sending of a transfer to these organs; `at` and, once built, `file` are fixed: a repeat is identical."""

    identity: Identity
    subject: str
    organs: tuple[str, ...]
    at: datetime
    file: str
    attempts: int


async def claim(conn: Connection, *, hold_seconds: float) -> Claim | None:
    """The oldest transfer due, kept from others for a while. Of one sender and subject they go in the order of their
    numbers: those decided together have one time."""
    rows = (await conn.execute(_CLAIM, {"hold": hold_seconds})).mappings().all()
    if not rows:
        return None
    first = rows[0]
    return Claim(
        identity=(first["source"], first["transfer_id"]),
        subject=first["subject"],
        organs=tuple(sorted({row["organ"] for row in rows})),
        at=first["channel_at"],
        file=first["channel_file"],
        attempts=first["attempts"],
    )


async def free(conn: Connection, *, hold_seconds: float) -> None:
    """What a worker before this one had claimed is due now; what it had only postponed goes early, no harm."""
    await conn.execute(_FREE, {"hold": hold_seconds})


async def fact(conn: Connection, identity: Identity) -> Any:
    """The transfer and its sealed payload; None when either is purged, which it is not while a delivery is open."""
    source, id_ = identity
    return (await conn.execute(_FACT, {"source": source, "id": id_})).mappings().first()


async def keep_file(conn: Connection, claim: Claim, file: str) -> None:
    await conn.execute(_KEEP_FILE, _sending(claim) | {"file": file})


async def postpone(conn: Connection, claim: Claim, seconds: float) -> None:
    await conn.execute(_POSTPONE, _sending(claim) | {"seconds": seconds})


async def finish(
    conn: Connection, claim: Claim, *, code: str = "", doc_id: str = "", at: datetime | None = None
) -> list[str]:
    """Handed over under a DocId, or refused with a code; returns the organs of this sending whose delivery moved."""
    state = "refused" if code else "handed_over"
    values = {"state": state, "code": code, "channel_id": doc_id, "handed_over_at": at, "organs": list(claim.organs)}
    rows = await conn.execute(_FINISH, _sending(claim) | values)
    return sorted({row.organ for row in rows})


def _sending(claim: Claim) -> dict[str, Any]:
    source, id_ = claim.identity
    return {"source": source, "id": id_, "at": claim.at}
