"""The outbox as the relay sees it: what to send, what the broker took, what is to be sent again.

The cursor is the mark `pending`, read by id: of the forms tried it loses nothing and keeps each subject's order.
`round` is raised whenever a row is to be sent again, so that an ack for an earlier round does not take the mark off.
"""

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import text

from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.kernel.messaging.log_watch import SOUND
from services.kernel.messaging.outbox import headers_from_text
from services.kernel.messaging.records import Ack, Outgoing, Unread
from services.kernel.messaging.retry import UNROUTED, UNSETTLED, Schedule
from services.kernel.messaging.unread import AHEAD, MAX_OFFSET, is_ahead, positions

CHUNK_BYTES = 8 * 1024 * 1024
DUE_AT_ONCE = 500
FORGOTTEN_AT_ONCE = 20_000

_TAKE = """
    SELECT ROW(id, round, topic, key, headers, value, fact) FROM (
        SELECT id, round, topic, key, headers, value, sequence IS NOT NULL AS fact,
               sum(octet_length(value)) OVER (ORDER BY id) - octet_length(value) AS before
          FROM (SELECT * FROM outbox WHERE pending AND NOT key = ANY(CAST(:held AS text[])) ORDER BY id LIMIT {limit}) o
    ) c WHERE before < {bytes} ORDER BY id
"""

_SENT = f"""
    UPDATE outbox o
       SET pending = false, state = CASE o.state WHEN 'unsent' THEN 'sent' ELSE o.state END,
           attempts = o.attempts + 1, sent_at = coalesce(o.sent_at, now()),
           log_partition = a.log_partition, log_offset = a.log_offset, log_generation = b.generation,
           due_at = now() + make_interval(secs => CASE o.state
               WHEN 'routed' THEN (CAST(:unsettled AS float8[]))[least(o.attempts + 1, :unsettled_count)]
               ELSE (CAST(:unrouted AS float8[]))[least(o.attempts + 1, :unrouted_count)] END)
      FROM unnest(CAST(:ids AS bigint[]), CAST(:rounds AS int[]), CAST(:partitions AS int[]),
                  CAST(:offsets AS bigint[])) AS a(id, round, log_partition, log_offset), broker b
     WHERE o.id = a.id AND o.round = a.round AND o.pending AND {SOUND}
"""  # noqa: S608 - constant text

_DROP = f"""
    DELETE FROM outbox o USING unnest(CAST(:ids AS bigint[]), CAST(:rounds AS int[])) AS a(id, round)
     WHERE o.id = a.id AND o.round = a.round AND {SOUND}
"""  # noqa: S608 - constant text

# `protocol.to_send` in SQL; a table test holds the two together. Sent records lie in the partitions an ack was stored
# for. Of each the index gives the rows that are not waited for (`free`) without the backlog ahead of a reader that is
# away. A tail has such a row if its first one is; then any row of it may be the one that is due.
_TAILS_DUE = text(f"""
    WITH {AHEAD}, place AS (
        SELECT l.topic, l.log_partition, a.first_offset, a.end_offset
          FROM log_position l LEFT JOIN ahead a USING (topic, log_partition)
    ), free AS (
        SELECT o.subject, o.organ, o.source, o.due_at <= now() AS due, p.end_offset IS NOT NULL AS followed
          FROM place p CROSS JOIN LATERAL (
              SELECT subject, organ, source, due_at FROM outbox
               WHERE topic = p.topic AND log_partition = p.log_partition AND state = 'sent' AND NOT pending
                 AND log_offset < coalesce(p.first_offset, {MAX_OFFSET})
              UNION ALL
              SELECT subject, organ, source, due_at FROM outbox
               WHERE topic = p.topic AND log_partition = p.log_partition AND state = 'sent' AND NOT pending
                 AND log_offset >= p.end_offset
          ) o
    ), candidate AS (
        SELECT subject, organ, source, bool_or(due) AS due FROM free WHERE due OR followed
         GROUP BY subject, organ, source
    ), due AS (
        SELECT c.subject, c.organ, c.source
          FROM candidate c CROSS JOIN LATERAL (
              SELECT w.topic, w.log_partition, w.log_offset FROM outbox w
               WHERE w.subject = c.subject AND w.organ = c.organ AND w.source = c.source AND w.sequence IS NOT NULL
                 AND w.state = 'sent' ORDER BY w.sequence LIMIT 1
          ) o
         WHERE NOT {is_ahead("o")}
           AND (c.due OR EXISTS (
               SELECT FROM outbox w
                WHERE w.subject = c.subject AND w.organ = c.organ AND w.source = c.source AND w.sequence IS NOT NULL
                  AND w.state = 'sent' AND w.due_at <= now()))
         LIMIT :limit
    ), tail AS (
        SELECT o.id FROM due d JOIN outbox o ON o.subject = d.subject AND o.organ = d.organ AND o.source = d.source
         WHERE o.sequence IS NOT NULL AND o.state IN ('unsent', 'sent')
         ORDER BY o.id FOR UPDATE OF o
    )
    UPDATE outbox o SET pending = true, round = o.round + 1, state = 'unsent' FROM tail WHERE o.id = tail.id
""")  # noqa: S608 - constant text

_ROUTED_DUE = text(f"""
    WITH {AHEAD}, due AS (
        SELECT o.id FROM outbox o
         WHERE o.state = 'routed' AND NOT o.pending AND o.due_at <= now() AND NOT {is_ahead("o")}
         ORDER BY o.due_at LIMIT :limit
    ), locked AS (
        SELECT o.id FROM outbox o JOIN due USING (id) ORDER BY o.id FOR UPDATE OF o
    )
    UPDATE outbox o SET pending = true, round = o.round + 1 FROM locked WHERE o.id = locked.id AND o.state = 'routed'
""")  # noqa: S608 - constant text

# In batches, so that no single statement outlives its time-out.
_FORGET = text("""
    WITH batch AS (
        SELECT id FROM outbox WHERE id > :after AND state IN ('unsent', 'sent', 'routed') ORDER BY id LIMIT :limit
    ), forgotten AS (
        UPDATE outbox o
           SET pending = true, round = o.round + 1, attempts = 0, log_partition = NULL, log_offset = NULL,
               log_generation = NULL, state = CASE o.state WHEN 'sent' THEN 'unsent' ELSE o.state END
          FROM batch WHERE o.id = batch.id
    )
    SELECT max(id) FROM batch
""")


class OutboxSource:
    """The relay's `Source` over the outbox."""

    name = "outbox"

    def __init__(self, *, unrouted: Schedule = UNROUTED, unsettled: Schedule = UNSETTLED) -> None:
        self._delays = {
            "unrouted": list(unrouted.delays),
            "unrouted_count": len(unrouted.delays),
            "unsettled": list(unsettled.delays),
            "unsettled_count": len(unsettled.delays),
        }

    def take(self, reads: Reads, limit: int, held: Collection[str]) -> Callable[[], list[Outgoing]]:
        """The oldest rows to send, without the keys in `held`."""
        rows = reads.add(_TAKE.format(limit=limit, bytes=CHUNK_BYTES), {"held": list(held)})
        return lambda: [
            Outgoing(
                topic=topic, key=key, value=value, headers=headers_from_text(headers), ref=(id_, round_, int(fact))
            )
            for id_, round_, topic, key, headers, value, fact in rows
        ]

    def acknowledge(self, writes: Writes, acks: Sequence[Ack]) -> None:
        """Takes the marks off; receipts and controls are deleted, nothing resends them."""
        facts = [ack for ack in acks if ack.outgoing.ref[2]]
        if facts:
            writes.add(
                _SENT,
                {
                    "ids": [ack.outgoing.ref[0] for ack in facts],
                    "rounds": [ack.outgoing.ref[1] for ack in facts],
                    "partitions": [ack.partition for ack in facts],
                    "offsets": [ack.offset for ack in facts],
                    **self._delays,
                },
            )
        others = [ack for ack in acks if not ack.outgoing.ref[2]]
        if others:
            writes.add(
                _DROP,
                {
                    "ids": [ack.outgoing.ref[0] for ack in others],
                    "rounds": [ack.outgoing.ref[1] for ack in others],
                },
            )

    async def fall_due(self, conn: Connection, unread: Unread) -> int:
        """Marks what is to be sent again, but for what is still unread. Returns how many rows."""
        parameters = positions(unread) | {"limit": DUE_AT_ONCE}
        tails = await conn.execute(_TAILS_DUE, parameters)
        routed = await conn.execute(_ROUTED_DUE, parameters)
        return tails.rowcount + routed.rowcount

    async def log_lost(self, conn: Connection) -> None:
        """Everything unrouted or unsettled becomes due now and its position is forgotten."""
        after: int | None = 0
        while after is not None:
            after = (await conn.execute(_FORGET, {"after": after, "limit": FORGOTTEN_AT_ONCE})).scalar_one()
