"""The journey of facts: opened with the fact, moved on by what the gateway tells, recorded at recipients."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson

from contracts import registry
from contracts.envelope import MAX_VALUE_BYTES, Envelope
from contracts.problems import HubError
from contracts.protocol import Verdict
from services.kernel.clock import Clock
from services.kernel.database import Connection
from services.kernel.messaging.outbox import Outbox
from services.kernel.messaging.records import Identity
from services.office.doors import Fact
from services.office.transfers import rules, store
from services.office.transfers.rules import Answer, Report, Transfer
from services.office.transfers.store import Key

Sent = Mapping[str, Transfer]
"""Own transfers by id."""


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
        now = self._clock.hub_now()
        if not facts:
            return now
        numbers = await self._outbox.number(conn, [(fact.subject, fact.sender) for fact in facts])
        envelopes = [self._envelope(fact, number, now) for fact, number in zip(facts, numbers, strict=True)]
        await store.insert(conn, [_own(envelope) for envelope in envelopes])
        await self._outbox.append(conn, self._topic, envelopes)
        return now

    async def sent(self, conn: Connection, identities: Collection[Identity]) -> Sent:
        """The own transfers among these, by id; their subjects must be locked."""
        return await store.own(conn, identities)

    async def settle(
        self, conn: Connection, sent: Sent, routed: Mapping[Identity, bool], reports: Sequence[Report]
    ) -> list[Transfer]:
        """Takes what the gateway told: `routed` names facts it holds, True when it told the whole route.

        Returns the transfers that became final by it, each once, whatever comes again or in another order.
        """
        mine = {each: whole for each, whole in routed.items() if each.id in sent}
        await store.merge(conn, _merged(sent, reports))
        whole = {each.id for each, told in mine.items() if told}
        moved = [_routed(sent[each.id]) if each.id in whole else sent[each.id] for each in mine]
        await store.set_state(
            conn, rules.ROUTED, {Key(each.id, each.holder): None for each in moved if each.id in whole}
        )
        final = {Identity(each.source, each.id): each for each in await store.complete(conn, moved) if each.settled}
        settled = await self._outbox.mark_settled(conn, final)
        await self._outbox.mark_routed(conn, [identity for identity in mine if identity not in final])
        return [final[identity] for identity in sorted(settled)]

    async def refuse(
        self, conn: Connection, sent: Sent, verdicts: Mapping[Identity, Verdict], *, conflict: bool = False
    ) -> list[Transfer]:
        """The gateway refused these, or (`conflict`) another message took their number and a person must look.

        Returns those that were not known to be refused before.
        """
        texts = {each: orjson.dumps(rules.describe(verdict)).decode() for each, verdict in verdicts.items()}
        mark = self._outbox.mark_closed if conflict else self._outbox.mark_refused
        changed = [each for each in sorted(await mark(conn, texts)) if each.id in sent]
        ended = {Key(each.id, sent[each.id].holder): texts[each].encode() for each in changed}
        await store.set_state(conn, rules.REFUSED, ended)
        return [replace(sent[each.id], state=rules.REFUSED, verdict=rules.describe(verdicts[each])) for each in changed]

    async def expire(self, conn: Connection, sent: Sent, reports: Sequence[Report]) -> list[Transfer]:
        """Nobody answered in time: shown, and no state changes. Returns the transfers concerned."""
        merged = _merged(sent, reports)
        await store.merge(conn, merged)
        concerned = sorted({each.transfer for each in merged})
        return await store.complete(conn, [sent[transfer] for transfer in concerned])

    async def record_received(self, conn: Connection, facts: Sequence[tuple[Fact, str]], now: datetime) -> None:
        """What came for each organ, so that it may look the transfer up too; own deliveries only."""
        await store.insert(conn, [_received(fact.envelope, organ) for fact, organ in facts])
        reports = [
            Report(transfer=fact.envelope.id, holder=organ, organ=organ, state="handed_over", handed_over_at=now)
            for fact, organ in facts
        ]
        await store.merge(conn, rules.merge(reports))

    async def answer(self, conn: Connection, answers: Sequence[Answer]) -> None:
        """Officers' acts at recipients of own transfers; the same one is kept once."""
        await store.add_answers(conn, answers)

    async def resend(self, conn: Connection, subject: str, emitter: str, first: int) -> list[int]:
        """The gateway asks for everything of the subject and emitter (source and organ) from this number on."""
        source, _, organ = emitter.rpartition("|")
        return await self._outbox.tail_from(conn, subject, organ, first) if source == self._source else []

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


def _own(envelope: Envelope) -> Transfer:
    return _transfer(envelope, envelope.sender, rules.SENDER, rules.ACCEPTED)


def _received(envelope: Envelope, organ: str) -> Transfer:
    return _transfer(envelope, organ, rules.RECIPIENT, rules.ROUTED)


def _transfer(envelope: Envelope, holder: str, role: str, state: str) -> Transfer:
    return Transfer(
        id=envelope.id,
        holder=holder,
        source=envelope.source,
        type=envelope.type,
        subject=envelope.subject,
        sender=envelope.sender,
        role=role,
        state=state,
        accepted_at=envelope.time,
    )


def _merged(sent: Sent, reports: Sequence[Report]) -> list[Report]:
    """Reports about own transfers only, under their holder."""
    mine = [replace(each, holder=sent[each.transfer].holder) for each in reports if each.transfer in sent]
    return rules.merge([*mine, *rules.vacated(mine)])


def _routed(transfer: Transfer) -> Transfer:
    return replace(transfer, state=rules.ROUTED) if transfer.state == rules.ACCEPTED else transfer
