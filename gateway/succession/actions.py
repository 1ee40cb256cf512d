"""Choosing the successor of a closed organ, and sending what waited for the choice: the choice is stored first, so that
whoever comes next goes on with the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from contracts.directory import UNDECIDED
from contracts.envelope import rfc3339
from contracts.identifiers import organ_key
from contracts.messages.registry import OrganChanged
from contracts.problems import HubError
from contracts.protocol import transfer_state
from gateway.audit.actions import Act, Entry, record, told
from gateway.delivery import store as deliveries
from gateway.organs.snapshot import OrganSnapshot
from gateway.routing.rules import Leg, lead
from gateway.subjects import store as subjects
from gateway.succession import store
from gateway.succession.rules import Moment, released, twin
from gateway.succession.store import ALL, Choice, Order
from gateway.transfers import store as transfers
from gateway.transfers.store import Identity
from gateway.work import Desk, Registry, Work, report, state_told
from services.kernel.bulk import Writes
from services.kernel.connection import Connection
from services.kernel.database import ring_on_commit
from services.kernel.messaging.outbox import BELL

AT_ONCE = 100
"""Subjects whose line is released in one transaction."""
CHOSEN_BELL = "succession"
ACTION = "organ.successor_chosen"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who shall receive in place of the organ: everything, or what concerns one subject."""

    organ: str
    successor: str
    subject: str = ALL
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`deliveries` the choice is for; `left` of them are still to be sent."""

    organ: str
    successor: str
    deliveries: int
    left: int = 0


async def decide(conn: Connection, desk: Desk, organs: OrganSnapshot, question: Question, *, by: Act) -> Outcome:
    """Stores the choice with its mark in the audit and releases a first part of what waits.

    The same choice again changes nothing. Raises `succession.decided` when another one stands that can be carried out.
    """
    await store.lock(conn)
    await organs.refresh(conn)
    registry = desk.begin({}).registry
    closed = _closed(registry, question.organ)
    count, dossier = await store.count(conn, closed.code, question.subject)
    made = await store.choice(conn, closed.code, question.subject)
    if not count and made is None and not (question.subject == ALL and _is_open(registry, closed)):
        raise HubError("request.not_found", "nothing waits for a successor")
    heir = _heir(registry, closed, question.successor, offices_only=dossier and question.subject != ALL)
    outcome = Outcome(organ=closed.code, successor=heir, deliveries=count)
    if made is not None and made.successor != heir and _stands(registry, made, offices_only=dossier):
        raise HubError("succession.decided", f"{made.successor} receives in its place")
    if question.dry_run:
        return outcome
    if made is None or made.successor != heir:
        await _choose(conn, question.subject, outcome, made, by=by)
    left = await _release_some(conn, desk, outcome, question.subject)
    ring_on_commit(conn, CHOSEN_BELL)
    return Outcome(organ=closed.code, successor=heir, deliveries=count, left=left)


def _closed(registry: Registry, code: str) -> OrganChanged:
    organ = registry.directory.find(code, registry.on)
    if organ is None:
        raise HubError("request.not_found", "no such organ")
    return organ


def _is_open(registry: Registry, organ: OrganChanged) -> bool:
    """Whether the registry leaves it to people who receives in the organ's place."""
    found = registry.directory.resolve(organ.code, registry.on)
    return found.problem == UNDECIDED and found.organ is not None and found.organ.code == organ.code


def _heir(registry: Registry, closed: OrganChanged, successor: str, *, offices_only: bool) -> str:
    """The successor's own code; raises why it cannot receive in the organ's place."""
    heir = registry.directory.find(successor, registry.on)
    leg = lead(closed.code, successor, registry.on, registry.directory, offices_only=offices_only)
    if leg is None or heir is None:
        raise HubError("succession.not_successor", pointer="/successor")
    if leg.problem:
        raise HubError(leg.problem, "the successor cannot receive", pointer="/successor")
    return heir.code


def _stands(registry: Registry, made: Choice, *, offices_only: bool = False) -> bool:
    """Whether a choice can be carried out as the registry is now."""
    only = offices_only and made.subject != ALL
    leg = lead(made.organ, made.successor, registry.on, registry.directory, offices_only=only)
    return leg is not None and not leg.problem


async def _choose(conn: Connection, subject: str, outcome: Outcome, before: Choice | None, *, by: Act) -> None:
    made = Choice(
        subject=subject,
        organ=outcome.organ,
        successor=outcome.successor,
        decided_by=by.client_id,
        decided_at=by.at,
        reason=by.reason,
    )
    await store.choose(conn, made)
    texts = [told(**_fields(each)) if each else None for each in (before, made)]
    await record(conn, by, [Entry(ACTION, "organ", organ_key(outcome.organ), *texts)])
    log.info("succession.decided", organ=outcome.organ, successor=outcome.successor, subject=subject or None)


def _fields(made: Choice) -> dict[str, str]:
    fields = {"organ": made.organ, "successor": made.successor, "subject": made.subject}
    return {name: value for name, value in fields.items() if value}


async def _release_some(conn: Connection, desk: Desk, outcome: Outcome, subject: str) -> int:
    """Releases what one transaction may take; tells how many deliveries the choice is still for."""
    if subject != ALL:
        await release(conn, desk, [subject])
    else:
        some = await store.orders(conn, limit=AT_ONCE, organ=outcome.organ)
        await release(conn, desk, [order.subject for order in some])
    left, _ = await store.count(conn, outcome.organ, subject)
    return left


def is_possible(registry: Registry, order: Order) -> bool:
    """Whether the successor can receive just now; otherwise the order waits on."""
    leg = lead(order.organ, order.successor, registry.on, registry.directory, offices_only=order.dossier)
    return leg is not None and not leg.problem


async def release(conn: Connection, desk: Desk, names: Sequence[str]) -> int:
    """Sends what waits in these subjects although its successor is chosen; returns how many deliveries.

    Takes the subjects' locks in order; numbers are drawn under them in the order of the ledger, behind whatever the
    successor's office has of the subject already. Every sender is told the whole route again.
    """
    if not names:
        return 0
    work = desk.begin(await subjects.lock(conn, (), existing=names))
    waiting = await store.line(conn, sorted(set(names)))
    known = await deliveries.of_transfers(conn, sorted({_identity(row) for row in waiting}))
    moved: list[dict[str, Any]] = []
    for row in waiting:
        leg = _leg(work, row)
        if leg is None:
            continue
        change = _move(work, row, leg, known[_identity(row)])
        others = [each for each in known[_identity(row)] if each["id"] != row["id"]]
        known[_identity(row)] = [*others, {**row, **change, "waiting": None}]
        moved.append({"row": row, "change": change})
    await store.release(conn, [each["change"] for each in moved])
    await _save(conn, work, [each["row"] for each in moved])
    for each in moved:
        row, organ = each["row"], each["change"]["organ"]
        log.info(
            "delivery.released", transfer=row["transfer_id"], subject=row["subject"], organ=organ, step="succession"
        )
    return len(moved)


def _leg(work: Work, row: Any) -> Leg | None:
    registry = work.registry
    offices_only = row["type"].startswith("dossier.")
    leg = lead(row["organ"], row["successor"], registry.on, registry.directory, offices_only=offices_only)
    return None if leg is None or leg.problem else leg


def _move(work: Work, row: Any, leg: Leg, others: Sequence[Any]) -> dict[str, Any]:
    state = work.states[row["subject"]]
    shared = twin(leg, row, others)
    by_office = leg.via == "office" and leg.level is not None
    number = state.next_hop(leg.level.value) if by_office and leg.level and shared is None else 0
    change = released(leg, row, shared=shared, number=number, at=Moment(work.hub_now, work.now))
    if number:
        work.hops.append(
            {
                "source": row["source"],
                "transfer_id": row["transfer_id"],
                "subject": row["subject"],
                "office": change["office"],
                "hopsequence": number,
                "recipients": leg.organ,
            }
        )
    if state.document and row["organ"] in state.document.recipients:
        state.set_document(state.document.reaching([leg.organ]))
    return change


async def _save(conn: Connection, work: Work, rows: Sequence[Any]) -> None:
    """Hops, counters, what the subjects keep to, the transfers' states, and word to the senders."""
    if not rows:
        return
    await store.keep(conn, sorted({(row["subject"], row["organ"]) for row in rows}))
    identities = sorted({_identity(row) for row in rows})
    ledger = await transfers.known(conn, identities)
    routes = await deliveries.of_transfers(conn, identities)
    states = {each: transfer_state([state_told(row) for row in of]).value for each, of in routes.items()}
    writes = Writes()
    transfers.set_states(writes, states)
    for identity, of in routes.items():
        known = ledger[identity]
        item = {"source": known.source, "id": known.id, "subject": known.subject, "at": rfc3339(work.hub_now)}
        stamp = work.stamp_fields(known.subject)
        told_ = {"deliveries": [report(row) for row in of]} | ({"stamp": stamp} if stamp else {})
        work.tell(known.origin, "receipt.routed", item | told_)
    subjects.save(writes, work.states.values(), work.now)
    deliveries.add(
        writes, {"hops": work.hops, "deliveries": [], "answers": [], "receipts": work.receipts, "events": []}
    )
    await writes.run(conn)
    ring_on_commit(conn, BELL, deliveries.AXIS_BELL)


def _identity(row: Any) -> Identity:
    return row["source"], row["transfer_id"]
