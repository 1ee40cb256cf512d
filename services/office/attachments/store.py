"""Queries over attachments and who may fetch them."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text

from services.kernel.connection import Connection
from services.office.attachments.rules import Holding, Via

Grant = tuple[str, str, Via]
"""Digest, organ, and through what it has it."""
LOCKS = 0x17E7
"""Class of the advisory locks between naming and sweeping."""

_KEEP = text("""
    INSERT INTO attachment (sha256, size)
    SELECT s, max(n) FROM unnest(CAST(:digests AS text[]), CAST(:sizes AS bigint[])) AS a(s, n) GROUP BY s ORDER BY s
    ON CONFLICT (sha256) DO NOTHING RETURNING sha256
""")

# Who names bytes for the first time and who sweeps nameless ones meet here: 256 locks, by the first byte of the digest.
_BUCKET = "get_byte(decode(left(s, 2), 'hex'), 0)"
_GUARD = text(f"""
    SELECT pg_advisory_xact_lock_shared({LOCKS}, bucket)
      FROM (SELECT DISTINCT {_BUCKET} AS bucket FROM unnest(CAST(:digests AS text[])) AS a(s)) AS b
""")  # noqa: S608 - constant text
_CLAIM = text(f"SELECT pg_try_advisory_xact_lock({LOCKS}, {_BUCKET}) FROM (SELECT CAST(:digest AS text) AS s) AS a")  # noqa: S608

_NAMED = text("SELECT sha256 FROM attachment WHERE sha256 = ANY(CAST(:digests AS text[]))")

_GRANT = text("""
    INSERT INTO attachment_access AS g (sha256, organ, put, via)
    SELECT s, o, false, bit_or(v)
      FROM unnest(CAST(:digests AS text[]), CAST(:organs AS text[]), CAST(:vias AS smallint[])) AS a(s, o, v)
     WHERE NOT EXISTS (SELECT FROM attachment_access g WHERE g.sha256 = s AND g.organ = o AND g.via & v = v)
     GROUP BY s, o ORDER BY s, o
    ON CONFLICT (sha256, organ) DO UPDATE SET via = g.via | excluded.via WHERE g.via & excluded.via <> excluded.via
""")

_PUT = text("""
    INSERT INTO attachment_access AS g (sha256, organ, put)
    SELECT s, :organ, true FROM unnest(CAST(:digests AS text[])) AS a(s) ORDER BY s
    ON CONFLICT (sha256, organ) DO UPDATE SET put = true WHERE NOT g.put
    RETURNING sha256
""")

_CHARGE = text("""
    INSERT INTO attachment_usage AS u (organ, bytes) SELECT :organ, CAST(:bytes AS bigint) WHERE :bytes <= :quota
    ON CONFLICT (organ) DO UPDATE SET bytes = u.bytes + excluded.bytes WHERE u.bytes + excluded.bytes <= :quota
    RETURNING bytes
""")

_USED = text("""
    SELECT coalesce((SELECT bytes FROM attachment_usage WHERE organ = :organ), 0) AS used,
           EXISTS (SELECT FROM attachment_access WHERE sha256 = :digest AND organ = :organ AND put) AS counted
""")

_SIZES = text("""
    SELECT g.organ, a.sha256, a.size, g.put, g.via
      FROM unnest(CAST(:digests AS text[]), CAST(:organs AS text[])) AS w(sha256, organ)
      JOIN attachment_access g USING (sha256, organ) JOIN attachment a USING (sha256)
""")


async def keep(conn: Connection, sizes: Iterable[tuple[str, int]]) -> list[str]:
    """Notes that these lie in the office's namespace; returns the digests nobody had named before.

    The bytes of those are safe from the sweep from now on, if they are still there.
    """
    rows = list(sizes)
    if not rows:
        return []
    noted = await conn.execute(_KEEP, {"digests": [row[0] for row in rows], "sizes": [row[1] for row in rows]})
    new = list(noted.scalars())
    if new:
        await conn.execute(_GUARD, {"digests": new})
    return new


async def claim(conn: Connection, digest: str) -> bool:
    """True when the bytes have no name and nobody else is giving them one until the transaction ends."""
    free = (await conn.execute(_CLAIM, {"digest": digest})).scalar_one()
    return bool(free) and not await named(conn, [digest])


async def named(conn: Connection, digests: Sequence[str]) -> set[str]:
    """Which of these have a row."""
    return set((await conn.execute(_NAMED, {"digests": list(digests)})).scalars())


async def grant(conn: Connection, grants: Iterable[Grant]) -> None:
    """Lets each organ fetch the digest beside it, through that; it costs the organ nothing."""
    rows = list(grants)
    if rows:
        digests, organs, vias = zip(*rows, strict=True)
        await conn.execute(
            _GRANT, {"digests": list(digests), "organs": list(organs), "vias": [int(via) for via in vias]}
        )


async def put(conn: Connection, organ: str, digests: Iterable[str]) -> set[str]:
    """Notes that the organ brought these itself. Returns those it had not brought before."""
    rows = await conn.execute(_PUT, {"organ": organ, "digests": list(digests)})
    return set(rows.scalars())


async def charge(conn: Connection, organ: str, size: int, quota: int) -> bool:
    """Adds to what the organ uses; False, and nothing is added, when that would be more than its quota."""
    values = {"organ": organ, "bytes": size, "quota": quota}
    return (await conn.execute(_CHARGE, values)).scalar_one_or_none() is not None


async def used(conn: Connection, organ: str, digest: str = "") -> tuple[int, bool]:
    """Bytes the organ has put, and whether the digest is among them."""
    row = (await conn.execute(_USED, {"organ": organ, "digest": digest})).one()
    return row.used, row.counted


async def holdings(conn: Connection, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Holding]:
    """What the organ has of each (digest, organ); others are left out."""
    wanted = set(pairs)
    if not wanted:
        return {}
    rows = await conn.execute(_SIZES, {"digests": [pair[0] for pair in wanted], "organs": [pair[1] for pair in wanted]})
    return {(row.sha256, row.organ): Holding(size=row.size, put=row.put, via=Via(row.via)) for row in rows}
