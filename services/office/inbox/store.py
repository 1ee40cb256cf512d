"""Queries over inbox items and acknowledgements."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from services.kernel import bulk
from services.kernel.bulk import Writes
from services.kernel.connection import Connection
from services.kernel.partitions import Rule
from services.office.inbox.model import ITEM, ITEM_PARTS
from services.office.keeping import Cutoff

DOCUMENT_KEY = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""The subject of a document is a UUID, which no dossier code can be."""

# Rows are locked in sorted order and until the commit, which comes next: position order is commit order per organ.
_COUNT = """
    INSERT INTO inbox_counter AS c (organ, last)
    SELECT n.organ, n.count FROM unnest(CAST(:organs AS text[]), CAST(:counts AS bigint[])) AS n(organ, count)
     ORDER BY n.organ
    ON CONFLICT (organ) DO UPDATE SET last = c.last + excluded.last
    RETURNING organ, last
"""
_NEW = ("organ", "id", "kind", "type", "subject", "sender", "received_at", "href", "data")
_ARRAYS = ", ".join(f"CAST(:{name} AS {bulk.type_name(ITEM, name)}[])" for name in _NEW)
_ADD = f"""
    INSERT INTO inbox_item ({", ".join(_NEW)}, position)
    SELECT {", ".join(f"i.{name}" for name in _NEW)}, c.last - i.behind
      FROM unnest({_ARRAYS}, CAST(:behind AS bigint[])) AS i({", ".join(_NEW)}, behind)
      JOIN {{counter}} c ON c.organ = i.organ
    ON CONFLICT (organ, id) DO NOTHING
"""  # noqa: S608 - constant text

_READ = text("""
    SELECT i.* FROM unnest(CAST(:kinds AS text[])) AS k(kind)
      LEFT JOIN inbox_reader r ON r.client_id = :client AND r.organ = :organ AND r.kind = k.kind
     CROSS JOIN LATERAL (
        SELECT * FROM inbox_item i
         WHERE i.organ = :organ AND i.kind = k.kind AND i.position > greatest(coalesce(r.floor, 0), :after)
           AND (i.kind <> 'receipt' OR CASE WHEN i.subject ~ CAST(:document_key AS text)
                                            THEN CAST(:documents AS boolean) ELSE CAST(:dossiers AS boolean) END)
           AND NOT EXISTS (SELECT FROM inbox_ack a WHERE a.client_id = :client AND a.organ = i.organ
                              AND a.kind = i.kind AND a.position = i.position)
         ORDER BY i.position LIMIT :limit) i
     ORDER BY i.position LIMIT :limit
""")

_FIND = text("""
    SELECT id, kind, position FROM inbox_item
     WHERE organ = :organ AND id = ANY(CAST(:ids AS text[])) AND kind = ANY(CAST(:kinds AS text[]))
     ORDER BY position
""")

_LOCK_READERS = text("""
    INSERT INTO inbox_reader AS r (client_id, organ, kind, floor)
    SELECT :client, :organ, k, 0 FROM unnest(CAST(:kinds AS text[])) AS u(k) ORDER BY k
    ON CONFLICT (client_id, organ, kind) DO UPDATE SET floor = r.floor
    RETURNING kind, floor
""")

_ACK = text("""
    INSERT INTO inbox_ack (client_id, organ, kind, position)
    SELECT :client, :organ, k, p FROM unnest(CAST(:kinds AS text[]), CAST(:positions AS bigint[])) AS a(k, p)
     ORDER BY k, p
    ON CONFLICT DO NOTHING
""")

_RAISE = text("""
    UPDATE inbox_reader r SET floor = coalesce(
        (SELECT i.position - 1 FROM inbox_item i
          WHERE i.organ = r.organ AND i.kind = r.kind AND i.position > r.floor
            AND NOT EXISTS (SELECT FROM inbox_ack a WHERE a.client_id = r.client_id AND a.organ = i.organ
                               AND a.kind = i.kind AND a.position = i.position)
          ORDER BY i.position LIMIT 1),
        (SELECT max(a.position) FROM inbox_ack a
          WHERE a.client_id = r.client_id AND a.organ = r.organ AND a.kind = r.kind), r.floor)
     WHERE r.client_id = :client AND r.organ = :organ AND r.kind = ANY(CAST(:kinds AS text[]))
""")

_FORGET = text("""
    DELETE FROM inbox_ack a USING inbox_reader r
     WHERE r.client_id = :client AND r.organ = :organ AND r.kind = ANY(CAST(:kinds AS text[]))
       AND a.client_id = r.client_id AND a.organ = r.organ AND a.kind = r.kind AND a.position <= r.floor
""")

_UNACKNOWLEDGED = """
    NOT EXISTS (SELECT FROM inbox_reader r WHERE r.organ = p.organ AND r.kind = p.kind AND r.floor >= p.position)
    AND NOT EXISTS (SELECT FROM inbox_ack a WHERE a.organ = p.organ AND a.kind = p.kind AND a.position = p.position)
"""

# What is below the first item that is left is gone for good: positions are drawn in the order of the commits.
_PASS = text("""
    UPDATE inbox_reader r SET floor = f.position - 1
      FROM (SELECT DISTINCT organ, kind FROM inbox_reader) k
     CROSS JOIN LATERAL (
        SELECT i.position FROM inbox_item i WHERE i.organ = k.organ AND i.kind = k.kind ORDER BY i.position LIMIT 1) f
     WHERE r.organ = k.organ AND r.kind = k.kind AND r.floor < f.position - 1
""")
_FORGET_ALL = text("""
    DELETE FROM inbox_ack a USING inbox_reader r
     WHERE a.client_id = r.client_id AND a.organ = r.organ AND a.kind = r.kind AND a.position <= r.floor
""")


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller may see: kinds, and whether receipts about dossiers and about documents are among it."""

    kinds: Sequence[str]
    dossiers: bool = True
    documents: bool = True


def add(writes: Writes, rows: Sequence[dict[str, Any]]) -> None:
    """Gives each row the next position of its organ, in order. An item that is there already stays as it is."""
    if not rows:
        return
    behind, after = [], Counter[str]()
    for row in reversed(rows):
        behind.append(after[row["organ"]])
        after[row["organ"]] += 1
    counter = writes.add(_COUNT, {"organs": list(after), "counts": list(after.values())})
    writes.add(_ADD.format(counter=counter), bulk.arrays(rows) | {"behind": behind[::-1]})


async def read(
    conn: Connection, reader: tuple[str, str], *, sight: Sight, after: int, limit: int
) -> list[dict[str, Any]]:
    """Items the client has not acknowledged for the organ, oldest first. `reader` is (client, organ)."""
    client, organ = reader
    rows = await conn.execute(
        _READ,
        {
            "client": client,
            "organ": organ,
            "kinds": list(sight.kinds),
            "dossiers": sight.dossiers,
            "documents": sight.documents,
            "document_key": DOCUMENT_KEY,
            "after": after,
            "limit": limit,
        },
    )
    return [dict(row) for row in rows.mappings()]


async def find(
    conn: Connection, organ: str, ids: Collection[str], kinds: Collection[str]
) -> list[tuple[str, str, int]]:
    """Id, kind and position of each item that is there and visible, by position."""
    rows = await conn.execute(_FIND, {"organ": organ, "ids": list(ids), "kinds": list(kinds)})
    return [(row.id, row.kind, row.position) for row in rows]


async def acknowledge(conn: Connection, reader: tuple[str, str], items: Sequence[tuple[str, int]]) -> None:
    """Notes (kind, position) pairs and raises the floor over what is acknowledged without a gap."""
    client, organ = reader
    kinds = sorted({kind for kind, _ in items})
    names = {"client": client, "organ": organ, "kinds": kinds}
    floors = {row.kind: row.floor for row in await conn.execute(_LOCK_READERS, names)}
    above = [(kind, position) for kind, position in items if position > floors[kind]]
    if above:
        pairs = {"kinds": [kind for kind, _ in above], "positions": [position for _, position in above]}
        await conn.execute(_ACK, {"client": client, "organ": organ, **pairs})
        await conn.execute(_RAISE, names)
        await conn.execute(_FORGET, names)


def rules(cutoff: Cutoff) -> list[Rule]:
    """An old item goes when a system of its organ has acknowledged it."""
    return [Rule(ITEM_PARTS, cutoff.machine, (cutoff.younger("received_at"), _UNACKNOWLEDGED))]


async def pass_purged(conn: Connection) -> None:
    """Raises floors over items that are gone, and forgets the acknowledgements below."""
    await conn.execute(_PASS)
    await conn.execute(_FORGET_ALL)
