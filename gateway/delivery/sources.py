"""What the gateway's relay sends: hops in order of their numbers, receipts in batches, events with their position.

The rows of the ledger's transaction are the outbox; `pending` is the mark, `round` tells a late ack from a new sending.
"""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any
from uuid import uuid5

import orjson
from sqlalchemy import text

from contracts.envelope import Envelope, to_headers
from contracts.identifiers import HUB_NAMESPACE
from contracts.levels import Level
from contracts.messages.receipt import BATCH
from contracts.protocol import Stamp
from contracts.topology import deliver
from gateway.work import Sealer, context_of
from services.kernel.clock import Clock
from services.kernel.database import Connection
from services.kernel.messaging.records import Ack, Outgoing, Unread
from services.kernel.messaging.retry import DELIVERY, Schedule
from services.kernel.messaging.unread import AHEAD, is_ahead, positions

CHUNK_BYTES = 8 * 1024 * 1024
DUE_AT_ONCE = 500
RECEIPT_BYTES = 200 * 1024
TOPIC_PREFIX = "deliver."

_HELD = "EXISTS (SELECT FROM lease WHERE name = :lease AND fence = :fence)"
_TAKE_HOPS = text("""
    SELECT * FROM (
        SELECT h.id AS hop_id, h.round, h.office, h.hopsequence, h.recipients, h.void, h.source AS hop_source,
               h.transfer_id, h.subject AS hop_subject, h.created_at AS hop_at, t.*, p.sealed,
               sum(coalesce(octet_length(p.sealed), 0)) OVER (ORDER BY h.id) - coalesce(octet_length(p.sealed), 0)
                   AS before
          FROM (SELECT * FROM hop WHERE pending AND NOT subject = ANY(CAST(:held AS text[])) ORDER BY id LIMIT :limit) h
          LEFT JOIN transfer t ON t.source = h.source AND t.id = h.transfer_id
          LEFT JOIN payload p ON p.source = h.source AND p.id = h.transfer_id
    ) c WHERE before < :bytes ORDER BY hop_id
""")
_SENT_HOPS = text(f"""
    UPDATE hop h SET pending = false, attempts = h.attempts + 1, log_partition = a.log_partition,
           log_offset = a.log_offset,
           due_at = now() + make_interval(secs => (CAST(:delays AS float8[]))[least(h.attempts + 1, :delay_count)])
      FROM unnest(CAST(:ids AS bigint[]), CAST(:rounds AS int[]), CAST(:partitions AS int[]),
                  CAST(:offsets AS bigint[])) AS a(id, round, log_partition, log_offset)
     WHERE h.id = a.id AND h.round = a.round AND h.pending AND {_HELD}
""")  # noqa: S608 - constant text
# `protocol.hops_to_send` in SQL; a table test holds the two together.
_HOPS_DUE = text(f"""
    WITH {AHEAD}, due AS (
        SELECT h.subject, h.office, min(h.hopsequence) AS first FROM hop h
         WHERE NOT h.done AND NOT h.pending AND h.due_at <= now()
           AND NOT {is_ahead("h", topic="CAST(:prefix AS text) || h.office")}
         GROUP BY h.subject, h.office LIMIT :limit
    ), tail AS (
        SELECT h.id FROM due d JOIN hop h ON h.subject = d.subject AND h.office = d.office AND h.hopsequence >= d.first
         WHERE NOT h.done ORDER BY h.id FOR UPDATE OF h
    )
    UPDATE hop h SET pending = true, round = h.round + 1 FROM tail WHERE h.id = tail.id
""")  # noqa: S608 - constant text
# In parts, so that no single statement runs into its time-out however much is open.
_FORGET_HOPS = text("""
    WITH part AS (SELECT id FROM hop WHERE NOT done AND id > :after ORDER BY id LIMIT :limit), moved AS (
        UPDATE hop h SET pending = true, round = h.round + 1, attempts = 0, log_partition = NULL, log_offset = NULL
          FROM part WHERE h.id = part.id
    )
    SELECT max(id) FROM part
""")
FORGOTTEN_AT_ONCE = 20_000


class HopSource:
    """Deliveries: one record per hop, narrowed to the organs that are not closed; void when the payload is purged."""

    name = "hops"
    waiting = "(SELECT min(id) FROM hop WHERE pending) IS NOT NULL"

    def __init__(self, sealer: Sealer, clock: Clock, *, source: str, lease: str, schedule: Schedule = DELIVERY) -> None:
        self._sealer, self._clock, self._source, self._lease = sealer, clock, source, lease
        self._delays = {"delays": list(schedule.delays), "delay_count": len(schedule.delays)}

    async def take(self, conn: Connection, limit: int, held: Collection[str]) -> list[Outgoing]:
        rows = await conn.execute(_TAKE_HOPS, {"limit": limit, "bytes": CHUNK_BYTES, "held": list(held)})
        return [self._outgoing(row) for row in rows.mappings()]

    def _outgoing(self, row: Any) -> Outgoing:
        envelope = self._voided(row) if row["void"] or row["sealed"] is None else self._delivered(row)
        return Outgoing(
            topic=deliver(Level(row["office"])),
            key=envelope.key,
            value=envelope.value,
            headers=to_headers(envelope),
            ref=(row["hop_id"], row["round"]),
        )

    def _delivered(self, row: Any) -> Envelope:
        return Envelope(
            id=row["id"],
            source=row["source"],
            type=row["type"],
            version=row["version"],
            subject=row["subject"],
            time=row["time"],
            sender=row["sender"],
            recipients=tuple(row["recipients"].split(",")),
            sequence=row["sequence"],
            hopsequence=row["hopsequence"],
            epoch=row["epoch"],
            stamp=_stamp(row),
            occurredat=row["occurred_at"],
            traceparent=row["traceparent"],
            priority=row["priority"],
            value=self._sealer.open(row["sealed"], context_of(row["source"], row["id"])),
        )

    def _voided(self, row: Any) -> Envelope:
        """Of a dossier it tells what the fact made of it, as the fact itself would have."""
        name = f"{row['hop_source']}\n{row['transfer_id']}\n{row['office']}\nvoid"
        return Envelope(
            id=str(uuid5(HUB_NAMESPACE, name)),
            source=self._source,
            type="delivery.voided",
            subject=row["hop_subject"],
            time=row["time"] or row["hop_at"],
            hopsequence=row["hopsequence"],
            stamp=_stamp(row),
            traceparent=row["traceparent"] or "",
            value=orjson.dumps({"source": row["hop_source"], "id": row["transfer_id"]}),
        )

    async def acknowledge(self, conn: Connection, acks: Sequence[Ack], fence: int) -> None:
        if acks:
            marks = _marks(acks) | {"lease": self._lease, "fence": fence}
            await conn.execute(_SENT_HOPS, marks | self._delays)

    async def fall_due(self, conn: Connection, unread: Unread) -> int:
        parameters = positions(unread) | {"prefix": TOPIC_PREFIX, "limit": DUE_AT_ONCE}
        return (await conn.execute(_HOPS_DUE, parameters)).rowcount

    async def log_lost(self, conn: Connection) -> None:
        after: int | None = 0
        while after is not None:
            found = await conn.execute(_FORGET_HOPS, {"after": after, "limit": FORGOTTEN_AT_ONCE})
            after = found.scalar_one()


RECEIPT_CHUNKS = 10
"""Receipts are many and small, and up to 500 are one record. Two belong to a hop: taken one by one as hops are, they
would fall behind, and offices would ask again for what was answered long ago."""
_TAKE_RECEIPTS = text("SELECT id, office, type, body FROM receipt ORDER BY id LIMIT :limit")
_DROP_RECEIPTS = text(f"DELETE FROM receipt WHERE id = ANY(CAST(:ids AS bigint[])) AND {_HELD}")  # noqa: S608


class ReceiptSource:
    """Receipts and controls to offices: batches of up to 500 a record, no order needed, dropped once in the log."""

    name = "receipts"
    waiting = "(SELECT min(id) FROM receipt) IS NOT NULL"

    def __init__(self, clock: Clock, *, source: str, lease: str) -> None:
        self._clock, self._source, self._lease = clock, source, lease

    async def take(self, conn: Connection, limit: int, held: Collection[str]) -> list[Outgoing]:
        if held:
            return []
        found = (await conn.execute(_TAKE_RECEIPTS, {"limit": limit * RECEIPT_CHUNKS})).mappings().all()
        ordered = sorted(found, key=lambda row: (row["office"], row["type"], row["id"]))
        groups = groupby(ordered, key=lambda row: (row["office"], row["type"]))
        return [self._batch(office, type_, part) for (office, type_), rows in groups for part in _parts(list(rows))]

    def _batch(self, office: str, type_: str, rows: list[Any]) -> Outgoing:
        envelope = Envelope(
            id=self._clock.new_id(),
            source=self._source,
            type=type_,
            subject=office,
            time=self._clock.hub_now(),
            value=b'{"items":[' + b",".join(row["body"] for row in rows) + b"]}",
        )
        return Outgoing(
            topic=deliver(Level(office)),
            key=envelope.id,
            value=envelope.value,
            headers=to_headers(envelope),
            ref=tuple(row["id"] for row in rows),
        )

    async def acknowledge(self, conn: Connection, acks: Sequence[Ack], fence: int) -> None:
        ids = [id_ for ack in acks for id_ in ack.outgoing.ref]
        if ids:
            await conn.execute(_DROP_RECEIPTS, {"ids": ids, "lease": self._lease, "fence": fence})

    async def fall_due(self, conn: Connection, unread: Unread) -> int:
        return 0

    async def log_lost(self, conn: Connection) -> None:
        """Nothing: lost receipts are answered again when their facts come again."""


_TAKE_EVENTS = text("""
    SELECT id, topic, subject, headers, value FROM event
     WHERE pending AND NOT subject = ANY(CAST(:held AS text[])) ORDER BY id LIMIT :limit
""")
_SENT_EVENTS = text(f"""
    UPDATE event e SET pending = false, position = a.position
      FROM (SELECT id, nextval('event_position') AS position
              FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS i(id, n) ORDER BY n) a
     WHERE e.id = a.id AND e.pending AND {_HELD}
""")  # noqa: S608 - constant text


class EventSource:
    """Events for integrators. The position is given here, at publication, so that a feed by position skips nothing."""

    name = "events"
    waiting = "(SELECT min(id) FROM event WHERE pending) IS NOT NULL"

    def __init__(self, *, lease: str) -> None:
        self._lease = lease

    async def take(self, conn: Connection, limit: int, held: Collection[str]) -> list[Outgoing]:
        rows = await conn.execute(_TAKE_EVENTS, {"limit": limit, "held": list(held)})
        return [
            Outgoing(
                topic=row.topic,
                key=row.subject,
                value=row.value,
                headers=tuple((name, value.encode()) for name, value in orjson.loads(row.headers).items()),
                ref=(row.id,),
            )
            for row in rows
        ]

    async def acknowledge(self, conn: Connection, acks: Sequence[Ack], fence: int) -> None:
        if acks:
            ids = [ack.outgoing.ref[0] for ack in acks]
            await conn.execute(_SENT_EVENTS, {"ids": sorted(ids), "lease": self._lease, "fence": fence})

    async def fall_due(self, conn: Connection, unread: Unread) -> int:
        return 0

    async def log_lost(self, conn: Connection) -> None:
        """Nothing yet: the rows are the truth and feeds by position never notice."""


def _stamp(row: Any) -> Stamp | None:
    return Stamp.from_text(row["stamp"]) if row["stamp"] else None


def _marks(acks: Sequence[Ack]) -> dict[str, Any]:
    return {
        "ids": [ack.outgoing.ref[0] for ack in acks],
        "rounds": [ack.outgoing.ref[1] for ack in acks],
        "partitions": [ack.partition for ack in acks],
        "offsets": [ack.offset for ack in acks],
    }


def _parts(rows: list[Any]) -> list[list[Any]]:
    """Rows cut into records of at most BATCH items and RECEIPT_BYTES."""
    parts: list[list[Any]] = [[]]
    size = 0
    for row in rows:
        if parts[-1] and (len(parts[-1]) >= BATCH or size + len(row["body"]) > RECEIPT_BYTES):
            parts.append([])
            size = 0
        parts[-1].append(row)
        size += len(row["body"]) + 1
    return parts
