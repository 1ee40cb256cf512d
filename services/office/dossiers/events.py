"""The Kafka door of dossiers: what other organs did, and what the gateway told about own facts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from contracts.problems import HubError
from contracts.protocol import Stamp
from contracts.registry import MESSAGES
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.office.doors import About, Addressee, Answers, Fact, Told
from services.office.dossiers import rules, store
from services.office.dossiers.rules import AWAITED, REFUSED, ROUTED, SUBMITTED, Entry, Held
from services.office.organs.actions import Organs

_AWAITED = frozenset(rules.message_of(action) for action in AWAITED)


class DossierDoor:
    """Implements `services.office.doors.Door`."""

    types: Collection[str] = frozenset(name for name in MESSAGES if name.startswith("dossier."))

    def __init__(self, organs: Organs) -> None:
        self._organs = organs

    def kind(self, message_type: str) -> str:
        return "dossier"

    def href(self, subject: str) -> str:
        return f"/v1/dossiers/{subject}"

    def digests(self, fact: Fact) -> Collection[str]:
        return rules.digests(fact.payload)

    def visit(self, reads: Reads, about: About, answers: Answers) -> "DossierVisit":
        return DossierVisit(self._organs, reads, about)

    async def lacking(self, conn: Connection, facts: Sequence[Fact]) -> Mapping[Addressee, str]:
        keys = {
            Addressee(fact.envelope.id, organ): (organ, fact.envelope.subject)
            for fact in facts
            for organ in fact.organs
        }
        held = await store.load_states(conn, set(keys.values()))
        return {addressee: "dossier.unknown" for addressee, key in keys.items() if key not in held}


class DossierVisit:
    """Implements `services.office.doors.Visit`: a few statements for the whole chunk, shared with all others."""

    def __init__(self, organs: Organs, reads: Reads, about: About) -> None:
        self._organs = organs
        self._found = store.states_of(reads, about.subjects)
        self._waiting = store.pending(reads, about.told)
        self._steps: list[tuple[store.Key, Entry]] = []
        self._verdicts: dict[tuple[store.Key, str], tuple[str, str | None]] = {}
        self._bells: set[str] = set()

    async def receive(self, conn: Connection, facts: Sequence[Fact], now: datetime) -> Mapping[Addressee, str]:
        """Brings the rows of every organ up to date: those addressed take the fact, and whoever else holds the dossier
        here its stamp."""
        refusals: dict[Addressee, str] = {}
        for fact in facts:
            decider = self._organs.canonical(rules.decider_of(fact.payload))
            for organ in fact.organs:
                key = organ, fact.envelope.subject
                try:
                    held, told = rules.receive(self._rows.get(key), organ, fact.envelope, fact.payload, decider=decider)
                except HubError as error:
                    refusals[Addressee(fact.envelope.id, organ)] = error.code
                else:
                    self._rows[key] = held
                    self._steps += [(key, step) for step in told]
        self.mirror(rules.newest_stamps((fact.envelope.subject, fact.envelope.stamp) for fact in facts))
        return refusals

    def mirror(self, stamps: Mapping[str, Stamp]) -> None:
        for key, held in self._rows.items():
            self._rows[key] = rules.mirror(held, stamps.get(held.code))

    async def take_word(self, conn: Connection, told: Sequence[Told]) -> None:
        """Own steps leave `pending` once; stamps count by version, whatever order word comes in."""
        waiting = {transfer for (transfer,) in self._waiting}
        for each in told:
            key = each.holder, each.subject
            if key not in self._rows:
                continue
            # without a stamp the effect of the step would be nowhere: it stays on its way until one comes
            ended = each.transfer in waiting and (each.verdict is not None or (each.routed and each.stamp is not None))
            refused = ended and each.verdict is not None
            if ended:
                state = (REFUSED, each.verdict.code) if each.verdict else (ROUTED, None)
                self._verdicts.setdefault((key, each.transfer), state)
                if each.type in _AWAITED:
                    self._bells.add(bell(each.transfer))
            self._rows[key] = rules.take_word(
                self._rows[key], stamp=each.stamp, submit_refused=refused and each.type == SUBMITTED
            )

    def write(self, writes: Writes) -> None:
        store.add(writes, [held for key, held in self._rows.items() if key not in self._known])
        changed = [held for key, held in self._rows.items() if key in self._known and held != self._known[key]]
        store.move(writes, changed)
        store.add_steps(writes, self._steps)
        store.judge(writes, self._verdicts)
        writes.ring(*self._bells)

    @cached_property
    def _known(self) -> Mapping[store.Key, Held]:
        return store.known(self._found)

    @cached_property
    def _rows(self) -> dict[store.Key, Held]:
        """As they are to be."""
        return dict(self._known)


def bell(transfer: str) -> str:
    return f"stamp:{transfer}"
