"""Each message acts once: the last hop of every subject, held under its row lock.

A hop number that is not above `last_hop` was applied before and is only answered again; the caller decides.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import text

from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection

# A row that is there is locked, also where nothing is to be changed: one statement, in sorted order.
_LOCK = text("""
    INSERT INTO subject (subject) SELECT s FROM unnest(CAST(:subjects AS text[])) AS u(s) ORDER BY s
    ON CONFLICT (subject) DO UPDATE SET last_hop = excluded.last_hop WHERE false
""")

_LAST = "SELECT ROW(subject, last_hop) FROM subject WHERE subject = ANY(CAST(:subjects AS text[]))"

_ADVANCE = """
    UPDATE subject s SET last_hop = h.hop
      FROM unnest(CAST(:subjects AS text[]), CAST(:hops AS bigint[])) AS h(subject, hop)
     WHERE s.subject = h.subject AND s.last_hop < h.hop
"""


async def lock_subjects(conn: Connection, subjects: Iterable[str]) -> None:
    """Locks the subjects until the transaction ends, in sorted order, unknown ones too."""
    ordered = sorted(set(subjects))
    if ordered:
        await conn.execute(_LOCK, {"subjects": ordered})


def last_hops(reads: Reads, subjects: Collection[str]) -> Sequence[tuple[str, int]]:
    """Reads the last hops of subjects that are locked."""
    return reads.add(_LAST, {"subjects": sorted(subjects)}) if subjects else ()


def advance(writes: Writes, hops: Mapping[str, int]) -> None:
    """Records the last hop applied; never goes back. The subjects must be locked."""
    if hops:
        writes.add(_ADVANCE, {"subjects": list(hops), "hops": list(hops.values())})
