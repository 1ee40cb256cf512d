"""One delivery as operators act upon it: read with its hop, and sent again past its schedule and the reader's guard."""

from typing import Any

from sqlalchemy import text

from services.kernel.connection import Connection

_READ = """
    SELECT d.*, t.type, t.sender, h.attempts AS hop_attempts, h.due_at AS hop_due_at, h.pending AS hop_pending,
           h.stuck_since, h.stuck_reason
      FROM delivery d JOIN transfer t ON t.source = d.source AND t.id = d.transfer_id
      LEFT JOIN hop h ON h.subject = d.subject AND h.office = d.office AND h.hopsequence = d.hopsequence
     WHERE d.id = :id
"""
_OPEN_HOPS = """
    FROM hop WHERE subject = :subject AND office = :office AND hopsequence <= :hopsequence AND NOT done
"""
_HOPS = text(f"SELECT transfer_id, hopsequence {_OPEN_HOPS} ORDER BY hopsequence")
# An ack for a sending of before does not count as one of this round, so it is sent whatever is on its way.
_SEND_HOPS = text(f"UPDATE hop SET pending = true, round = round + 1 WHERE id IN (SELECT id {_OPEN_HOPS})")  # noqa: S608
_OPEN_FILES = """
    FROM delivery WHERE subject = :subject AND via = 'axis' AND state = 'open' AND waiting IS NULL
     AND opened_at <= :opened_at
"""
_FILES = text(f"""
    SELECT transfer_id, min(opened_at) AS since {_OPEN_FILES} GROUP BY transfer_id ORDER BY since, transfer_id
""")
_SEND_FILES = text(f"""
    UPDATE delivery SET due_at = now() WHERE (transfer_id, id) IN (SELECT transfer_id, id {_OPEN_FILES})
""")  # noqa: S608


async def find(connection: Connection, delivery_id: str) -> Any | None:
    """The delivery with its fact's type and sender and what is known of its hop."""
    return (await connection.execute(text(_READ), {"id": delivery_id})).mappings().first()


async def queue(connection: Connection, row: Any, *, dry_run: bool) -> list[dict[str, Any]]:
    """Marks the delivery's record, and what is open before it on the same way, as to be sent now: an office drops what
    stands behind a gap, and the axis gets a subject's files in order. Returns them in that order, as `transfer_id` and
    `hopsequence`. The subject is locked by the caller.
    """
    by_hop = bool(row["office"])
    names = ("subject", "office", "hopsequence") if by_hop else ("subject", "opened_at")
    line = {name: row[name] for name in names}
    found = (await connection.execute(_HOPS if by_hop else _FILES, line)).mappings().all()
    if not dry_run:
        await connection.execute(_SEND_HOPS if by_hop else _SEND_FILES, line)
    return [{"transfer": each["transfer_id"], "hopsequence": each.get("hopsequence")} for each in found]


def is_undecided(row: Any) -> bool:
    """Waits for a person to choose a successor: there is nothing to send yet."""
    return row["waiting"] is not None


def attempts(row: Any) -> int:
    """How often it was sent."""
    return int(row["hop_attempts"] or 0) if row["office"] else int(row["attempts"])
