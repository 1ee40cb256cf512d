"""The Kafka door: chunks of `deliver.<level>` are read, attachments copied in, and the exchange called once a chunk."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

import structlog

from contracts.problems import HubError
from contracts.protocol import Verdict
from services.kernel.connection import Connection
from services.kernel.database import ring_on_commit
from services.kernel.messaging import dead_letters
from services.kernel.messaging.lane import place
from services.kernel.messaging.outbox import BELL
from services.kernel.messaging.records import Record, TopicPartition
from services.office.attachments.actions import Attachments
from services.office.doors import Fact
from services.office.exchange import rules
from services.office.exchange.actions import Exchange
from services.office.exchange.rules import Dead, Hop, Word

COPIES_AT_ONCE = 4

_log = structlog.get_logger(__name__)
_Prepared = tuple[Hop | Word | Dead, Mapping[str, int]]


class DeliverDoor:
    """Handler of the kernel's consumer; also what retries of stuck hops go through."""

    def __init__(self, exchange: Exchange, attachments: Attachments) -> None:
        self._exchange = exchange
        self._attachments = attachments
        self._copying = asyncio.Semaphore(COPIES_AT_ONCE)
        # by offset of the partition, of which one chunk at a time is in work
        self._prepared: dict[TopicPartition, dict[int, _Prepared]] = {}

    async def prepare(self, records: Sequence[Record]) -> None:
        """Reads the records and copies attachments; what cannot be copied leaves its hop with a problem."""
        read = [self._read(record) for record in records]
        copying = (self._copy(part, digests) for part, digests in read if isinstance(part, Hop) and digests)
        copied = iter(await asyncio.gather(*copying))
        prepared: dict[TopicPartition, dict[int, _Prepared]] = {}
        for record, (part, digests) in zip(records, read, strict=True):
            prepared.setdefault(place(record), {})[record.offset] = next(copied) if digests else (part, {})
        self._prepared |= prepared

    async def apply(self, conn: Connection, records: Sequence[Record]) -> None:
        prepared = [self._prepared[place(record)][record.offset] for record in records]
        parts = [part for part, _ in prepared]
        sizes = {digest: size for _, each in prepared for digest, size in each.items()}
        hops = [part for part in parts if isinstance(part, Hop)]
        words = [part for part in parts if isinstance(part, Word)]
        for part in parts:
            if isinstance(part, Dead):
                await self._give_up(conn, part.record, part.verdict)
        await self._exchange.take(conn, hops, words, sizes)

    async def bury(self, conn: Connection, record: Record, error: Exception) -> None:
        """A hop is never given up: it is stuck and tried again. Receipts are: the gateway gives them again."""
        part = rules.read(record)
        if isinstance(part, Hop):
            if await self._exchange.hold(conn, part, f"system.failed {type(error).__name__}"):
                _log.error("hop.stuck", subject=part.subject, hop=part.number, transfer=part.envelope.id)
            return
        await self._give_up(conn, record, Verdict(step="unexpected", code="system.failed"))
        ring_on_commit(conn, BELL)

    def committed(self, records: Sequence[Record]) -> None:
        partitions = dict.fromkeys(map(place, records))
        for part, _ in (each for one in partitions for each in self._prepared.pop(one, {}).values()):
            if isinstance(part, Hop):
                _log.info(
                    "hop.received",
                    transfer=part.envelope.id,
                    type=part.envelope.type,
                    subject=part.subject,
                    hop=part.number,
                    organs=part.envelope.recipients,
                    problem=part.problem or None,
                    traceparent=part.envelope.traceparent,
                )

    def _read(self, record: Record) -> tuple[Hop | Word | Dead, Collection[str]]:
        """What it is, and the attachments it needs here."""
        part = rules.read(record)
        if not isinstance(part, Hop) or part.problem or part.voided or part.envelope.type == rules.MESSAGE_VOIDED:
            return part, ()
        door = self._exchange.door_of(part.envelope.type)
        if door is None:
            return rules.with_problem(part, f"contract.unknown {part.envelope.contract}"), ()
        if not part.envelope.recipients:
            return rules.with_problem(part, "recipient.none"), ()
        return part, door.digests(Fact(part.envelope, part.payload))

    async def _copy(self, hop: Hop, digests: Collection[str]) -> _Prepared:
        origin = hop.envelope.source.partition(";")[0].rpartition(":")[2]
        try:
            async with self._copying:
                return hop, await self._attachments.copy_in(origin, digests)
        except HubError as error:
            return rules.with_problem(hop, error.code), {}

    async def _give_up(self, conn: Connection, record: Record, verdict: Verdict) -> None:
        _log.error("record.given_up", topic=record.topic, offset=record.offset, step=verdict.step, code=verdict.code)
        await dead_letters.add(conn, record, verdict)
        ring_on_commit(conn, BELL)
