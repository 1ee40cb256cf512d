"""The gateway's database: what a chunk of facts, receipts and requests changes in it, and what its relay sends.

Each public method is one transaction; who calls it holds the row locks of the subjects concerned.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.custody import Dossier, Refusal, decide, is_outdated, submit, told
from contracts.protocol import (
    ASK_PAUSE_SECONDS,
    DELIVERY_RESEND_SECONDS,
    Arrival,
    DeliveryState,
    Rung,
    Sending,
    Stamp,
    addressees,
    hops_to_send,
    judge_arrival,
    reported,
    settle,
    wait_seconds,
)

from .log import Place
from .office import IsUnread
from .process import Locks, Memory
from .relay import Lease, Outgoing
from .wire import PAPER, SUBMIT, VOID, Answer, Ask, Batch, Carried, Fact, Handed, Message, Mistake, States, Violation

Identity = tuple[str, str]
HopKey = tuple[str, str, int]
"""(subject, office, hopsequence)."""


@dataclass(eq=False)
class Entry:
    """A line of the ledger: the fact, the verdict, one delivery per organ, the stamp after its effect."""

    fact: Fact
    refusal: Refusal | None = None
    stamp: Stamp | None = None
    states: dict[str, DeliveryState] = field(default_factory=dict)
    hops: list["Hop"] = field(default_factory=list)
    parked: bool = False

    @property
    def is_accepted(self) -> bool:
        return self.refusal is None and not self.parked and self.fact.action != VOID

    @property
    def identity(self) -> Identity:
        return self.fact.source, self.fact.id


@dataclass(eq=False)
class Hop:
    """One record on its way to one office. `pending` marks it to be sent, receipted or not."""

    entry: Entry
    subject: str
    office: str
    number: int
    organs: tuple[str, ...]
    receipted: bool = False
    pending: bool = True
    round: int = 0
    attempts: int = 0
    due_at: float = 0.0
    place: Place | None = None
    offset: int | None = None

    def mark(self) -> None:
        """To be sent, whatever its reader has passed; an ack under way is none any more."""
        self.pending, self.round = True, self.round + 1

    def sending(self, now: float, *, unread: bool) -> Sending:
        if self.pending:
            return Sending(Rung.UNSENT)
        return Sending(Rung.SETTLED if self.receipted else Rung.SENT, self.due_at <= now, unread)

    @property
    def record(self) -> Carried:
        return Carried(
            subject=self.subject,
            office=self.office,
            hop=self.number,
            fact=self.entry.fact,
            organs=addressees({organ: self.entry.states[organ] for organ in self.organs}),
            stamp=self.entry.stamp,
        )


class Gateway:
    def __init__(self, homes: Mapping[str, str], *, is_unread: IsUnread, mistake: Mistake | None) -> None:
        self.homes = dict(homes)
        self.mistake = mistake
        self.locks = Locks()
        self.lease = Lease()
        self.cluster = 1
        self.losses = 0
        self.acknowledged: dict[Place, int] = {}
        self.ledger: dict[Identity, Entry] = {}
        self.by_subject: dict[str, list[Entry]] = {}
        self.sequences: dict[tuple[str, str], int] = {}
        self.dossiers: dict[str, Dossier] = {}
        self.hops: dict[HopKey, Hop] = {}
        self.undecided: set[str] = set()
        self.waiting: list[tuple[Entry, str]] = []
        self.touched: set[str] = set()
        self._hop_counters: dict[tuple[str, str], int] = {}
        self._notes: dict[int, tuple[str, Answer | Ask]] = {}
        self._asked: dict[str, float] = {}
        self._drawn = 0
        self._is_unread = is_unread

    def drawn_hops(self) -> dict[tuple[str, str], int]:
        return dict(self._hop_counters)

    # what comes in

    def take(self, messages: Iterable[Message], now: float, memory: Memory) -> None:
        for message in messages:
            if isinstance(message, Fact):
                self._take_fact(message, now, memory)
            elif isinstance(message, Handed):
                self._take_receipt(message)
            elif isinstance(message, Ask):
                self._take_request(message)
            else:
                raise Violation("a topic holds only its own kinds", message)

    def _take_fact(self, fact: Fact, now: float, memory: Memory) -> None:
        known = self.ledger.get((fact.source, fact.id))
        last = self.sequences.get((fact.subject, fact.emitter), 0)
        arrival = judge_arrival(
            known.fact.digest() if known else None, fact.digest(), last=last, sequence=fact.sequence
        )
        match arrival:
            case Arrival.ANSWER if known is not None:
                self._answer_again(known, now)
            case Arrival.ASK if self.mistake is Mistake.PARKED_GAP:
                self.ledger[fact.source, fact.id] = Entry(fact, parked=True)
                memory.parked[fact.subject, fact.emitter, fact.sequence] = fact
            case Arrival.ASK:
                self._request(fact, last + 1, now)
            case Arrival.TAKE:
                self._judge(fact, now, memory)
                following = memory.parked.pop((fact.subject, fact.emitter, fact.sequence + 1), None)
                if following is not None:
                    self.ledger.pop((following.source, following.id), None)
                    self._take_fact(following, now, memory)
            case _:
                raise Violation("a number is used once", (arrival, fact))

    def _answer_again(self, entry: Entry, now: float) -> None:
        if self.mistake is Mistake.SILENT_DUPLICATE or entry.parked:
            return
        self._answer_whole(entry)
        for hop in entry.hops:
            if not hop.receipted:
                hop.due_at = now

    def _judge(self, fact: Fact, now: float, memory: Memory) -> None:
        """Accepted or refused, the number is used up; ledger, route, hops, dossier and receipt in one transaction."""
        self.touched.add(fact.subject)
        self.sequences[fact.subject, fact.emitter] = fact.sequence
        before = self.dossiers.get(fact.subject)
        outcome = self._enforce(fact, before)
        entry = Entry(fact, refusal=outcome if isinstance(outcome, Refusal) else None)
        if entry.refusal is None:
            organs = told(before, outcome, fact.sender) if isinstance(outcome, Dossier) else fact.recipients
            entry.states = dict.fromkeys(organs, DeliveryState.OPEN)
        if isinstance(outcome, Dossier):
            self.dossiers[fact.subject] = outcome
        dossier = self.dossiers.get(fact.subject)
        entry.stamp = dossier.stamp if dossier else None
        self.ledger[entry.identity] = entry
        self.by_subject.setdefault(fact.subject, []).append(entry)
        self._route(entry, now, memory)
        self._answer_whole(entry)

    def _enforce(self, fact: Fact, before: Dossier | None) -> Dossier | Refusal | None:
        if fact.action == VOID:
            return None
        if not fact.readable:
            return Refusal("schema", "contract.invalid")
        if fact.action == PAPER:
            return None
        if fact.action == SUBMIT:
            return Refusal("custody", "dossier.exists") if before else submit(fact.sender, fact.deciding)
        if before is None or fact.move is None:
            return Refusal("custody", "dossier.unknown")
        outcome = decide(before, fact.move)
        if isinstance(outcome, Dossier) and fact.snapshot and self.mistake is not Mistake.BARE_SNAPSHOT:
            entries = [entry for entry in self.by_subject[fact.subject] if entry.is_accepted]
            accepted = {entry.fact.id for entry in entries}
            due = {entry.fact.id for entry in entries if self._is_due_to(entry, fact.sender)}
            if is_outdated(fact.snapshot.history, accepted=accepted, due=due):
                return Refusal("custody", "custody.stale")
        return outcome

    def _is_due_to(self, entry: Entry, organ: str) -> bool:
        state = dict(self._told(entry)).get(organ)
        return entry.fact.sender == organ or state in (DeliveryState.OPEN, DeliveryState.HANDED_OVER)

    def _route(self, entry: Entry, now: float, memory: Memory) -> None:
        """Opens a hop per office; an organ without a decided successor waits, and so does what follows for it."""
        offices: dict[str, list[str]] = {}
        for organ in entry.states:
            if organ in self.undecided or self._is_held_up(entry, organ):
                self.waiting.append((entry, organ))
            else:
                offices.setdefault(self.homes[organ], []).append(organ)
        for office, organs in sorted(offices.items()):
            self._open_hop(entry, office, tuple(organs), now, memory)

    def _is_held_up(self, entry: Entry, organ: str) -> bool:
        """Something of the subject waits for this organ's successor, whatever the registry says by now."""
        if self.mistake is Mistake.OVERTAKING:
            return False
        return any(waiting == organ and before.fact.subject == entry.fact.subject for before, waiting in self.waiting)

    def _open_hop(self, entry: Entry, office: str, organs: tuple[str, ...], now: float, memory: Memory) -> None:
        subject = entry.fact.subject
        counters = self._hop_counters if memory.drawn is None else memory.drawn
        number = counters.get((subject, office), 0) + 1
        counters[subject, office] = self._hop_counters[subject, office] = number
        hop = Hop(entry, subject, office, number, organs, due_at=now)
        self.hops[subject, office, number] = hop
        entry.hops.append(hop)

    def _take_receipt(self, handed: Handed) -> None:
        hop = self.hops.get((handed.subject, handed.office, handed.hop))
        if hop is None or not {organ for organ, _ in handed.results} <= set(hop.organs):
            raise Violation("a receipt names a hop of its office", handed)
        before, states = self._told(hop.entry), hop.entry.states
        if not hop.receipted:
            hop.receipted, hop.pending = True, False
        for organ, result in handed.results:
            if states[organ] is DeliveryState.OPEN or self.mistake is not Mistake.DEAF_CLOSE:
                states[organ] = settle(states[organ], result)
        self._answer_changes(hop.entry, before)

    def _take_request(self, ask: Ask) -> None:
        """Every hop from that number on, closed ones as void, goes again."""
        for (subject, office, number), hop in self.hops.items():
            if subject == ask.subject and office == ask.emitter and number >= ask.first and not hop.pending:
                hop.mark()

    # what people do

    def close(self, entry: Entry, organ: str, now: float) -> None:
        """An operator gives a delivery up; its hop narrows, or goes out as void under its number."""
        if entry.states.get(organ) is not DeliveryState.OPEN:
            return
        before = self._told(entry)
        entry.states[organ] = DeliveryState.CLOSED
        for hop in entry.hops:
            if organ in hop.organs and not hop.receipted:
                hop.mark()
        if (entry, organ) in self.waiting:
            self.waiting.remove((entry, organ))
        self._answer_changes(entry, before)

    def default_successor(self, organ: str) -> None:
        """The registry names the one that receives from now on; what waits goes on waiting for a person."""
        self.undecided.discard(organ)

    @property
    def unsettled(self) -> list[str]:
        """Organs for which a person has to choose."""
        return sorted(self.undecided | {organ for _, organ in self.waiting})

    def settle_successor(self, organ: str, now: float) -> None:
        """The decision applies to all that waited for this organ, in their order; each takes a hop of its own."""
        self.undecided.discard(organ)
        released = [entry for entry, waiting in self.waiting if waiting == organ]
        self.waiting = [(entry, waiting) for entry, waiting in self.waiting if waiting != organ]
        for entry in released:
            self._open_hop(entry, self.homes[organ], (organ,), now, Memory())

    # what goes out

    def _told(self, entry: Entry) -> States:
        """The deliveries as the sender is told of them."""
        under_way = {organ for hop in entry.hops if not hop.receipted for organ in hop.organs}
        if self.mistake is Mistake.HASTY_CLOSE:
            under_way = set()
        return tuple(
            (organ, reported(state, receipted=organ not in under_way)) for organ, state in entry.states.items()
        )

    def _answer_whole(self, entry: Entry) -> None:
        self._answer(entry, "refused" if entry.refusal else "routed", self._told(entry))

    def _answer_changes(self, entry: Entry, before: States) -> None:
        changed = tuple(pair for pair in self._told(entry) if pair not in before)
        if changed:
            self._answer(entry, "handed-over", changed)

    def _answer(self, entry: Entry, kind: str, deliveries: States) -> None:
        """Every receipt carries the dossier's present stamp, so a lost one is made good by any later one."""
        dossier = self.dossiers.get(entry.fact.subject)
        answer = Answer(
            source=entry.fact.source,
            id=entry.fact.id,
            subject=entry.fact.subject,
            kind=kind,
            deliveries=deliveries,
            refusal=entry.refusal,
            stamp=dossier.stamp if dossier else None,
        )
        self._note(entry.fact.source, answer)

    def _request(self, fact: Fact, first: int, now: float) -> None:
        if now - self._asked.get(fact.subject, -ASK_PAUSE_SECONDS) >= ASK_PAUSE_SECONDS:
            self._asked[fact.subject] = now
            self._note(fact.source, Ask(fact.subject, fact.emitter, first))

    def _note(self, office: str, note: Answer | Ask) -> None:
        self._drawn += 1
        self._notes[self._drawn] = (office, note)

    def outgoing(self, now: float) -> list[Outgoing]:
        """Hops that are due, in hop order; receipts, one record an office; requests."""
        self._fall_due(now)
        found = [
            Outgoing(
                ref=hop_key,
                topic=f"deliver.{hop.office}",
                key=hop.subject,
                lane=f"{hop.office} {hop.subject}",
                message=hop.record,
                round=hop.round,
            )
            for hop_key, hop in sorted(self.hops.items())
            if hop.pending
        ]
        batches: dict[str, dict[int, Answer]] = {}
        for number, (office, note) in self._notes.items():
            if isinstance(note, Ask):
                found.append(Outgoing(number, f"deliver.{office}", note.subject, f"note {number}", note))
            else:
                batches.setdefault(office, {})[number] = note
        for office, answers in batches.items():
            batch = Batch(tuple(answers.values()))
            found.append(Outgoing(tuple(answers), f"deliver.{office}", office, f"receipts {office}", batch))
        return found

    def _fall_due(self, now: float) -> None:
        """Marks what the shared rule says is to be sent again."""
        lines: dict[tuple[str, str], list[Hop]] = {}
        for _, hop in sorted(self.hops.items()):
            lines.setdefault((hop.subject, hop.office), []).append(hop)
        for (_, office), hops in lines.items():
            rows = [hop.sending(now, unread=self._is_unread(f"office.{office}", hop.place, hop.offset)) for hop in hops]
            for place in hops_to_send(rows):
                if not hops[place].pending:
                    hops[place].mark()

    def sent(self, outgoing: Outgoing, partition: int, offset: int, now: float) -> None:
        if outgoing.ref in self.hops:
            hop = self.hops[outgoing.ref]
            if not hop.pending or hop.round != outgoing.round:
                return
            hop.attempts, hop.pending = hop.attempts + 1, False
            hop.place, hop.offset = (outgoing.topic, partition), offset
            hop.due_at = now + wait_seconds(DELIVERY_RESEND_SECONDS, hop.attempts)
            return
        numbers = outgoing.ref if isinstance(outgoing.ref, tuple) else (outgoing.ref,)
        for number in numbers:
            self._notes.pop(number, None)

    def unsendable(self, outgoing: Outgoing) -> None:
        raise Violation("what was accepted can be sent on", outgoing)

    def log_lost(self) -> None:
        """Everything open is due and its position forgotten; `losses` tells every process to read from the start."""
        self.losses += 1
        self.acknowledged.clear()
        for hop in self.hops.values():
            hop.place = hop.offset = None
            if not hop.receipted:
                hop.attempts = 0
                hop.mark()

    def next_due(self) -> float | None:
        return min((hop.due_at for hop in self.hops.values() if not hop.receipted), default=None)
