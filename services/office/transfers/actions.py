"""The journey of facts: opened with the fact; what becomes of them is written by a journal."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts import registry
from contracts.envelope import MAX_VALUE_BYTES, Envelope
from contracts.problems import HubError
from services.kernel.bulk import Reads, Writes
from services.kernel.clock import Clock
from services.kernel.connection import Connection
from services.kernel.messaging.outbox import Outbox
from services.kernel.messaging.records import Identity
from services.office.transfers import store
from services.office.transfers.journal import Journal, of_sender


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFact:
    """A fact before it has a number. `recipients` is what the office knows; the gateway decides who gets it.

    Making one raises `size.too_large` or `contract.invalid` for what the gateway would refuse by itself.
    """

    id: str
    type: str
    subject: str
    sender: str
    value: bytes = field(repr=False)
    recipients: tuple[str, ...] = ()
    system: str = ""
    epoch: int | None = None
    traceparent: str = ""
    priority: int = 0

    def __post_init__(self) -> None:
        if len(self.value) > MAX_VALUE_BYTES:
            raise HubError("size.too_large", f"the message may have {MAX_VALUE_BYTES} bytes")
        contract = registry.MESSAGES[self.type].contract
        violation = registry.validate(contract, self.value)
        if violation:
            raise HubError("contract.invalid", violation.rule, pointer=violation.pointer, contract=contract)


class Transfers:
    """Writes an office's own facts and what becomes of them."""

    def __init__(self, outbox: Outbox, clock: Clock, *, source: str, topic: str) -> None:
        self._outbox = outbox
        self._clock = clock
        self._source = source
        self._topic = topic

    async def open(self, conn: Connection, facts: Sequence[NewFact]) -> datetime:
        """Numbers and writes facts whose subjects are locked; returns the hub time they carry."""
        writes = Writes()
        now = await self.gather(conn, writes, facts)
        await writes.run(conn)
        return now

    async def gather(self, conn: Connection, writes: Writes, facts: Sequence[NewFact]) -> datetime:
        """The same, to be written together with what else the facts change."""
        now = self._clock.hub_now()
        if facts:
            numbers = await self._outbox.number(conn, [(fact.subject, fact.sender) for fact in facts])
            self._gather(writes, facts, numbers, now)
        return now

    def gather_first(self, writes: Writes, facts: Sequence[NewFact]) -> datetime:
        """The same for the first facts of new subjects, without a lock. The whole statement is refused (unique
        violation) if one of the subjects is not new."""
        now = self._clock.hub_now()
        if facts:
            self._outbox.start(writes, [(fact.subject, fact.sender) for fact in facts])
            self._gather(writes, facts, [1] * len(facts), now)
        return now

    def journal(self, reads: Reads, identities: Collection[Identity]) -> Journal:
        """For what the gateway told about these, and what came."""
        return Journal(self._outbox, reads, identities)

    async def resend(self, conn: Connection, subject: str, emitter: str, first: int) -> list[int]:
        """The gateway asks for everything of the subject and emitter (source and organ) from this number on."""
        source, _, organ = emitter.rpartition("|")
        return await self._outbox.tail_from(conn, subject, organ, first) if source == self._source else []

    def _gather(self, writes: Writes, facts: Sequence[NewFact], numbers: Sequence[int], now: datetime) -> None:
        envelopes = [self._envelope(fact, number, now) for fact, number in zip(facts, numbers, strict=True)]
        store.insert(writes, [of_sender(envelope) for envelope in envelopes])
        self._outbox.append(writes, self._topic, envelopes)

    def _envelope(self, fact: NewFact, number: int, now: datetime) -> Envelope:
        return Envelope(
            id=fact.id,
            source=self._source,
            type=fact.type,
            version=registry.MESSAGES[fact.type].version,
            subject=fact.subject,
            sender=fact.sender,
            system=fact.system,
            recipients=fact.recipients,
            sequence=number,
            epoch=fact.epoch,
            time=now,
            occurredat=now,
            traceparent=fact.traceparent,
            priority=fact.priority,
            value=fact.value,
        )
