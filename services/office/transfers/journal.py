"""What a chunk of records makes of transfers: own ones are read once, what becomes of all is written once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

import orjson

from contracts.envelope import Envelope
from contracts.protocol import Verdict
from services.kernel.bulk import Reads, Writes
from services.kernel.messaging.outbox import Outbox
from services.kernel.messaging.records import Identity
from services.office.doors import Answer, Fact
from services.office.transfers import rules, store
from services.office.transfers.rules import Report, Transfer
from services.office.transfers.store import Key


class Journal:
    """Of the own transfers among `identities`, and of what came. Subjects must be locked before the reads are run, so
    that nobody else writes what is held here. `write` comes when everything was taken."""

    def __init__(self, outbox: Outbox, reads: Reads, identities: Collection[Identity]) -> None:
        ordered = sorted(set(identities))
        self._rungs = outbox.rungs(reads, ordered)
        self._found = store.own(reads, ordered)
        self._received: list[Transfer] = []
        self._reports: defaultdict[Key, dict[str, Report]] = defaultdict(dict)
        self._states: dict[Key, tuple[str, bytes | None]] = {}
        self._answers: defaultdict[Key, dict[tuple[str, str], Answer]] = defaultdict(dict)

    @cached_property
    def sent(self) -> dict[str, Transfer]:
        """Own transfers by id, as they stand."""
        return {transfer.id: transfer for transfer in store.own_of(self._found)}

    def receive(self, facts: Sequence[tuple[Fact, str]], now: datetime) -> None:
        """What came for each organ, so that it may look the transfer up too; own deliveries only."""
        self._received += [of_recipient(fact.envelope, organ) for fact, organ in facts]
        self._merge(
            Report(transfer=fact.envelope.id, holder=organ, organ=organ, state="handed_over", handed_over_at=now)
            for fact, organ in facts
        )

    def answer(self, answers: Iterable[Answer]) -> None:
        """Officers' acts at recipients of own transfers; the same one is kept once."""
        for each in answers:
            self._answers[Key(each.transfer, each.holder)].setdefault((each.organ, each.answer), each)

    def settle(self, routed: Mapping[Identity, bool], reports: Sequence[Report]) -> list[Transfer]:
        """Takes what the gateway told: `routed` names facts it holds, True when it told the whole route.

        Returns the transfers that became final by it, each once, whatever comes again or in another order.
        """
        mine = {each: whole for each, whole in routed.items() if each.id in self.sent}
        self._take(reports)
        for identity, whole in mine.items():
            if whole:
                self._move(identity.id, rules.ROUTED)
        moved = [self._complete(each.id) for each in mine]
        final = {Identity(each.source, each.id): each for each in moved if each.settled}
        settled = self._rungs.settled(final)
        self._rungs.routed(identity for identity in mine if identity not in final)
        return [final[identity] for identity in sorted(settled)]

    def refuse(self, verdicts: Mapping[Identity, Verdict], *, conflict: bool = False) -> list[Transfer]:
        """The gateway refused these, or (`conflict`) another message took their number and a person must look.

        Returns those that were not known to be refused before.
        """
        texts = {each: orjson.dumps(rules.describe(verdict)).decode() for each, verdict in verdicts.items()}
        ended = self._rungs.closed(texts) if conflict else self._rungs.refused(texts)
        changed = [each for each in sorted(ended) if each.id in self.sent]
        refused = []
        for each in changed:
            before = self.sent[each.id]
            self._move(each.id, rules.REFUSED, texts[each].encode())
            told = rules.describe(verdicts[each])
            refused.append(replace(before, state=rules.REFUSED, verdict=told, deliveries=(), answers=()))
        return refused

    def expire(self, reports: Sequence[Report]) -> list[Transfer]:
        """Nobody answered in time: shown, and no state changes. Returns the transfers concerned."""
        return [self._complete(transfer) for transfer in self._take(reports)]

    def write(self, writes: Writes) -> None:
        store.insert(writes, self._received)
        store.merge(writes, [each for told in self._reports.values() for each in told.values()])
        store.set_states(writes, self._states)
        store.add_answers(writes, [each for given in self._answers.values() for each in given.values()])
        self._rungs.write(writes)

    def _take(self, reports: Sequence[Report]) -> list[str]:
        """Reports about own transfers only, under their holder; gives the ids of those."""
        mine = [replace(each, holder=self.sent[each.transfer].holder) for each in reports if each.transfer in self.sent]
        self._merge([*mine, *rules.vacated(mine)])
        return sorted({each.transfer for each in mine})

    def _merge(self, reports: Iterable[Report]) -> None:
        for each in rules.merge(reports):
            key = Key(each.transfer, each.holder)
            known = self._reports[key].get(each.organ) or self._known.get(key, {}).get(each.organ)
            told = rules.later(known, each) if known else each
            if told != known:
                self._reports[key][each.organ] = told

    def _move(self, transfer: str, state: str, verdict: bytes | None = None) -> None:
        """On from `accepted`, once."""
        held = self.sent[transfer]
        if held.state == rules.ACCEPTED:
            self.sent[transfer] = replace(held, state=state)
            self._states[Key(held.id, held.holder)] = (state, verdict)

    def _complete(self, transfer: str) -> Transfer:
        """As it stands with everything told so far."""
        held = self.sent[transfer]
        key = Key(held.id, held.holder)
        told = self._known[key] | self._reports[key]
        given = {(each.organ, each.answer): each for each in held.answers}
        answers = given | {name: each for name, each in self._answers[key].items() if name not in given}
        return replace(
            held,
            deliveries=tuple(told[organ] for organ in sorted(told) if told[organ].state != rules.REDIRECTED),
            answers=tuple(sorted(answers.values(), key=lambda each: each.at)),
        )

    @cached_property
    def _known(self) -> dict[Key, dict[str, Report]]:
        return {
            Key(held.id, held.holder): {each.organ: each for each in held.deliveries} for held in self.sent.values()
        }


def of_recipient(envelope: Envelope, organ: str) -> Transfer:
    return _transfer(envelope, organ, rules.RECIPIENT, rules.ROUTED)


def of_sender(envelope: Envelope) -> Transfer:
    return _transfer(envelope, envelope.sender, rules.SENDER, rules.ACCEPTED)


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
