"""What offices say of hops they cannot apply: noted on the hop until its receipt comes, for operators to see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from gateway.delivery.store import HopKey
from services.kernel.connection import Connection

# Word may come late and out of order, also behind the receipt: the later of two by (since, attempts) stands, and a hop
# that is done stays as it is.
_NOTE = text("""
    WITH told AS (
        SELECT * FROM unnest(CAST(:subjects AS text[]), CAST(:offices AS text[]), CAST(:numbers AS bigint[]),
                             CAST(:reasons AS text[]), CAST(:sinces AS timestamptz[]), CAST(:attempts AS bigint[]))
                      AS t(subject, office, hopsequence, reason, since, attempts)
    ), named AS (
        SELECT h.id, h.done, t.* FROM told t JOIN hop h USING (subject, office, hopsequence)
         ORDER BY h.id FOR UPDATE OF h
    ), noted AS (
        UPDATE hop h SET stuck_reason = n.reason, stuck_since = n.since, stuck_attempts = n.attempts
          FROM named n
         WHERE h.id = n.id AND NOT n.done
           AND (h.stuck_since IS NULL OR (n.since, n.attempts) >= (h.stuck_since, h.stuck_attempts))
    )
    SELECT subject, office, hopsequence FROM named
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class HopStuck:
    """One item of `control.hop-stuck`; `place` is the caller's own mark."""

    key: HopKey
    reason: str
    since: datetime
    attempts: int
    place: int = 0


async def note(connection: Connection, told: Sequence[HopStuck]) -> list[int]:
    """Keeps the newest word of each hop. Returns the places of those that name no hop of their topic's level."""
    if not told:
        return []
    newest = {each.key: each for each in sorted(told, key=lambda each: (each.since, each.attempts))}
    rows = await connection.execute(_NOTE, _columns(newest.values()))
    named = {(row.subject, row.office, row.hopsequence) for row in rows}
    return [each.place for each in told if each.key not in named]


def _columns(told: Iterable[HopStuck]) -> dict[str, list[object]]:
    rows = list(told)
    return {
        "subjects": [each.key[0] for each in rows],
        "offices": [each.key[1] for each in rows],
        "numbers": [each.key[2] for each in rows],
        "reasons": [each.reason for each in rows],
        "sinces": [each.since for each in rows],
        "attempts": [each.attempts for each in rows],
    }
