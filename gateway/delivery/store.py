"""Every query on hops, deliveries, receipts to senders and events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import text

from contracts.protocol import GATEWAY
from gateway.delivery.model import answer, delivery, event, hop, receipt
from gateway.transfers.store import Identity, keys_of
from services.kernel.bulk import insert_many
from services.kernel.database import Connection

log = structlog.get_logger(__name__)

MADE_AGAIN_AT_ONCE = 1000

HopKey = tuple[str, str, int]
"""(subject, office, hopsequence)."""

_HOP_KEYS = (
    "unnest(CAST(:subjects AS text[]), CAST(:offices AS text[]), CAST(:numbers AS bigint[]))"
    " AS k(subject, office, hopsequence)"
)
_LOCK_HOPS = text(
    f"SELECT h.source, h.transfer_id, h.subject, h.office, h.hopsequence, h.done, h.void FROM hop h JOIN {_HOP_KEYS}"  # noqa: S608
    " USING (subject, office, hopsequence) ORDER BY h.id FOR UPDATE OF h"
)
_FINISH_HOPS = text(
    f"UPDATE hop h SET done = true, pending = false, done_at = coalesce(h.done_at, now()),"  # noqa: S608
    f" stuck_reason = NULL, stuck_since = NULL, stuck_attempts = NULL FROM {_HOP_KEYS}"
    " WHERE h.subject = k.subject AND h.office = k.office AND h.hopsequence = k.hopsequence"
)
_HAND_OVER = text(
    "UPDATE delivery d SET state = k.state, handed_over_at = k.at, code = k.code"
    " FROM unnest(CAST(:subjects AS text[]),"
    " CAST(:offices AS text[]), CAST(:numbers AS bigint[]), CAST(:organs AS text[]), CAST(:states AS text[]),"
    " CAST(:ats AS timestamptz[]), CAST(:codes AS text[]), CAST(:transfers AS text[]))"
    " AS k(subject, office, hopsequence, organ, state, at, code, transfer_id)"
    " WHERE d.transfer_id = k.transfer_id"
    " AND d.subject = k.subject AND d.office = k.office AND d.hopsequence = k.hopsequence AND d.organ = k.organ"
    " AND d.state IN ('open', 'closed')"  # what the office did outranks what a person decided meanwhile
)
_OF_TRANSFERS = text(
    "SELECT d.*, coalesce(h.done, true) AS receipted FROM delivery d"
    " JOIN unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS k(source, transfer_id)"
    " ON d.transfer_id = k.transfer_id AND d.source = k.source"
    " LEFT JOIN hop h ON h.subject = d.subject AND h.office = d.office AND h.hopsequence = d.hopsequence"
    " ORDER BY d.opened_at, d.organ"
)
_DUE_AGAIN = text(
    "UPDATE hop h SET due_at = LEAST(h.due_at, CAST(:now AS timestamptz))"
    " FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS k(source, transfer_id)"
    " WHERE h.transfer_id = k.transfer_id AND h.source = k.source AND NOT h.done AND NOT h.pending"
)
_RESEND_FROM = text(
    "UPDATE hop h SET pending = true, round = h.round + 1 FROM unnest(CAST(:subjects AS text[]),"
    " CAST(:offices AS text[]), CAST(:numbers AS bigint[])) AS k(subject, office, first)"
    " WHERE h.subject = k.subject AND h.office = k.office AND h.hopsequence >= k.first AND NOT h.pending"
    " RETURNING h.subject, h.office"
)
# A number whose hop was purged is made again from its deliveries; it goes out as void when the payload is gone, and so
# does one that even the ledger has forgotten.
_MAKE_AGAIN = text(f"""
    WITH missing AS (
        SELECT DISTINCT c.subject, c.office, n.hopsequence
          FROM unnest(CAST(:subjects AS text[]), CAST(:offices AS text[]), CAST(:numbers AS bigint[]))
               AS k(subject, office, first)
          JOIN hop_counter c ON c.subject = k.subject AND c.office = k.office
         CROSS JOIN LATERAL generate_series(greatest(k.first, 1), least(c.last, k.first + {MADE_AGAIN_AT_ONCE}))
               AS n(hopsequence)
         WHERE NOT EXISTS (SELECT FROM hop h WHERE h.subject = c.subject AND h.office = c.office
                              AND h.hopsequence = n.hopsequence)
    ), known AS (
        SELECT d.source, d.transfer_id, d.subject, d.office, d.hopsequence,
               string_agg(DISTINCT d.organ, ',' ORDER BY d.organ) FILTER (WHERE d.state <> 'closed') AS organs
          FROM delivery d JOIN missing USING (subject, office, hopsequence)
         GROUP BY d.source, d.transfer_id, d.subject, d.office, d.hopsequence
    )
    INSERT INTO hop (source, transfer_id, subject, office, hopsequence, recipients, void, done, done_at)
    SELECT coalesce(k.source, '{GATEWAY}'),
           coalesce(k.transfer_id, CAST(CAST(md5(concat_ws(' ', subject, office, hopsequence)) AS uuid) AS text)),
           subject, office, hopsequence, coalesce(k.organs, ''), k.organs IS NULL OR p.id IS NULL, true, now()
      FROM missing LEFT JOIN known k USING (subject, office, hopsequence)
      LEFT JOIN payload p ON p.id = k.transfer_id AND p.source = k.source
     ORDER BY subject, office, hopsequence
        ON CONFLICT DO NOTHING RETURNING subject, office, hopsequence, transfer_id, void
""")  # noqa: S608 - constant text

_EXPIRE = text("""
    UPDATE delivery d SET expired_at = CAST(:hub_now AS timestamptz)
     WHERE d.id = ANY (SELECT id FROM delivery WHERE state = 'open' AND expired_at IS NULL
                          AND opened_at < CAST(:before AS timestamptz) ORDER BY opened_at LIMIT :limit FOR UPDATE)
    RETURNING d.source, d.transfer_id, d.organ
""")
_CLOSE = text("""
    UPDATE delivery SET state = 'closed', code = 'delivery.closed' WHERE id = :id AND state = 'open'
    RETURNING source, transfer_id, subject, organ, office, hopsequence
""")
# The hop goes out again narrowed, or, with nobody left, as void; under the same number, until it is receipted.
_NARROW = text("""
    UPDATE hop h SET recipients = coalesce(o.organs, ''), void = o.organs IS NULL, pending = true, round = h.round + 1
      FROM (SELECT string_agg(DISTINCT organ, ',' ORDER BY organ) AS organs FROM delivery
             WHERE subject = :subject AND office = :office AND hopsequence = :hopsequence AND state <> 'closed') o
     WHERE h.subject = :subject AND h.office = :office AND h.hopsequence = :hopsequence AND NOT h.done
""")
_SUBJECT_OF = text("SELECT subject FROM delivery WHERE id = :id")


def _keys(keys: Sequence[HopKey]) -> dict[str, list[Any]]:
    return {
        "subjects": [subject for subject, _, _ in keys],
        "offices": [office for _, office, _ in keys],
        "numbers": [number for _, _, number in keys],
    }


async def add(connection: Connection, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Inserts what a chunk opened: `hops`, `deliveries`, `answers`, `receipts`, `events`."""
    await insert_many(connection, hop, rows["hops"])
    await insert_many(connection, delivery, rows["deliveries"])
    await insert_many(connection, answer, rows["answers"], "ON CONFLICT DO NOTHING")
    await insert_many(connection, receipt, rows["receipts"])
    await insert_many(connection, event, rows["events"])


async def add_receipts(connection: Connection, rows: list[dict[str, Any]]) -> None:
    await insert_many(connection, receipt, rows)


async def lock_hops(connection: Connection, keys: Sequence[HopKey]) -> dict[HopKey, Any]:
    """The hops of these keys, locked in order of id; a key that names none is left out."""
    if not keys:
        return {}
    rows = await connection.execute(_LOCK_HOPS, _keys(keys))
    return {(row["subject"], row["office"], row["hopsequence"]): row for row in rows.mappings()}


async def finish_hops(connection: Connection, keys: Sequence[HopKey]) -> None:
    if keys:
        await connection.execute(_FINISH_HOPS, _keys(keys))


async def hand_over(connection: Connection, results: Sequence[tuple[HopKey, str, str, str, datetime, str]]) -> None:
    """Moves open deliveries: (hop key, id of its transfer, organ, state, at, code)."""
    if not results:
        return
    transfers = [transfer for _, transfer, *_ in results]
    await connection.execute(
        _HAND_OVER,
        {
            **_keys([key for key, *_ in results]),
            "transfers": transfers,
            "organs": [organ for _, _, organ, *_ in results],
            "states": [state for *_, state, _, _ in results],
            "ats": [at for *_, at, _ in results],
            "codes": [code for *_, code in results],
        },
    )


async def of_transfers(connection: Connection, identities: Sequence[Identity]) -> dict[Identity, list[Any]]:
    """All deliveries of these transfers, in a stable order."""
    found: dict[Identity, list[Any]] = {identity: [] for identity in identities}
    if identities:
        for row in (await connection.execute(_OF_TRANSFERS, keys_of(identities))).mappings():
            found[row["source"], row["transfer_id"]].append(row)
    return found


async def make_due(connection: Connection, identities: Sequence[Identity], now: datetime) -> None:
    """Open hops of these transfers become due now, under the relay's guard."""
    if identities:
        await connection.execute(_DUE_AGAIN, {**keys_of(identities), "now": now})


async def resend_from(connection: Connection, keys: Sequence[HopKey]) -> int:
    """Every hop of (subject, office) from this number on is sent again, receipted and closed ones too (go-back-N), and
    those that were purged are made again: an office that asks for a number always gets something under it."""
    if not keys:
        return 0
    again = (await connection.execute(_RESEND_FROM, _keys(keys))).all()
    made = (await connection.execute(_MAKE_AGAIN, _keys(keys))).all()
    for row in made:
        if row.void:
            log.warning("hop.forgotten", office=row.office, subject=row.subject, hop=row.hopsequence)
    return len(again) + len(made)


async def subject_of(connection: Connection, delivery_id: str) -> str | None:
    return (await connection.execute(_SUBJECT_OF, {"id": delivery_id})).scalar_one_or_none()


async def close(connection: Connection, delivery_id: str) -> Any | None:
    """Closes one open delivery and narrows its hop; None when it is not open."""
    row = (await connection.execute(_CLOSE, {"id": delivery_id})).mappings().first()
    if row and row["office"]:
        key = {name: row[name] for name in ("subject", "office", "hopsequence")}
        await connection.execute(_NARROW, key)
    return row


async def expire(
    connection: Connection, *, before: datetime, hub_now: datetime, limit: int
) -> list[tuple[Identity, str]]:
    """Marks open deliveries older than `before`; changes no state."""
    rows = await connection.execute(_EXPIRE, {"before": before, "hub_now": hub_now, "limit": limit})
    return [((row.source, row.transfer_id), row.organ) for row in rows]
