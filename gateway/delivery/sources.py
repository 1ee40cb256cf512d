"""What the gateway's relay sends: hops in order of their numbers, receipts in batches, events with their position.

The rows of the ledger's transaction are the outbox; `pending` is the mark, `round` tells a late ack from a new sending.
"""

from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from typing import Any, NamedTuple
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
from services.kernel.bulk import Reads, Writes
from services.kernel.clock import Clock
from services.kernel.connection import Connection
from services.kernel.messaging.log_watch import SOUND
from services.kernel.messaging.records import Ack, Outgoing, Unread
from services.kernel.messaging.retry import DELIVERY, Schedule
from services.kernel.messaging.unread import AHEAD, is_ahead, positions

CHUNK_BYTES = 8 * 1024 * 1024
DUE_AT_ONCE = 500
RECEIPT_BYTES = 200 * 1024
TOPIC_PREFIX = "deliver."

_HOP = {
    "hop_id": "h.id", "round": "h.round", "office": "h.office", "hopsequence": "h.hopsequence",
    "recipients": "h.recipients", "void": "h.void", "hop_source": "h.source", "transfer_id": "h.transfer_id",
    "hop_subject": "h.subject", "hop_at": "h.created_at", "id": "t.id", "source": "t.source", "type": "t.type",
    "version": "t.version", "subject": "t.subject", "time": "t.time", "sender": "t.sender", "sequence": "t.sequence",
    "epoch": "t.epoch", "stamp": "t.stamp", "occurred_at": "t.occurred_at", "traceparent": "t.traceparent",
    "priority": "t.priority", "sealed": "p.sealed",
}  # fmt: skip
# `OFFSET 0`: each is looked up by its key, also by a plan that was made when the tables were as good as empty.
_TAKE_HOPS = f"""
    SELECT ROW({", ".join(f"c.{name}" for name in _HOP)}) FROM (
        SELECT {", ".join(f"{column} AS {name}" for name, column in _HOP.items())},
               sum(coalesce(octet_length(p.sealed), 0)) OVER (ORDER BY h.id) - coalesce(octet_length(p.sealed), 0)
                   AS before
          FROM (SELECT * FROM hop WHERE pending AND NOT subject = ANY(CAST(:held AS text[]))
                 ORDER BY id LIMIT {{limit}}) h
          LEFT JOIN LATERAL (SELECT * FROM transfer WHERE id = h.transfer_id AND source = h.source OFFSET 0) t ON true
          LEFT JOIN LATERAL (SELECT * FROM payload WHERE id = h.transfer_id AND source = h.source OFFSET 0) p ON true
    ) c WHERE before < {CHUNK_BYTES} ORDER BY hop_id
"""  # noqa: S608 - constant text
_SENT_HOPS = f"""
    UPDATE hop h SET pending = false, attempts = h.attempts + 1, log_partition = a.log_partition,
           log_offset = a.log_offset,
           due_at = now() + make_interval(secs => (CAST(:delays AS float8[]))[least(h.attempts + 1, :delay_count)])
      FROM unnest(CAST(:ids AS bigint[]), CAST(:rounds AS int[]), CAST(:partitions AS int[]),
                  CAST(:offsets AS bigint[])) AS a(id, round, log_partition, log_offset)
     WHERE h.id = a.id AND h.round = a.round AND h.pending AND {SOUND}
"""  # noqa: S608 - constant text
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

    def __init__(self, sealer: Sealer, *, source: str, schedule: Schedule = DELIVERY) -> None:
        self._sealer, self._source = sealer, source
        self._delays = {"delays": list(schedule.delays), "delay_count": len(schedule.delays)}

    def take(self, reads: Reads, limit: int, held: Collection[str]) -> Callable[[], list[Outgoing]]:
        rows = reads.add(_TAKE_HOPS.format(limit=limit), {"held": list(held)})
        return lambda: [self._outgoing(dict(zip(_HOP, row, strict=True))) for row in rows]

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

    def acknowledge(self, writes: Writes, acks: Sequence[Ack]) -> None:
        writes.add(_SENT_HOPS, _marks(acks) | self._delays)

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
_TAKE_RECEIPTS = "SELECT ROW(id, office, type, body) FROM receipt ORDER BY id LIMIT {limit}"
_DROP_RECEIPTS = f"DELETE FROM receipt WHERE id = ANY(CAST(:ids AS bigint[])) AND {SOUND}"  # noqa: S608


class Waiting(NamedTuple):
    """A receipt that is to be sent."""

    id: int
    office: str
    type: str
    body: bytes


class ReceiptSource:
    """Receipts and controls to offices: batches of up to 500 a record, no order needed, dropped once in the log."""

    name = "receipts"

    def __init__(self, clock: Clock, *, source: str) -> None:
        self._clock, self._source = clock, source

    def take(self, reads: Reads, limit: int, held: Collection[str]) -> Callable[[], list[Outgoing]]:
        rows = [] if held else reads.add(_TAKE_RECEIPTS.format(limit=limit * RECEIPT_CHUNKS), {})
        return lambda: self._batches([Waiting(*row) for row in rows])

    def _batches(self, found: list[Waiting]) -> list[Outgoing]:
        groups = groupby(sorted(found, key=_by_kind), key=lambda row: (row.office, row.type))
        return [self._batch(office, type_, part) for (office, type_), rows in groups for part in _parts(list(rows))]

    def _batch(self, office: str, type_: str, rows: list[Waiting]) -> Outgoing:
        envelope = Envelope(
            id=self._clock.new_id(),
            source=self._source,
            type=type_,
            subject=office,
            time=self._clock.hub_now(),
            value=b'{"items":[' + b",".join(row.body for row in rows) + b"]}",
        )
        return Outgoing(
            topic=deliver(Level(office)),
            key=envelope.id,
            value=envelope.value,
            headers=to_headers(envelope),
            ref=tuple(row.id for row in rows),
        )

    def acknowledge(self, writes: Writes, acks: Sequence[Ack]) -> None:
        writes.add(_DROP_RECEIPTS, {"ids": [id_ for ack in acks for id_ in ack.outgoing.ref]})

    async def fall_due(self, conn: Connection, unread: Unread) -> int:
        return 0

    async def log_lost(self, conn: Connection) -> None:
        """Nothing: lost receipts are answered again when their facts come again."""


_TAKE_EVENTS = """
    SELECT ROW(id, topic, subject, headers, value) FROM event
     WHERE pending AND NOT subject = ANY(CAST(:held AS text[])) ORDER BY id LIMIT {limit}
"""
_SENT_EVENTS = f"""
    UPDATE event e SET pending = false, position = a.position
      FROM (SELECT id, nextval('event_position') AS position
              FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS i(id, n) ORDER BY n) a
     WHERE e.id = a.id AND e.pending AND {SOUND}
"""  # noqa: S608 - constant text


class EventSource:
    """Events for integrators. The position is given here, at publication, so that a feed by position skips nothing."""

    name = "events"

    def take(self, reads: Reads, limit: int, held: Collection[str]) -> Callable[[], list[Outgoing]]:
        rows = reads.add(_TAKE_EVENTS.format(limit=limit), {"held": list(held)})
        return lambda: [
            Outgoing(
                topic=topic,
                key=subject,
                value=value,
                headers=tuple((name, raw.encode()) for name, raw in orjson.loads(headers).items()),
                ref=(id_,),
            )
            for id_, topic, subject, headers, value in rows
        ]

    def acknowledge(self, writes: Writes, acks: Sequence[Ack]) -> None:
        writes.add(_SENT_EVENTS, {"ids": sorted(ack.outgoing.ref[0] for ack in acks)})

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


def _by_kind(row: Waiting) -> tuple[str, str, int]:
    return row.office, row.type, row.id


def _parts(rows: list[Waiting]) -> list[list[Waiting]]:
    """Rows cut into records of at most BATCH items and RECEIPT_BYTES."""
    parts: list[list[Waiting]] = [[]]
    size = 0
    for row in rows:
        if parts[-1] and (len(parts[-1]) >= BATCH or size + len(row.body) > RECEIPT_BYTES):
            parts.append([])
            size = 0
        parts[-1].append(row)
        size += len(row.body) + 1
    return parts
