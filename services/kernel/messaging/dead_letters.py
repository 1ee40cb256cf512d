"""Records that cannot be taken: headers and verdict are kept and told on `<topic>.dead`, the body never."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import text

from contracts.protocol import Verdict
from contracts.topology import dead
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.kernel.messaging.log_watch import SOUND
from services.kernel.messaging.records import Ack, Outgoing, Record, Unread

MAX_HEADERS = 64
MAX_HEADER_CHARACTERS = 512

_ADD = text("""
    INSERT INTO dead_letter (topic, log_partition, log_offset, headers, verdict)
    VALUES (:topic, :partition, :offset, :headers, :verdict) RETURNING id, created_at
""")
_COLUMNS = ("id", "topic", "log_partition", "log_offset", "headers", "verdict", "created_at")
_TAKE = f"""
    SELECT ROW({", ".join(_COLUMNS)}) FROM dead_letter WHERE NOT sent ORDER BY id LIMIT {{limit}}
"""  # noqa: S608 - constant text
_SENT = f"UPDATE dead_letter SET sent = true WHERE id = ANY(CAST(:ids AS bigint[])) AND {SOUND}"  # noqa: S608

_AGAIN = text("UPDATE dead_letter SET sent = false WHERE sent AND created_at > now() - make_interval(days => :days)")
TOLD_AGAIN_DAYS = 7
"""What is younger is told again when the log was lost; it was in the operators' list long before it is older."""


@dataclass(frozen=True, slots=True)
class Buried:
    """The row of a dead letter; with the program's name they name it for ever, also where a database was restored."""

    number: int
    at: datetime


async def add(conn: Connection, record: Record, verdict: Verdict) -> Buried:
    """Keeps a record's headers (cut to a bearable length) and why it was not taken; no commit."""
    kept = await conn.execute(
        _ADD,
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "headers": orjson.dumps(_readable(record)).decode(),
            "verdict": orjson.dumps(asdict(verdict)).decode(),
        },
    )
    row = kept.one()
    return Buried(row.id, row.created_at)


class DeadLetterSource:
    """The relay's source for `<topic>.dead`: headers as they came; as value the verdict and where the record lay."""

    name = "dead letters"

    def take(self, reads: Reads, limit: int, held: Collection[str]) -> Callable[[], list[Outgoing]]:
        rows = [] if held else reads.add(_TAKE.format(limit=limit), {})
        return lambda: [_outgoing(dict(zip(_COLUMNS, row, strict=True))) for row in rows]

    def acknowledge(self, writes: Writes, acks: Sequence[Ack]) -> None:
        writes.add(_SENT, {"ids": [ack.outgoing.ref[0] for ack in acks]})

    async def fall_due(self, conn: Connection, unread: Unread) -> int:
        return 0

    async def log_lost(self, conn: Connection) -> None:
        """The rows stay; the gateway, which gathers what the offices buried, and Kafka users read them again."""
        await conn.execute(_AGAIN, {"days": TOLD_AGAIN_DAYS})


def _outgoing(row: Mapping[str, Any]) -> Outgoing:
    return Outgoing(
        topic=dead(row["topic"]),
        key=str(row["id"]),
        value=_told(row),
        headers=tuple((name, value.encode()) for name, value in orjson.loads(row["headers"])),
        ref=(row["id"],),
    )


def _told(row: Mapping[str, Any]) -> bytes:
    """The verdict's members, and beside them those that say which record it was."""
    which = {
        "number": row["id"],
        "topic": row["topic"],
        "partition": row["log_partition"],
        "offset": row["log_offset"],
        "at": row["created_at"].astimezone(UTC).isoformat(),
    }
    return orjson.dumps(orjson.loads(row["verdict"]) | which)


def _readable(record: Record) -> list[tuple[str, str]]:
    """Any bytes as text; NUL would be refused by the database."""
    return [(_text(name.encode("utf-8", "replace")), _text(raw or b"")) for name, raw in record.headers[:MAX_HEADERS]]


def _text(raw: bytes) -> str:
    return (
        raw[: MAX_HEADER_CHARACTERS * 4]
        .decode("utf-8", "backslashreplace")
        .replace("\x00", "\\x00")[:MAX_HEADER_CHARACTERS]
    )
