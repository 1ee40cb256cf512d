"""The promises of the protocol, checked after each step and once all has come to rest."""

from collections.abc import Iterable, Mapping

from contracts.protocol import DeliveryState

from .gateway import Entry, Gateway, Hop
from .office import BOUND, Office, has_custody_action
from .wire import Violation


def _expect(holds: bool, promise: str, seen: object) -> None:
    if not holds:
        raise Violation(promise, seen)


class Checks:
    def __init__(self, gateway: Gateway, offices: Mapping[str, Office]) -> None:
        self._gateway = gateway
        self._offices = offices
        self._applied = dict.fromkeys(offices, 0)
        self._entries: dict[str, int] = {}
        self._places: dict[tuple[str, str], int] = {}
        self._reached: dict[tuple[str, str], int] = {}
        self._sequences: dict[tuple[str, str], int] = {}
        self._actors: dict[tuple[str, int], str] = {}
        self._able: dict[tuple[str, str], frozenset[str]] = {}

    # after each step

    def step(self) -> None:
        touched = set(self._gateway.touched)
        for subject in touched:
            self._ledger(subject, self._gateway.by_subject[subject])
            self._able["gateway", subject] = self._accepted_by_gateway(subject)
        for name, office in self._offices.items():
            self._effects(office)
            self._refusals(office)
            for subject in office.touched:
                self._able[name, subject] = frozenset(o for o in office.organs if office.may_act(o, subject))
            touched |= office.touched
            office.touched.clear()
        self._gateway.touched.clear()
        for subject in touched:
            self._one_actor(subject)

    def _effects(self, office: Office) -> None:
        """What was applied since the last step stands in the gateway's hops, in their order, and acted once."""
        fresh = office.applied[self._applied[office.name] :]
        self._applied[office.name] = len(office.applied)
        for subject, number, transfer in fresh:
            hop = self._gateway.hops.get((subject, office.name, number))
            _expect(
                hop is not None and hop.entry.fact.id == transfer,
                "hops are applied as the gateway numbered them",
                (office.name, subject, number, transfer),
            )
            if hop is not None:
                self._in_order(hop, subject)
        if fresh:
            doubled = [key for key, count in office.effects.items() if count > 1]
            _expect(not doubled, "a fact takes effect once at each recipient", doubled)

    def _in_order(self, hop: Hop, subject: str) -> None:
        place = self._places[hop.entry.identity]
        for organ in hop.organs:
            before = self._reached.get((subject, organ), 0)
            _expect(
                before < place,
                "an organ gets the facts of a subject in the order of the ledger",
                (organ, subject, before, place),
            )
            self._reached[subject, organ] = place

    def _refusals(self, office: Office) -> None:
        for row in office.rows.values():
            if row.refused and row.fact.subject in office.touched:
                told = office.mirrors[row.fact.subject].stamp
                entry = self._gateway.ledger[row.fact.source, row.fact.id]
                _expect(
                    entry.stamp is None or (told is not None and told.version >= entry.stamp.version),
                    "a refused fact gives its sender the gateway's stamp",
                    (row.fact.id, told, entry.stamp),
                )

    def _ledger(self, subject: str, entries: list[Entry]) -> None:
        """Numbers are taken gaplessly per emitter; in one epoch one organ acts by custody."""
        start = self._entries.get(subject, 0)
        self._entries[subject] = len(entries)
        for place, entry in enumerate(entries[start:], start + 1):
            fact = entry.fact
            self._places[entry.identity] = place
            key = (subject, fact.emitter)
            self._sequences[key] = self._sequences.get(key, 0) + 1
            _expect(fact.sequence == self._sequences[key], "facts are accepted in their order", fact)
            move = fact.move
            if entry.is_accepted and move is not None and move.action in BOUND and move.epoch is not None:
                actor = self._actors.setdefault((subject, move.epoch), move.actor)
                _expect(actor == move.actor, "in one epoch one organ acts by custody", (subject, move, actor))

    def _accepted_by_gateway(self, subject: str) -> frozenset[str]:
        dossier = self._gateway.dossiers.get(subject)
        return frozenset(o for o in dossier.audience if has_custody_action(dossier, o)) if dossier else frozenset()

    def _one_actor(self, subject: str) -> None:
        """Over what the gateway would accept and what each office would allow, now."""
        actors = frozenset().union(*(self._able.get((end, subject), ()) for end in ("gateway", *self._offices)))
        _expect(len(actors) <= 1, "at most one organ may act by custody", (subject, sorted(actors)))

    # at rest

    def final(self) -> None:
        self.step()
        for office in self._offices.values():
            self._sender_knows(office)
            self._recipients_have(office)
        for subject, dossier in self._gateway.dossiers.items():
            accepted = [entry for entry in self._gateway.by_subject[subject] if entry.is_accepted]
            _expect(dossier.stamp.version == len(accepted), "the version counts the accepted facts", subject)
            for organ in dossier.audience:
                if not any(_was_never_sent(entry, organ) for entry in accepted):
                    self._mirror(subject, organ, accepted)

    def _sender_knows(self, office: Office) -> None:
        for (subject, organ), line in office.lines.items():
            last = self._gateway.sequences.get((subject, f"{office.name}|{organ}"), 0)
            _expect(last == len(line), "every committed number is used", (subject, organ, last, len(line)))
            for row in line:
                entry = self._gateway.ledger[row.fact.source, row.fact.id]
                _expect(row.refused == (entry.refusal is not None), "the sender learns the verdict", row.fact)
                _expect(
                    row.states == entry.states, "the sender learns each delivery", (row.fact, row.states, entry.states)
                )

    def _recipients_have(self, office: Office) -> None:
        """Handed over means one effect; refused or closed means none. No void keeps later hops back."""
        for entry in self._gateway.ledger.values():
            for organ in set(entry.states).intersection(office.organs):
                count = office.effects[(*entry.identity, organ)]
                _expect(
                    count == (entry.states[organ] is DeliveryState.HANDED_OVER),
                    "a delivery's state is what its office did",
                    (entry.fact.id, organ, entry.states[organ], count),
                )
        for (subject, name), last in self._gateway.drawn_hops().items():
            if name == office.name:
                _expect(office.hops.get(subject, 0) == last, "no hop waits behind another", (name, subject, last))

    def _mirror(self, subject: str, organ: str, accepted: list[Entry]) -> None:
        office = next(office for office in self._offices.values() if organ in office.organs)
        mirror, dossier = office.mirrors.get(subject), self._gateway.dossiers[subject]
        if mirror is None:
            raise Violation("every party has a mirror", (subject, organ))
        _expect(mirror.stamp == dossier.stamp, "every mirror's stamp equals the gateway's", (organ, mirror.stamp))
        held, whole = mirror.history(organ), {entry.fact.id for entry in accepted}
        due = {
            entry.fact.id
            for entry in accepted
            if entry.fact.sender == organ or entry.states.get(organ) is DeliveryState.HANDED_OVER
        }
        if not _was_given_up(accepted):
            due = whole
        _expect(due <= held <= whole, "every mirror's history equals the gateway's", (organ, due - held, held - whole))


def _was_never_sent(entry: Entry, organ: str) -> bool:
    """Closed while the organ's successor was undecided: no hop, so nothing told its office."""
    return organ in entry.states and not any(organ in hop.organs for hop in entry.hops)


def _was_given_up(entries: Iterable[Entry]) -> bool:
    """Closed and refused deliveries leave holes, which a snapshot hands on."""
    gone = (DeliveryState.CLOSED, DeliveryState.REFUSED)
    return any(state in gone for entry in entries for state in entry.states.values())
