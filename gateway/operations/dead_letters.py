"""How dead letters come into the operators' list: the gateway's own as they are buried, the offices' by Kafka."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from contracts.levels import OFFICE_LEVELS
from contracts.protocol import GATEWAY, Verdict
from contracts.topology import DEAD_SUFFIX, dead, deliver
from gateway.operations import rules, store
from gateway.operations.rules import DeadLetter
from gateway.work import verdict_fields
from services.kernel.connection import Connection
from services.kernel.messaging import dead_letters
from services.kernel.messaging.records import Record

GROUP = "gateway.dead"
PROGRAM_OF = {dead(deliver(level)): str(level) for level in OFFICE_LEVELS}
"""Whoever reads a topic buries what cannot be read: one program a topic."""
MAX_PARTITION, MAX_OFFSET = 2**31, 2**63

log = structlog.get_logger(__name__)


async def bury(conn: Connection, record: Record, verdict: Verdict) -> None:
    """Keeps a record the gateway cannot take, for Kafka users and in the list; no commit."""
    kept = await dead_letters.add(conn, record, verdict)
    letter = DeadLetter(
        id=rules.dead_letter_id(GATEWAY, kept.number, kept.at),
        program=GATEWAY,
        topic=record.topic,
        log_partition=record.partition,
        log_offset=record.offset,
        headers=rules.shown_headers(record.headers),
        verdict=rules.shown_verdict(verdict_fields(verdict)),
        at=kept.at,
    )
    await store.list_letters(conn, [letter])


class Gathering:
    """Handler of the consumer of `deliver.*.dead`. Repeats change nothing: each letter has one name for ever."""

    async def prepare(self, records: Sequence[Record]) -> None:
        """The records are all there is."""

    async def apply(self, conn: Connection, records: Sequence[Record]) -> None:
        await store.list_letters(conn, [letter for record in records if (letter := _read(record))])

    async def bury(self, conn: Connection, record: Record, error: Exception) -> None:
        """There is no list behind the list: the record stays in its topic for a month."""

    def committed(self, records: Sequence[Record]) -> None:
        """Nobody waits for it."""


def _read(record: Record) -> DeadLetter | None:
    """None for what is no dead letter of an office; only a stranger writes such a thing."""
    try:
        told: dict[str, Any] = orjson.loads(record.value or b"")
        at = datetime.fromisoformat(told["at"]).astimezone(UTC)
        program = PROGRAM_OF[record.topic]
        partition, offset = int(told["partition"]), int(told["offset"])
        if not (0 <= partition < MAX_PARTITION and 0 <= offset < MAX_OFFSET):
            raise ValueError("no place in a log")
        return DeadLetter(
            id=rules.dead_letter_id(program, int(told["number"]), at),
            program=program,
            topic=record.topic.removesuffix(DEAD_SUFFIX),
            log_partition=partition,
            log_offset=offset,
            headers=rules.shown_headers(record.headers),
            verdict=rules.shown_verdict(told),
            at=at,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        log.error("dead_letter.unreadable", topic=record.topic, partition=record.partition, offset=record.offset)
        return None
