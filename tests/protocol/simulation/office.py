"""An office's database: the door for its organs, the outbox, the hops it applies, its mirror of each dossier.

Each public method is one transaction; who calls it holds the subject's row lock.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.custody import (
    ACTIONS,
    CUSTODY_ACTIONS,
    Custody,
    Dossier,
    Move,
    Who,
    bound,
    is_repeat,
    judge,
    project,
    submit,
)
from contracts.protocol import (
    ASK_AGAIN_SECONDS,
    ASK_PAUSE_SECONDS,
    FACT_RESEND_SECONDS,
    DeliveryState,
    Number,
    Rung,
    Sending,
    climb,
    judge_number,
    rung_of,
    settle,
    to_send,
    unjudged,
    wait_seconds,
)

from .log import Place
from .mirror import Mirror
from .process import Locks, Memory
from .relay import Lease, Outgoing
from .wire import (
    PAPER,
    SUBMIT,
    VOID,
    Answer,
    Ask,
    Batch,
    Carried,
    Fact,
    Handed,
    Message,
    Mistake,
    Snapshot,
    Violation,
)

IsUnread = Callable[[str, Place | None, int | None], bool]
"""(group, place, offset): whether the group has yet to read it; asked of the broker."""


@dataclass
class Row:
    """A fact in the outbox, to be sent while `pending`. `listed` once `receipt.routed` has named all its deliveries."""

    fact: Fact
    rung: Rung = Rung.UNSENT
    pending: bool = True
    round: int = 0
    attempts: int = 0
    due_at: float = 0.0
    place: Place | None = None
    offset: int | None = None
    listed: bool = False
    refused: bool = False
    states: dict[str, DeliveryState] = field(default_factory=dict)

    def mark(self) -> None:
        """To be sent, whatever its reader has passed; an ack under way is none any more."""
        self.pending, self.round = True, self.round + 1

    def climb(self, rung: Rung) -> None:
        """By a receipt; what has come further need not be sent."""
        if rung > self.rung:
            self.rung, self.pending = climb(self.rung, rung), False


class Office:
    def __init__(self, name: str, organs: tuple[str, ...], *, is_unread: IsUnread, mistake: Mistake | None) -> None:
        self.name = name
        self.organs = organs
        self.mistake = mistake
        self.locks = Locks()
        self.lease = Lease()
        self.cluster = 1
        self.losses = 0
        self.acknowledged: dict[Place, int] = {}
        self.rows: dict[str, Row] = {}
        self.lines: dict[tuple[str, str], list[Row]] = {}
        self.mirrors: dict[str, Mirror] = {}
        self.hops: dict[str, int] = {}
        self.receipts: dict[tuple[str, int], Handed] = {}
        self.effects: Counter[tuple[str, str, str]] = Counter()
        self.applied: list[tuple[str, int, str]] = []
        self.stuck: dict[str, Carried] = {}
        self.jammed: set[str] = set()
        self.absent: set[str] = set()
        self.touched: set[str] = set()
        self._notes: dict[int, Message] = {}
        self._asked: dict[str, float] = {}
        self._drawn = 0
        self._is_unread = is_unread

    # the door

    def open_dossier(self, organ: str, subject: str, deciding: str, *, readable: bool = True) -> None:
        fact = self._write(organ, subject, SUBMIT, deciding=deciding, readable=readable)
        self.mirrors.setdefault(subject, Mirror()).learn(fact)

    def issue(self, organ: str, subject: str, recipients: tuple[str, ...], *, readable: bool, sendable: bool) -> None:
        """A fact about a document: no stamp, no custody, several emitters at once."""
        self.mirrors.setdefault(subject, Mirror())
        self._write(organ, subject, PAPER, recipients=recipients, readable=readable, sendable=sendable)

    def act(
        self, organ: str, subject: str, action: str, *, taker: str = "", careless: bool = False, sendable: bool = True
    ) -> str:
        """Posts an action; returns why not, or "". `careless` skips the local judgement, as a lagging copy does."""
        seen = self.view(organ, subject)
        if seen is None:
            return "dossier.unknown"
        move = self._move(seen[0], organ, action, taker)
        refused = "" if careless else self._judge(*seen, move)
        if not refused:
            self._write(organ, subject, action, move=move, sendable=sendable)
        return refused

    def allowed(self, organ: str, subject: str, actions: Iterable[str], taker: str) -> list[str]:
        """Which of these actions would be answered 200 now."""
        seen = self.view(organ, subject)
        if seen is None:
            return []
        return [action for action in actions if not self._judge(*seen, self._move(seen[0], organ, action, taker))]

    def _judge(self, shown: Dossier, custody: Custody, move: Move) -> str:
        if custody is Custody.TAKING and (bound(shown, move) or move.action in CUSTODY_ACTIONS):
            return "custody.taking"
        refusal = judge(shown, move)
        if refusal:
            return refusal.code
        return "repeat" if is_repeat(shown.stamp, move.action) else ""

    def view(self, organ: str, subject: str) -> tuple[Dossier, Custody] | None:
        """What the organ is shown and allowed: the stamp and its own pending facts."""
        mirror = self.mirrors.get(subject)
        if mirror is None:
            return None
        dossier = mirror.dossier() or self._before_first_stamp(mirror, subject)
        return project(dossier, self._pending_moves(organ, subject), organ) if dossier else None

    def may_act(self, organ: str, subject: str) -> bool:
        """Whether some custody-bound action of the organ would be answered 200 now."""
        seen = self.view(organ, subject)
        return seen is not None and seen[1] is Custody.HELD and has_custody_action(seen[0], organ)

    def _before_first_stamp(self, mirror: Mirror, subject: str) -> Dossier | None:
        line = self.lines.get((subject, mirror.receiver), ())
        opened = [row.fact for row in line if row.fact.action == SUBMIT and not row.refused]
        return submit(mirror.receiver, opened[-1].deciding) if opened else None

    def _pending_moves(self, organ: str, subject: str) -> list[Move]:
        line = self.lines.get((subject, organ), [])
        pending = line[len(line) - unjudged([row.rung for row in line]) :]
        return [row.fact.move for row in pending if row.fact.move is not None]

    def _move(self, shown: Dossier, organ: str, action: str, taker: str) -> Move:
        offer = shown.stamp.offer.id if shown.stamp.offer else ""
        if action == "transfer":
            offer = f"offer-{self.name}-{self._drawn}"
        move = Move(action=action, actor=organ, offer=offer, taker=taker)
        return replace(move, epoch=shown.stamp.epoch) if bound(shown, move) else move

    def _write(self, organ: str, subject: str, action: str, **content: Any) -> Fact:
        """Fact, number and outbox row in one; `content` is the rest of the fact's fields."""
        line = self.lines.setdefault((subject, organ), [])
        self._drawn += 1
        fact = Fact(
            id=f"{self.name}-{self._drawn}",
            source=self.name,
            subject=subject,
            sender=organ,
            sequence=len(line) + 1,
            action=action,
            **content,
            snapshot=self._snapshot(organ, subject) if action == "transfer" else None,
        )
        line.append(Row(fact))
        self.touched.add(subject)
        self.rows[fact.id] = line[-1]
        return fact

    def _snapshot(self, organ: str, subject: str) -> Snapshot:
        """The history the organ knows to be accepted, and its own facts before this one that were not refused."""
        mirror = self.mirrors[subject]
        rows = self.lines[subject, organ]
        unknown = (row.fact.id for row in rows if row.rung < Rung.ROUTED and row.fact.action != VOID)
        return Snapshot(mirror.receiver, mirror.parties, mirror.history(organ).union(unknown))

    # what comes in

    def drawn_hops(self) -> dict[tuple[str, str], int]:
        return {}

    def take(self, messages: Iterable[Message], now: float, memory: Memory) -> None:
        for message in messages:
            if isinstance(message, Carried):
                self._take_carried(message, now)
            elif isinstance(message, Batch):
                for answer in message.answers:
                    self._take_answer(answer, now)
            elif isinstance(message, Ask):
                self._take_request(message)
            else:
                raise Violation("a topic holds only its own kinds", message)

    def _take_carried(self, carried: Carried, now: float) -> None:
        subject, last = carried.subject, self.hops.get(carried.subject, 0)
        match judge_number(last, carried.hop):
            case Number.BEHIND:
                if self.mistake is not Mistake.SILENT_DUPLICATE:
                    self._note(self.receipts[subject, carried.hop])
            case Number.GAP:
                if subject not in self.stuck:
                    self._request(subject, last + 1, now)
            case Number.NEXT if subject in self.jammed and carried.organs:
                self.stuck[subject] = carried
            case Number.NEXT:
                self._apply(carried, now)

    def unjam(self, subject: str, now: float) -> None:
        """What was stuck can be applied again."""
        self.jammed.discard(subject)
        carried = self.stuck.get(subject)
        if carried is not None:
            self._apply(carried, now)

    def _apply(self, carried: Carried, now: float) -> None:
        fact, subject = carried.fact, carried.subject
        self.touched.add(subject)
        mirror = self.mirrors.setdefault(subject, Mirror())
        results = []
        for organ in carried.organs:
            if organ in self.absent:
                results.append((organ, DeliveryState.REFUSED))
                continue
            results.append((organ, DeliveryState.HANDED_OVER))
            self.effects[fact.source, fact.id, organ] += 1
            mirror.remember(organ, [*(fact.snapshot.history if fact.snapshot else ()), fact.id])
        if results:
            mirror.learn(fact)
        mirror.see(carried.stamp, versionless=self.mistake is Mistake.VERSIONLESS_STAMP)
        self.hops[subject] = carried.hop
        self.applied.append((subject, carried.hop, fact.id))
        self.receipts[subject, carried.hop] = Handed(self.name, subject, carried.hop, tuple(results))
        self._note(self.receipts[subject, carried.hop])
        if self.stuck.pop(subject, None) is not None:
            self._request(subject, carried.hop + 1, now)

    def _take_answer(self, answer: Answer, now: float) -> None:
        row = self.rows[answer.id]
        self.touched.add(answer.subject)
        mirror = self.mirrors.setdefault(answer.subject, Mirror())
        mirror.see(answer.stamp, versionless=self.mistake is Mistake.VERSIONLESS_STAMP)
        if answer.kind == "conflict":
            raise Violation("a number is used once", row.fact)
        if answer.kind == "refused":
            row.refused = True
            row.climb(Rung.SETTLED)
            return
        for organ, state in answer.deliveries:
            row.states[organ] = settle(row.states.get(organ, DeliveryState.OPEN), state)
        row.listed = row.listed or answer.kind == "routed"
        if row.rung < Rung.ROUTED:
            row.attempts, row.due_at = 1, now + wait_seconds(ASK_AGAIN_SECONDS, 1)
            if row.fact.action != VOID:
                mirror.learn(row.fact)
                mirror.remember(row.fact.sender, [row.fact.id])
        row.climb(rung_of(row.states.values() if row.listed else None))

    def _take_request(self, ask: Ask) -> None:
        """Everything from that number on goes again."""
        for (subject, organ), line in self.lines.items():
            if subject == ask.subject and f"{self.name}|{organ}" == ask.emitter:
                last = ask.first if self.mistake is Mistake.SINGLE_RESEND else len(line)
                for row in line[ask.first - 1 : last]:
                    row.attempts = 0
                    row.mark()

    def _request(self, subject: str, first: int, now: float) -> None:
        if now - self._asked.get(subject, -ASK_PAUSE_SECONDS) >= ASK_PAUSE_SECONDS:
            self._asked[subject] = now
            self._note(Ask(subject, self.name, first))

    def _note(self, message: Message) -> None:
        self._drawn += 1
        self._notes[self._drawn] = message

    # the relay's side

    def outgoing(self, now: float) -> list[Outgoing]:
        """Facts that are due by the shared rule, then receipts and requests."""
        topic = f"ingest.{self.name}"
        found = []
        for (subject, _), line in self.lines.items():
            for place in self._due_places(line, now):
                if not line[place].pending:
                    line[place].mark()
            found += [
                Outgoing(row.fact.id, topic, subject, subject, row.fact, row.fact.sendable, row.round)
                for row in line
                if row.pending
            ]
        for number, note in self._notes.items():
            found.append(Outgoing(number, topic, note.subject, f"note {number}", note))  # type: ignore[union-attr]
        return found

    def _due_places(self, rows: list[Row], now: float) -> list[int]:
        sendings = [
            Sending(
                Rung.UNSENT if row.pending else row.rung,
                due=row.due_at <= now,
                unread=self._is_unread("gateway", row.place, row.offset),
            )
            for row in rows
        ]
        if self.mistake is Mistake.SINGLE_RESEND:
            return [i for i, one in enumerate(sendings) if one.rung < Rung.SETTLED and one.due and not one.unread]
        return to_send(sendings)

    def sent(self, outgoing: Outgoing, partition: int, offset: int, now: float) -> None:
        if isinstance(outgoing.ref, int):
            self._notes.pop(outgoing.ref, None)
            return
        row = self.rows[str(outgoing.ref)]
        if not row.pending or row.round != outgoing.round:
            return
        row.rung, row.pending = climb(row.rung, Rung.SENT), False
        row.attempts += 1
        row.place, row.offset = (outgoing.topic, partition), offset
        schedule = ASK_AGAIN_SECONDS if row.rung is Rung.ROUTED else FACT_RESEND_SECONDS
        row.due_at = now + wait_seconds(schedule, row.attempts)

    def unsendable(self, outgoing: Outgoing) -> None:
        """The broker will never take it: its number goes out as `message.voided`."""
        row = self.rows[str(outgoing.ref)]
        self.touched.add(row.fact.subject)
        row.fact = replace(row.fact, id=row.fact.id + "-void", action=VOID, move=None, snapshot=None, sendable=True)
        self.rows[row.fact.id] = row

    def log_lost(self) -> None:
        """Everything open is due and its position forgotten; `losses` tells every process to read from the start."""
        self.losses += 1
        self.acknowledged.clear()
        for row in self.rows.values():
            if row.rung < Rung.SETTLED:
                row.attempts, row.place, row.offset = 0, None, None
                row.mark()

    def next_due(self) -> float | None:
        return min((row.due_at for row in self.rows.values() if row.rung < Rung.SETTLED), default=None)


def has_custody_action(dossier: Dossier, organ: str) -> bool:
    """Whether any custody-bound action of the organ is allowed in this state."""
    stamp = dossier.stamp
    moves = (Move(action=action, actor=organ, epoch=stamp.epoch, offer="any", taker="another") for action in BOUND)
    return any(bound(dossier, move) and judge(dossier, move) is None for move in moves)


BOUND = ("transfer", *(name for name, rule in ACTIONS.items() if rule.who is not Who.RECEIVER))
