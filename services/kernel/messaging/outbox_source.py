"""The outbox as the relay sees it: what to send, what the broker took, what is to be sent again.

The cursor is the mark `pending`, read by id: of the forms tried it loses nothing and keeps each subject's order.
`round` is raised whenever a row is to be sent again, so that an ack for an earlier round does not take the mark off.
"""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.messaging.outbox import headers_from_text
from services.kernel.messaging.records import Ack, Outgoing, TopicPartition
from services.kernel.messaging.retry import UNROUTED, UNSETTLED, Schedule

CHUNK_BYTES = 8 * 1024 * 1024
DUE_AT_ONCE = 500
FORGOTTEN_AT_ONCE = 20_000

_TAKE = text("""
    SELECT id, round, topic, key, headers, value, fact FROM (
        SELECT id, round, topic, key, headers, value, sequence IS NOT NULL AS fact,
               sum(octet_length(value)) OVER (ORDER BY id) - octet_length(value) AS before
          FROM (SELECT * FROM outbox WHERE pending AND NOT key = ANY(CAST(:held AS text[])) ORDER BY id LIMIT :limit) o
    ) c WHERE before < :bytes ORDER BY id
""")

_HELD = "EXISTS (SELECT FROM lease WHERE name = :lease AND fence = :fence)"

_SENT = text(f"""
    UPDATE outbox o
       SET pending = false, state = CASE o.state WHEN 'unsent' THEN 'sent' ELSE o.state END,
           attempts = o.attempts + 1, sent_at = coalesce(o.sent_at, now()),
           log_partition = a.log_partition, log_offset = a.log_offset, log_generation = b.generation,
           due_at = now() + make_interval(secs => CASE o.state
               WHEN 'routed' THEN (CAST(:unsettled AS float8[]))[least(o.attempts + 1, :unsettled_count)]
               ELSE (CAST(:unrouted AS float8[]))[least(o.attempts + 1, :unrouted_count)] END)
      FROM unnest(CAST(:ids AS bigint[]), CAST(:rounds AS int[]), CAST(:partitions AS int[]),
                  CAST(:offsets AS bigint[])) AS a(id, round, log_partition, log_offset), broker b
     WHERE o.id = a.id AND o.round = a.round AND o.pending AND {_HELD}
""")  # noqa: S608 - constant text

_DROP = text(f"""
    DELETE FROM outbox o USING unnest(CAST(:ids AS bigint[]), CAST(:rounds AS int[])) AS a(id, round)
     WHERE o.id = a.id AND o.round = a.round AND {_HELD}
""")  # noqa: S608 - constant text

_PASSED = """
    WITH passed AS (
        SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
                      AS p(topic, log_partition, committed)
    )"""

# A tail is due when one of its rows is and the reader has passed everything that was sent of it.
_TAILS_DUE = text(f"""{_PASSED}, due AS (
        SELECT DISTINCT o.subject, o.organ, p.committed
          FROM passed p JOIN outbox o ON o.topic = p.topic AND o.log_partition = p.log_partition
                                     AND o.log_offset < p.committed
         WHERE o.state = 'sent' AND NOT o.pending AND o.due_at <= now() LIMIT :limit
    ), tail AS (
        SELECT o.id FROM due d JOIN outbox o ON o.subject = d.subject AND o.organ = d.organ
         WHERE o.sequence IS NOT NULL AND o.state IN ('unsent', 'sent')
           AND NOT EXISTS (SELECT FROM outbox w
                            WHERE w.subject = d.subject AND w.organ = d.organ AND w.sequence IS NOT NULL
                              AND w.state = 'sent' AND NOT w.pending AND w.log_offset >= d.committed)
         ORDER BY o.id FOR UPDATE OF o
    )
    UPDATE outbox o SET pending = true, round = o.round + 1, state = 'unsent' FROM tail WHERE o.id = tail.id
""")  # noqa: S608 - constant text

_ROUTED_DUE = text(f"""{_PASSED}, due AS (
        SELECT o.id FROM outbox o LEFT JOIN passed p ON p.topic = o.topic AND p.log_partition = o.log_partition
         WHERE o.state = 'routed' AND NOT o.pending AND o.due_at <= now()
           AND (o.log_offset IS NULL OR o.log_offset < coalesce(p.committed, 0))
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

    def __init__(self, *, lease: str = "relay", unrouted: Schedule = UNROUTED, unsettled: Schedule = UNSETTLED) -> None:
        self._lease = lease
        self._delays = {
            "unrouted": list(unrouted.delays),
            "unrouted_count": len(unrouted.delays),
            "unsettled": list(unsettled.delays),
            "unsettled_count": len(unsettled.delays),
        }

    async def take(self, conn: AsyncConnection, limit: int, held: Collection[str]) -> list[Outgoing]:
        """The oldest rows to send, without the keys in `held`."""
        rows = await conn.execute(_TAKE, {"limit": limit, "bytes": CHUNK_BYTES, "held": list(held)})
        return [
            Outgoing(
                topic=row.topic,
                key=row.key,
                value=row.value,
                headers=headers_from_text(row.headers),
                ref=(row.id, row.round, int(row.fact)),
            )
            for row in rows
        ]

    async def acknowledge(self, conn: AsyncConnection, acks: Sequence[Ack], fence: int) -> None:
        """Takes the marks off, if the lease is still held; receipts and controls are deleted, nothing resends them."""
        guard = {"lease": self._lease, "fence": fence}
        facts = [ack for ack in acks if ack.outgoing.ref[2]]
        if facts:
            await conn.execute(
                _SENT,
                {
                    "ids": [ack.outgoing.ref[0] for ack in facts],
                    "rounds": [ack.outgoing.ref[1] for ack in facts],
                    "partitions": [ack.partition for ack in facts],
                    "offsets": [ack.offset for ack in facts],
                    **self._delays,
                    **guard,
                },
            )
        others = [ack for ack in acks if not ack.outgoing.ref[2]]
        if others:
            await conn.execute(
                _DROP,
                {
                    "ids": [ack.outgoing.ref[0] for ack in others],
                    "rounds": [ack.outgoing.ref[1] for ack in others],
                    **guard,
                },
            )

    async def fall_due(self, conn: AsyncConnection, passed: Mapping[TopicPartition, int]) -> int:
        """Marks what is to be sent again; `passed` is how far the readers have committed. Returns how many rows."""
        positions = {
            "topics": [position.topic for position in passed],
            "partitions": [position.partition for position in passed],
            "offsets": list(passed.values()),
            "limit": DUE_AT_ONCE,
        }
        tails = await conn.execute(_TAILS_DUE, positions)
        routed = await conn.execute(_ROUTED_DUE, positions)
        return tails.rowcount + routed.rowcount

    async def log_lost(self, conn: AsyncConnection) -> None:
        """Everything unrouted or unsettled becomes due now and its position is forgotten."""
        after: int | None = 0
        while after is not None:
            after = (await conn.execute(_FORGET, {"after": after, "limit": FORGOTTEN_AT_ONCE})).scalar_one()
