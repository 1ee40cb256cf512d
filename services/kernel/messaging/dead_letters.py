"""Records that cannot be taken: headers and verdict are kept and told on `<topic>.dead`, the body never."""

from collections.abc import Collection, Sequence
from dataclasses import asdict

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.protocol import Verdict
from contracts.topology import dead
from services.kernel.messaging.records import Ack, Outgoing, Record, Unread

MAX_HEADERS = 64
MAX_HEADER_CHARACTERS = 512

_ADD = text("""
    INSERT INTO dead_letter (topic, log_partition, log_offset, headers, verdict)
    VALUES (:topic, :partition, :offset, :headers, :verdict)
""")
_TAKE = text("SELECT id, topic, headers, verdict FROM dead_letter WHERE NOT sent ORDER BY id LIMIT :limit")
_SENT = text("""
    UPDATE dead_letter SET sent = true WHERE id = ANY(CAST(:ids AS bigint[]))
       AND EXISTS (SELECT FROM lease WHERE name = :lease AND fence = :fence)
""")


async def add(conn: AsyncConnection, record: Record, verdict: Verdict) -> None:
    """Keeps a record's headers (cut to a bearable length) and why it was not taken; no commit."""
    await conn.execute(
        _ADD,
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "headers": orjson.dumps(_readable(record)).decode(),
            "verdict": orjson.dumps(asdict(verdict)).decode(),
        },
    )


class DeadLetterSource:
    """The relay's source for `<topic>.dead`: headers as they came, the verdict as value."""

    name = "dead letters"

    def __init__(self, *, lease: str = "relay") -> None:
        self._lease = lease

    async def take(self, conn: AsyncConnection, limit: int, held: Collection[str]) -> list[Outgoing]:
        if held:
            return []
        return [
            Outgoing(
                topic=dead(row.topic),
                key=str(row.id),
                value=row.verdict.encode(),
                headers=tuple((name, value.encode()) for name, value in orjson.loads(row.headers)),
                ref=(row.id,),
            )
            for row in await conn.execute(_TAKE, {"limit": limit})
        ]

    async def acknowledge(self, conn: AsyncConnection, acks: Sequence[Ack], fence: int) -> None:
        if acks:
            ids = [ack.outgoing.ref[0] for ack in acks]
            await conn.execute(_SENT, {"ids": ids, "lease": self._lease, "fence": fence})

    async def fall_due(self, conn: AsyncConnection, unread: Unread) -> int:
        return 0

    async def log_lost(self, conn: AsyncConnection) -> None:
        """Nothing: the rows stay, the topic is a copy for Kafka users."""


def _readable(record: Record) -> list[tuple[str, str]]:
    """Any bytes as text; NUL would be refused by the database."""
    return [(_text(name.encode("utf-8", "replace")), _text(raw or b"")) for name, raw in record.headers[:MAX_HEADERS]]


def _text(raw: bytes) -> str:
    return (
        raw[: MAX_HEADER_CHARACTERS * 4]
        .decode("utf-8", "backslashreplace")
        .replace("\x00", "\\x00")[:MAX_HEADER_CHARACTERS]
    )
