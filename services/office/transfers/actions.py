"""The journey of facts: opened with the fact, moved on by what the gateway tells, recorded at recipients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts import registry
from contracts.envelope import MAX_VALUE_BYTES, Envelope
from contracts.problems import HubError
from contracts.protocol import Verdict
from services.kernel.clock import Clock
from services.kernel.messaging.outbox import Outbox
from services.kernel.messaging.records import Identity
from services.office.doors import Fact
from services.office.transfers import rules, store
from services.office.transfers.rules import Answer, Report, Transfer
from services.office.transfers.store import Key


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
        violation = registry.validate(registry.MESSAGES[self.type].contract, self.value)
        if violation:
            raise HubError("contract.invalid", violation.rule, pointer=violation.pointer)


class Transfers:
    """Writes an office's own facts and what becomes of them."""

    def __init__(self, outbox: Outbox, clock: Clock, *, source: str, topic: str) -> None:
        self._outbox = outbox
        self._clock = clock
        self._source = source
        self._topic = topic

    def identity(self, transfer: str) -> Identity:
        return Identity(self._source, transfer)

    async def open(self, conn: AsyncConnection, facts: Sequence[NewFact]) -> datetime:
        """Numbers and writes facts whose subjects are locked; returns the hub time they carry."""
        now = self._clock.hub_now()
        numbers = await self._outbox.number(conn, [(fact.subject, fact.sender) for fact in facts])
        envelopes = [self._envelope(fact, number, now) for fact, number in zip(facts, numbers, strict=True)]
        await store.insert(conn, [_own(envelope) for envelope in envelopes])
        await self._outbox.append(conn, self._topic, envelopes)
        return now

    async def settle(
        self, conn: AsyncConnection, routed: Mapping[Identity, bool], reports: Sequence[Report]
    ) -> list[Transfer]:
        """Takes what the gateway told: `routed` names facts it holds, True when it told the whole route.

        Returns the transfers that became final by it, each once, whatever comes again or in another order.
        """
        known = await store.own(conn, routed.keys())
        await store.merge(conn, _merged(known, reports))
        whole = [each for identity, complete in routed.items() if complete and (each := known.get(identity.id))]
        await store.set_state(conn, rules.ROUTED, {Key(each.id, each.holder): None for each in whole})
        names = {each.id for each in whole}
        moved = [replace(each, state=rules.ROUTED) if _waits(each, names) else each for each in known.values()]
        complete = await store.complete(conn, moved)
        final = {Identity(each.source, each.id): each for each in complete if each.settled}
        settled = await self._outbox.mark_settled(conn, final)
        await self._outbox.mark_routed(conn, [identity for identity in routed if identity not in final])
        return [final[identity] for identity in sorted(settled)]

    async def refuse(self, conn: AsyncConnection, verdicts: Mapping[Identity, Verdict]) -> list[Transfer]:
        """The gateway refused these; returns those not known to be refused before."""
        return await self._end(conn, verdicts, by_conflict=False)

    async def conflict(self, conn: AsyncConnection, verdicts: Mapping[Identity, Verdict]) -> list[Transfer]:
        """Another message took their number; they stay closed until a person has looked."""
        return await self._end(conn, verdicts, by_conflict=True)

    async def expire(self, conn: AsyncConnection, reports: Mapping[Identity, Sequence[Report]]) -> list[Transfer]:
        """Nobody answered in time: shown, and no state changes."""
        known = await store.own(conn, reports.keys())
        await store.merge(conn, _merged(known, [report for each in reports.values() for report in each]))
        return await store.complete(conn, list(known.values()))

    async def record_received(self, conn: AsyncConnection, facts: Sequence[tuple[Fact, str]], now: datetime) -> None:
        """What came for each organ, so that it may look the transfer up too; own deliveries only."""
        await store.insert(conn, [_received(fact.envelope, organ) for fact, organ in facts])
        reports = [
            Report(transfer=fact.envelope.id, holder=organ, organ=organ, state="handed_over", handed_over_at=now)
            for fact, organ in facts
        ]
        await store.merge(conn, rules.merge(reports))

    async def answer(self, conn: AsyncConnection, answers: Sequence[Answer]) -> None:
        """Officers' acts at recipients of own transfers; the same one is kept once."""
        await store.add_answers(conn, answers)

    async def resend(self, conn: AsyncConnection, subject: str, organ: str, first: int) -> list[int]:
        """The gateway asks for everything from this number on."""
        return await self._outbox.tail_from(conn, subject, organ, first)

    async def _end(
        self, conn: AsyncConnection, verdicts: Mapping[Identity, Verdict], *, by_conflict: bool
    ) -> list[Transfer]:
        texts = {identity: orjson.dumps(rules.describe(verdict)).decode() for identity, verdict in verdicts.items()}
        mark = self._outbox.mark_closed if by_conflict else self._outbox.mark_refused
        changed = await mark(conn, texts)
        known = await store.own(conn, changed)
        ended = {Key(each.id, each.holder): texts[Identity(each.source, each.id)].encode() for each in known.values()}
        await store.set_state(conn, rules.REFUSED, ended)
        return [
            replace(each, state=rules.REFUSED, verdict=rules.describe(verdicts[Identity(each.source, each.id)]))
            for each in known.values()
        ]

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


def _merged(known: Mapping[str, Transfer], reports: Sequence[Report]) -> list[Report]:
    """Reports about own transfers only, under their holder."""
    mine = [replace(each, holder=known[each.transfer].holder) for each in reports if each.transfer in known]
    return rules.merge(mine)


def _waits(transfer: Transfer, routed: set[str]) -> bool:
    return transfer.state == rules.ACCEPTED and transfer.id in routed
