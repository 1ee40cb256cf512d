"""Queries over attachments and who may fetch them."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_KEEP = text("""
    INSERT INTO attachment (sha256, size)
    SELECT s, max(n) FROM unnest(CAST(:digests AS text[]), CAST(:sizes AS bigint[])) AS a(s, n) GROUP BY s ORDER BY s
    ON CONFLICT (sha256) DO NOTHING
""")

_GRANT = text("""
    INSERT INTO attachment_access (sha256, organ)
    SELECT DISTINCT s, o FROM unnest(CAST(:digests AS text[]), CAST(:organs AS text[])) AS a(s, o) ORDER BY s, o
    ON CONFLICT (sha256, organ) DO NOTHING RETURNING sha256
""")

_SIZES = text("""
    SELECT g.organ, a.sha256, a.size
      FROM unnest(CAST(:digests AS text[]), CAST(:organs AS text[])) AS w(sha256, organ)
      JOIN attachment_access g USING (sha256, organ) JOIN attachment a USING (sha256)
""")


async def keep(conn: AsyncConnection, sizes: Iterable[tuple[str, int]]) -> None:
    """Notes that these lie in the office's namespace."""
    rows = list(sizes)
    if rows:
        await conn.execute(_KEEP, {"digests": [row[0] for row in rows], "sizes": [row[1] for row in rows]})


async def grant(conn: AsyncConnection, pairs: Iterable[tuple[str, str]]) -> int:
    """Lets each organ fetch the digest beside it; returns how many could not before."""
    rows = list(pairs)
    if not rows:
        return 0
    result = await conn.execute(_GRANT, {"digests": [row[0] for row in rows], "organs": [row[1] for row in rows]})
    return len(result.all())


async def sizes(conn: AsyncConnection, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Size of each (digest, organ) the organ may use; others are left out."""
    wanted = set(pairs)
    if not wanted:
        return {}
    rows = await conn.execute(_SIZES, {"digests": [pair[0] for pair in wanted], "organs": [pair[1] for pair in wanted]})
    return {(row.sha256, row.organ): row.size for row in rows}
