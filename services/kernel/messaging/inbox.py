"""Each message acts once: the last hop of every subject, held under its row lock.

A hop number that is not above `last_hop` was applied before and is only answered again; the caller decides.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import text

from services.kernel.database import Connection

_INSERT = text("""
    INSERT INTO subject (subject) SELECT s FROM unnest(CAST(:subjects AS text[])) AS u(s) ORDER BY s
    ON CONFLICT (subject) DO NOTHING
""")

_LOCK = text("""
    SELECT subject, last_hop FROM subject WHERE subject = ANY(CAST(:subjects AS text[])) ORDER BY subject FOR UPDATE
""")

_ADVANCE = text("""
    UPDATE subject s SET last_hop = h.hop
      FROM unnest(CAST(:subjects AS text[]), CAST(:hops AS bigint[])) AS h(subject, hop)
     WHERE s.subject = h.subject AND s.last_hop < h.hop
""")


async def lock_subjects(conn: Connection, subjects: Iterable[str]) -> dict[str, int]:
    """Locks the subjects until the transaction ends, in sorted order, unknown ones too; gives their last hops."""
    ordered = sorted(set(subjects))
    if not ordered:
        return {}
    await conn.execute(_INSERT, {"subjects": ordered})
    rows = await conn.execute(_LOCK, {"subjects": ordered})
    return {row.subject: row.last_hop for row in rows}


async def advance(conn: Connection, hops: Mapping[str, int]) -> None:
    """Records the last hop applied; never goes back. The subjects must be locked."""
    if hops:
        await conn.execute(_ADVANCE, {"subjects": list(hops), "hops": list(hops.values())})
