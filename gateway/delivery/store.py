"""Every query on hops, deliveries, receipts to senders and events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import text

from contracts.protocol import GATEWAY
from gateway.delivery.model import answer, delivery, event, hop, receipt
from gateway.transfers.store import Identity, keys_of
from services.kernel.bulk import Reads, Writes, insert_many
from services.kernel.connection import Connection

log = structlog.get_logger(__name__)

MADE_AGAIN_AT_ONCE = 1000
AXIS_BELL = "axis"
"""Rung when there is something to send to the national axis."""

HopKey = tuple[str, str, int]
"""(subject, office, hopsequence)."""

_HOP_KEYS = (
    "unnest(CAST(:subjects AS text[]), CAST(:offices AS text[]), CAST(:numbers AS bigint[]))"
    " AS k(subject, office, hopsequence)"
)
_HOPS = f"""
    SELECT ROW(h.subject, h.office, h.hopsequence, h.source, h.transfer_id, h.done)
      FROM hop h JOIN {_HOP_KEYS} USING (subject, office, hopsequence)
"""  # noqa: S608 - constant text
# In order of id, as everything that locks several hops does.
_FINISH_HOPS = f"""
    WITH locked AS (
        SELECT h.id FROM hop h JOIN {_HOP_KEYS} USING (subject, office, hopsequence) ORDER BY h.id FOR UPDATE OF h
    )
    UPDATE hop h SET done = true, pending = false, done_at = coalesce(h.done_at, now()), stuck_reason = NULL,
           stuck_since = NULL, stuck_attempts = NULL FROM locked WHERE h.id = locked.id
"""  # noqa: S608 - constant text
_HAND_OVER = """
    UPDATE delivery d SET state = k.state, handed_over_at = k.at, code = k.code
      FROM unnest(CAST(:transfers AS text[]), CAST(:ids AS text[]), CAST(:states AS text[]),
                  CAST(:ats AS timestamptz[]), CAST(:codes AS text[])) AS k(transfer_id, id, state, at, code)
     WHERE d.transfer_id = k.transfer_id AND d.id = k.id AND d.state IN ('open', 'closed')
"""
TOLD = (
    "id", "source", "transfer_id", "subject", "organ", "office", "hopsequence", "state", "code", "redirected_from",
    "via", "handed_over_at",
)  # fmt: skip
"""What receipts to senders are made of."""
_TOLD = f"""
    SELECT ROW({", ".join(f"d.{name}" for name in TOLD)}, coalesce(h.done, true)) FROM delivery d
      JOIN unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS k(source, transfer_id)
        ON d.transfer_id = k.transfer_id AND d.source = k.source
      LEFT JOIN hop h ON h.subject = d.subject AND h.office = d.office AND h.hopsequence = d.hopsequence
     ORDER BY d.opened_at, d.organ
"""  # noqa: S608 - constant text
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


def add(writes: Writes, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """What a chunk opened: `hops`, `deliveries`, `answers`, `receipts`, `events`."""
    writes.insert(hop, rows["hops"])
    writes.insert(delivery, rows["deliveries"])
    writes.insert(answer, rows["answers"], "ON CONFLICT DO NOTHING")
    writes.insert(receipt, rows["receipts"])
    writes.insert(event, rows["events"])
    if any(row["via"] == "axis" for row in rows["deliveries"]):
        writes.ring(AXIS_BELL)


async def add_receipts(connection: Connection, rows: list[dict[str, Any]]) -> None:
    await insert_many(connection, receipt, rows)


@dataclass(frozen=True, slots=True)
class Hop:
    """The transfer whose record it is, and whether that is receipted."""

    identity: Identity
    done: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What receipts are about: hops, and all deliveries of the transfers named, in a stable order. Nothing of it
    changes while the subjects are held."""

    hops: dict[HopKey, Hop] = field(default_factory=dict)
    deliveries: dict[Identity, list[dict[str, Any]]] = field(default_factory=dict)


def read(reads: Reads, keys: Sequence[HopKey], identities: Sequence[Identity], into: Standing) -> None:
    """These hops, but for keys that name none, and the deliveries of these transfers."""
    if keys:
        reads.add(_HOPS, _keys(keys), partial(_take_hops, into))
        into.deliveries.update({identity: [] for identity in identities})
        reads.add(_TOLD, keys_of(identities), partial(_take_deliveries, into))


def _take_hops(into: Standing, rows: Sequence[Any]) -> None:
    into.hops.update({(row[0], row[1], row[2]): Hop((row[3], row[4]), row[5]) for row in rows})


def _take_deliveries(into: Standing, rows: Sequence[Any]) -> None:
    for row in rows:
        into.deliveries[row[1], row[2]].append(dict(zip((*TOLD, "receipted"), row, strict=True)))


def finish_hops(writes: Writes, keys: Sequence[HopKey]) -> None:
    if keys:
        writes.add(_FINISH_HOPS, _keys(keys))


def hand_over(writes: Writes, rows: Sequence[Mapping[str, Any]]) -> None:
    """Deliveries as they are now; what the office did outranks what a person decided meanwhile."""
    if rows:
        values = {
            "transfers": [row["transfer_id"] for row in rows],
            "ids": [row["id"] for row in rows],
            "states": [row["state"] for row in rows],
            "ats": [row["handed_over_at"] for row in rows],
            "codes": [row["code"] for row in rows],
        }
        writes.add(_HAND_OVER, values)


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
    found: str | None = (await connection.execute(_SUBJECT_OF, {"id": delivery_id})).scalar_one_or_none()
    return found


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
