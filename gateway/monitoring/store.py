"""The operators' queries: transfers, one transfer's steps, the routes between levels. Reads only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from services.kernel.connection import Connection

_COLUMNS = "t.source, t.id, t.type, t.subject, t.sender, t.state, t.accepted_at, t.verdict, t.origin, t.traceparent"
_TRANSFERS = f"""
    SELECT {_COLUMNS} FROM transfer t
     WHERE (CAST(:subject AS text) IS NULL OR t.subject = :subject)
       AND (CAST(:state AS text) IS NULL OR t.state = :state)
       AND (CAST(:since AS timestamptz) IS NULL OR t.accepted_at >= :since)
       AND (CAST(:before AS timestamptz) IS NULL OR (t.accepted_at, t.id) < (:before, CAST(:before_id AS text)))
       AND (CAST(:organ AS text) IS NULL OR t.sender = :organ OR EXISTS (
            SELECT FROM delivery d WHERE d.transfer_id = t.id AND d.source = t.source AND d.organ = :organ))
     ORDER BY t.accepted_at DESC, t.id DESC LIMIT :limit
"""  # noqa: S608 - constant text
_ONE = f"SELECT {_COLUMNS} FROM transfer t WHERE t.id = :id ORDER BY t.accepted_at LIMIT 1"  # noqa: S608
_ANSWERS = """
    SELECT a.subject, a.organ, a.code, a.at FROM answer a
     WHERE a.subject = ANY(CAST(:subjects AS text[])) ORDER BY a.at, a.received_at
"""
_ROUTES = """
    SELECT sender_level AS from_level, level AS to_level,
           count(*) FILTER (WHERE state = 'open') AS open,
           extract(epoch FROM now() - min(opened_at) FILTER (WHERE state = 'open')) AS oldest_seconds,
           count(*) FILTER (WHERE state = 'handed_over' AND opened_at > now() - interval '5 minutes') AS recent,
           count(*) FILTER (WHERE state = 'refused' AND opened_at > now() - interval '1 hour') AS failures
      FROM delivery WHERE (state = 'open' OR opened_at > now() - interval '1 hour') AND level <> ''
     GROUP BY sender_level, level ORDER BY sender_level, level
"""
RATE_MINUTES = 5


async def find_transfers(connection: Connection, **filters: Any) -> list[Any]:
    """Newest first; `before` and `before_id` continue a page."""
    return list((await connection.execute(text(_TRANSFERS), filters)).mappings())


async def find_transfer(connection: Connection, id_: str) -> Any | None:
    return (await connection.execute(text(_ONE), {"id": id_})).mappings().first()


async def answers(connection: Connection, subjects: Sequence[str]) -> dict[tuple[str, str], list[tuple[str, datetime]]]:
    """Officers' answers by (subject, organ), oldest first."""
    found: dict[tuple[str, str], list[tuple[str, datetime]]] = {}
    for row in (await connection.execute(text(_ANSWERS), {"subjects": sorted(set(subjects))})).mappings():
        found.setdefault((row["subject"], row["organ"]), []).append((row["code"], row["at"]))
    return found


async def routes(connection: Connection) -> list[dict[str, Any]]:
    """Every pair of levels with traffic: what is open, since when, how much moves, what failed within the hour."""
    return [
        {
            "from_level": row["from_level"],
            "to_level": row["to_level"],
            "open": row["open"],
            "oldest_seconds": round(float(row["oldest_seconds"] or 0), 1),
            "rate_per_minute": round(row["recent"] / RATE_MINUTES, 2),
            "failures": row["failures"],
        }
        for row in (await connection.execute(text(_ROUTES))).mappings()
    ]
