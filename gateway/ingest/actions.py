"""Takes facts and receipts of a chunk: identity and number first, then the pipeline; everything is saved together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from contracts.envelope import Envelope, rfc3339
from contracts.protocol import GATEWAY, Number, Verdict, judge_number
from gateway.delivery import store as deliveries
from gateway.ingest.rules import Arrival, referred
from gateway.pipeline import carry, refused
from gateway.subjects import store as subjects
from gateway.succession import store as succession
from gateway.transfers import store as transfers
from gateway.transfers.store import Known
from gateway.work import Work, report, subject_fields
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection

DOCUMENT = "document."


@dataclass(slots=True)
class Outcome:
    """What the caller must bury: (place, verdict). Everything else is decided and written."""

    dead: list[tuple[int, Verdict]] = field(default_factory=list)


def look_up(reads: Reads, work: Work, envelopes: Sequence[Envelope], made: Collection[str] = ()) -> None:
    """What the rules need of facts whose subjects are held; the reading fills it into `work`. Of the subjects `made`
    with this chunk nothing is known."""
    names = sorted({envelope.subject for envelope in envelopes} - set(made))
    issued = {envelope.subject for envelope in envelopes if envelope.type.startswith(DOCUMENT)}
    subjects.read(
        reads,
        work.states,
        dossiers=sorted(work.states.keys() - set(made)),
        numbered=names,
        documents=[name for name in names if name in issued],
    )
    transfers.read(reads, sorted({(envelope.source, envelope.id) for envelope in envelopes}), work.ledger)
    others = {each for envelope in envelopes for each in referred(envelope)}
    subjects.read_documents(reads, others, work.others)
    succession.read_lines(reads, work.states, names)


async def accept(connection: Connection, work: Work, arrivals: Sequence[Arrival]) -> Outcome:
    """Facts of subjects that `work` holds locked and has looked up, in order of arrival. Writes nothing but when what
    is asked again becomes due."""
    outcome = Outcome()
    for arrival in arrivals:
        verdict = _take(work, arrival)
        if verdict:
            outcome.dead.append((arrival.place, verdict))
    await _answer_again(connection, work)
    return outcome


async def accept_own(connection: Connection, work: Work, envelopes: Sequence[Envelope]) -> None:
    """Facts entering at the gateway itself, whose subjects are held: numbered here, in the accepting transaction; they
    have no first leg."""
    reads, writes = Reads(), Writes()
    look_up(reads, work, envelopes)
    await reads.run(connection)
    for envelope in envelopes:
        if (envelope.source, envelope.id) not in work.ledger:
            sequence = work.states[envelope.subject].last(envelope.emitter) + 1
            carry(work, replace(envelope, sequence=sequence), GATEWAY)
    save(writes, work)
    await writes.run(connection)


def save(writes: Writes, work: Work) -> None:
    """Writes what a chunk decided: ledger, payloads, hops, deliveries, state, events, receipts."""
    transfers.add(writes, work.transfers, work.payloads)
    subjects.save(writes, work.states.values(), work.now)
    rows = {"hops": work.hops, "deliveries": work.deliveries, "answers": work.answers}
    deliveries.add(writes, {**rows, "receipts": work.receipts, "events": work.events})


def _take(work: Work, arrival: Arrival) -> Verdict | None:
    """One fact; a verdict means dead letter (what can be refused to its sender is refused inside the pipeline)."""
    envelope = arrival.envelope
    identity = (envelope.source, envelope.id)
    seen = work.ledger.get(identity)
    digest = seen.digest if seen else work.taken.get(identity)
    if digest is not None:
        if digest != envelope.digest():
            return Verdict(step="identity", code="envelope.id_reused", contract=envelope.contract)
        if seen:
            work.repeated[identity] = arrival.level
        return None
    if envelope.sequence is None or envelope.sequence < 1:
        return Verdict(step="sequence", code="sequence.missing", contract=envelope.contract)
    state = work.states[envelope.subject]
    number = judge_number(state.last(envelope.emitter), envelope.sequence)
    if number is Number.GAP:
        first = state.last(envelope.emitter) + 1
        work.asked.add((arrival.level, envelope.subject, envelope.emitter, first))
        return None
    if number is Number.BEHIND:
        stamp = work.stamp_fields(envelope.subject)
        item = subject_fields(envelope) | {"sequence": envelope.sequence} | ({"stamp": stamp} if stamp else {})
        work.tell(arrival.level, "receipt.conflict", item)
        return Verdict(step="sequence", code="sequence.conflict", contract=envelope.contract)
    others = referred(envelope)
    if others and not set(others) <= work.documents().keys() and work.waits(identity):
        # the other document has its own place in the log and may be still behind: this one is asked for again
        work.asked.add((arrival.level, envelope.subject, envelope.emitter, envelope.sequence))
        return None
    carry(work, envelope, arrival.level)
    return None


async def _answer_again(connection: Connection, work: Work) -> None:
    """A known fact's effect is skipped, never its answer: the verdict again, or every delivery as it stands now."""
    if not work.repeated:
        return
    rows = await deliveries.of_transfers(connection, list(work.repeated))
    for identity, level in work.repeated.items():
        known = work.ledger[identity]
        answer = _stored_answer(work, known, rows[identity])
        stamp = work.stamp_fields(known.subject)
        work.tell(level, answer.pop("type"), answer | ({"stamp": stamp} if stamp else {}))
    await deliveries.make_due(connection, list(work.repeated), work.now)


def _stored_answer(work: Work, known: Known, rows: list[Any]) -> dict[str, Any]:
    identity = {"source": known.source, "id": known.id, "subject": known.subject}
    at = rfc3339(work.hub_now)
    if known.verdict:
        return {"type": "receipt.refused"} | refused(identity, Verdict(**orjson.loads(known.verdict)), at)
    return identity | {"type": "receipt.routed", "at": at, "deliveries": [report(row) for row in rows]}
