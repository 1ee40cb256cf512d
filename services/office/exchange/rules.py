"""Sorts a chunk of `deliver.*`: which hops are taken, which are receipted again, what is asked for, what is stuck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from contracts import registry
from contracts.envelope import Envelope, UnreadableEnvelope, from_record
from contracts.problems import PROBLEMS
from contracts.protocol import GATEWAY, Number, Verdict, judge_number
from contracts.registry import ContractViolation, Kind
from services.kernel.messaging.records import Identity, Record

VOIDED = "delivery.voided"
MESSAGE_VOIDED = "message.voided"
STUCK_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0)
"""A stuck hop is tried again after these; the last goes on for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One record with a hop number. `problem`: why it cannot be applied now, a problem code and perhaps more for the
    office's own eyes; or empty."""

    record: Record
    envelope: Envelope
    number: int
    payload: Mapping[str, Any]
    problem: str = ""

    @property
    def subject(self) -> str:
        return self.envelope.subject

    @property
    def key(self) -> tuple[str, int]:
        return self.subject, self.number

    @property
    def transfer(self) -> str:
        """What it carries; of a voided one, what it would have carried."""
        return str(self.payload["id"]) if self.voided and self.payload else self.envelope.id

    @property
    def voided(self) -> bool:
        return self.envelope.type == VOIDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Receipts and controls of one kind about own facts."""

    type: str
    items: Sequence[Mapping[str, Any]]
    at: datetime


@dataclass(frozen=True, slots=True)
class Dead:
    """A record that is no message for this office."""

    record: Record
    verdict: Verdict


@dataclass(slots=True)
class Plan:
    """What becomes of the hops of a chunk; `last` is the last hop taken of every subject afterwards."""

    last: dict[str, int]
    take: list[Hop] = field(default_factory=list)
    again: list[Hop] = field(default_factory=list)
    stuck: dict[str, Hop] = field(default_factory=dict)
    freed: set[str] = field(default_factory=set)
    ask: dict[str, int] = field(default_factory=dict)

    @property
    def hops(self) -> dict[str, int]:
        """Subjects that moved on, with the last hop taken."""
        return {hop.subject: self.last[hop.subject] for hop in self.take}


def read(record: Record) -> Hop | Word | Dead:
    """What a record is. Content that does not fit its contract leaves a hop with a problem, never nothing."""
    try:
        envelope = from_record(record.headers, record.value)
    except UnreadableEnvelope as error:
        return Dead(record, Verdict(step="headers", code="envelope.unreadable", pointer=error.header))
    payload = registry.read(envelope.contract, envelope.value)
    kind = registry.kind_of(envelope.type)
    if envelope.hopsequence is not None and (kind is Kind.FACT or envelope.type == VOIDED or kind is None):
        hop = Hop(record=record, envelope=envelope, number=envelope.hopsequence, payload={})
        if isinstance(payload, ContractViolation):
            code = "contract.unknown" if kind is None else "contract.invalid"
            return with_problem(hop, f"{code} {envelope.contract} {payload.pointer}".strip())
        return Hop(record=record, envelope=envelope, number=envelope.hopsequence, payload=payload)
    if isinstance(payload, ContractViolation):
        verdict = Verdict(step="contract", code="contract.invalid", pointer=payload.pointer, contract=envelope.contract)
        return Dead(record, verdict)
    if kind in (Kind.RECEIPT, Kind.CONTROL) and "items" in payload:
        return Word(type=envelope.type, items=payload["items"], at=envelope.time)
    return Dead(record, Verdict(step="contract", code="contract.unknown", contract=envelope.contract))


def plan(hops: Sequence[Hop], last: Mapping[str, int], stuck: set[str]) -> Plan:
    """Numbers decide (protocol.md 4). Nothing is parked: behind a gap or a stuck hop records are dropped and asked
    for when their turn comes; a subject is asked for at most once, and not while it is stuck."""
    made = Plan(last=dict(last))
    ahead: dict[str, int] = {}
    waiting = set(stuck)
    for hop in hops:
        subject = hop.subject
        number = judge_number(made.last[subject], hop.number)
        if number is Number.BEHIND:
            made.again.append(hop)
        elif number is Number.GAP:
            ahead[subject] = max(hop.number, ahead.get(subject, 0))
        elif hop.problem:
            made.stuck[subject] = hop
            waiting.add(subject)
        else:
            made.take.append(hop)
            made.last[subject] = hop.number
            made.stuck.pop(subject, None)
            waiting.discard(subject)
    made.freed = {hop.subject for hop in made.take} & stuck
    missing = {subject for subject, number in ahead.items() if number > made.last[subject]} | made.freed
    made.ask = {subject: made.last[subject] + 1 for subject in sorted(missing - waiting)}
    return made


def receipt(hop: Hop, refusals: Mapping[str, str], handed_over_at: str) -> dict[str, Any]:
    """The item of `receipt.handed-over` for a hop: what became of it, per organ."""
    source, transfer = hop.envelope.source, hop.envelope.id
    if hop.voided:
        source, transfer = hop.payload["source"], hop.payload["id"]
    reports = [_report(organ, refusals.get(organ), handed_over_at) for organ in hop.envelope.recipients]
    return {
        "source": source,
        "id": transfer,
        "subject": hop.subject,
        "hopsequence": hop.number,
        # of a voided hop nobody is left to hand over to; the contract wants a line, and the gateway closed it
        "deliveries": reports or [{"organ": GATEWAY, "state": "closed"}],
    }


def identity(item: Mapping[str, Any]) -> Identity:
    return Identity(item["source"], item["id"])


def _report(organ: str, refusal: str | None, handed_over_at: str) -> dict[str, Any]:
    if refusal:
        return {"organ": organ, "state": "refused", "code": refusal}
    return {"organ": organ, "state": "handed_over", "handed_over_at": handed_over_at}


def code_of(problem: str) -> str:
    """The code a problem begins with: all of it that leaves the office."""
    code = problem.partition(" ")[0]
    return code if code in PROBLEMS else "system.failed"


def with_problem(hop: Hop, problem: str) -> Hop:
    return replace(hop, problem=problem)
