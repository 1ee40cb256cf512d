"""The whole path of one fact on one page: enforce, take effect, route, open deliveries, tell the sender and the world.

Pure over `Work`: what it reads was locked and loaded before, what it decides is written together afterwards.
"""

from collections.abc import Sequence
from typing import Any
from uuid import uuid5

import orjson

from contracts.custody import told
from contracts.directory import UNDECIDED
from contracts.envelope import Envelope, rfc3339
from contracts.identifiers import HUB_NAMESPACE
from contracts.problems import PROBLEMS
from contracts.protocol import GATEWAY, Verdict, transfer_state
from contracts.protocol import DeliveryState as State
from contracts.topology import TOPICS
from gateway.enforcement.actions import enforce
from gateway.enforcement.rules import Case
from gateway.routing.rules import Leg, Route, route
from gateway.subjects.rules import DocumentState
from gateway.work import Work, report, subject_fields

REPLACED = "document.replaced"


def carry(work: Work, envelope: Envelope, level: str) -> None:
    """Decides one fact whose number is next. Accepted or refused, the number is consumed and the sender is told."""
    state = work.states[envelope.subject]
    others = work.documents() if envelope.type == REPLACED else {}
    case = Case(envelope=envelope, level=level, state=state, registry=work.registry, documents=others)
    verdict = None if envelope.type == "message.voided" else enforce(case)
    state.take(envelope.emitter, envelope.sequence or 0)
    if verdict is not None:
        _refuse(work, case, verdict)
        return
    audience = _take_effect(work, case)
    is_dossier = case.after is not None
    registry = work.registry
    way = route(case.sender, audience, registry.on, registry.directory, offices_only=is_dossier, choices=case.choices)
    deliveries = _open(work, case, way)
    work.record(envelope, level, verdict=None, route=_route_text(way))
    work.transfers[-1]["state"] = transfer_state([State(row["state"]) for row in deliveries])
    if deliveries:
        work.seal(envelope)
    work.tell(level, "receipt.routed", routed(work, envelope, deliveries))
    _notify(work, case, [row["organ"] for row in deliveries])


def _refuse(work: Work, case: Case, verdict: Verdict) -> None:
    work.record(case.envelope, case.level, verdict=verdict, route="")
    item = refused(subject_fields(case.envelope), verdict, rfc3339(work.hub_now))
    work.tell(case.level, "receipt.refused", item | _stamp(work, case.envelope))


def refused(identity: dict[str, Any], verdict: Verdict, at: str) -> dict[str, Any]:
    """A `receipt.refused` item: step, code, place and remedy; never a value."""
    return identity | {
        "at": at,
        "step": verdict.step,
        "code": verdict.code,
        "pointer": verdict.pointer,
        "contract": verdict.contract,
        "remedy": PROBLEMS[verdict.code].remedy,
    }


def routed(work: Work, envelope: Envelope, deliveries: Sequence[Any]) -> dict[str, Any]:
    """A `receipt.routed` item: every recipient with its state."""
    item = subject_fields(envelope) | {"at": rfc3339(work.hub_now), "deliveries": [report(row) for row in deliveries]}
    return item | _stamp(work, envelope)


def _stamp(work: Work, envelope: Envelope) -> dict[str, Any]:
    fields = work.stamp_fields(envelope.subject)
    return {"stamp": fields} if fields else {}


def _take_effect(work: Work, case: Case) -> tuple[str, ...]:
    """Changes the subject's state and tells who must hear of it: for a dossier all other parties, before and after."""
    envelope, state = case.envelope, case.state
    if case.after is not None:
        organs = told(state.dossier, case.after, case.sender)
        state.set_dossier(case.after)
        return organs
    if envelope.type in ("document.issued", REPLACED):
        state.set_document(_document(case))
        return envelope.recipients
    if envelope.type == "document.updated" and state.document:
        state.set_document(state.document.reaching(case.recipients))
        return envelope.recipients
    if envelope.type == "document.recalled":
        return envelope.recipients
    if envelope.type == "document.status-changed":
        work.answers.append(
            {
                "subject": envelope.subject,
                "organ": case.sender,
                "source": envelope.source,
                "transfer_id": envelope.id,
                "code": case.payload["code"],
                "at": envelope.occurredat or envelope.time,
                "received_at": work.now,
            }
        )
        return envelope.recipients
    return ()


def _document(case: Case) -> DocumentState:
    document = case.payload["document"]
    code = "/".join(part for part in (document.get("number"), document.get("notation")) if part)
    return DocumentState(
        sender=case.sender,
        document_id=document["document_id"],
        issued_source=case.envelope.source,
        issued_id=case.envelope.id,
        recipients=case.recipients,
        code=code,
        promulgated_on=document.get("promulgated_on") or "",
    )


def _open(work: Work, case: Case, way: Route) -> list[dict[str, Any]]:
    """Delivery rows for every recipient and one hop per recipient office, in one numbering with the subject locked.

    A delivery whose recipient's successor a person must choose gets a place in the subject's line instead of a hop.
    """
    envelope = case.envelope
    numbers = {hop.level.value: case.state.next_hop(hop.level.value) for hop in way.hops}
    work.hops += [
        {
            "source": envelope.source,
            "transfer_id": envelope.id,
            "subject": envelope.subject,
            "office": hop.level.value,
            "hopsequence": numbers[hop.level.value],
            "recipients": ",".join(hop.recipients),
        }
        for hop in way.hops
    ]
    rows = [_delivery(work, case, leg, numbers) for leg in way.legs]
    work.deliveries += rows
    return rows


def _delivery(work: Work, case: Case, leg: Leg, numbers: dict[str, int]) -> dict[str, Any]:
    envelope = case.envelope
    level = leg.level.value if leg.level else ""
    office = level if leg.via == "office" and not leg.problem else ""
    on_axis = leg.via == "axis" and not leg.problem
    waits = leg.problem == UNDECIDED
    return {
        "id": str(uuid5(HUB_NAMESPACE, f"{envelope.source}\n{envelope.id}\n{leg.organ}")),
        "source": envelope.source,
        "transfer_id": envelope.id,
        "subject": envelope.subject,
        "organ": leg.organ,
        "level": level,
        "sender_level": "central" if case.level == GATEWAY else case.level,
        "via": leg.via,
        "redirected_from": leg.redirected_from or "",
        "office": office,
        "hopsequence": numbers[office] if office else 0,
        "state": "refused" if leg.problem and not waits else "open",
        "code": "" if waits else leg.problem or "",
        "opened_at": work.now,
        "handed_over_at": None,
        "channel_at": work.hub_now if on_axis else None,
        "due_at": work.now if on_axis else None,
        "waiting": case.state.wait(leg.organ) if waits else None,
    }


def _route_text(way: Route) -> str:
    """The stored route: decided once, never recomputed."""
    legs = [
        {
            "written": leg.written,
            "organ": leg.organ,
            "level": leg.level,
            "via": leg.via,
            "redirected_from": leg.redirected_from,
            "problem": leg.problem,
        }
        for leg in way.legs
    ]
    return orjson.dumps(legs).decode()


def _notify(work: Work, case: Case, recipients: list[str]) -> None:
    """The event row of an accepted fact: codes, states, times and organs only."""
    envelope = case.envelope
    about, at = envelope.type.partition(".")[0], rfc3339(envelope.occurredat or envelope.time)
    fields: dict[str, Any] = {"subject": envelope.subject, "type": envelope.type, "transfer": envelope.id}
    fields |= {"recipients": recipients, "at": at}
    stamp = work.stamp_fields(envelope.subject)
    if about == "dossier" and stamp:
        fields |= stamp | {"actor": case.sender}
    elif about == "document":
        fields |= {"sender": case.sender, "code": case.payload.get("code")}
    else:
        return
    event = Envelope(
        id=work.clock.new_id(),
        source=f"urn:lienthong:{work.registry.hub}:{GATEWAY}",
        type=f"event.{about}-changed",
        subject=envelope.subject,
        time=work.hub_now,
        sender=case.sender,
        traceparent=envelope.traceparent,
        value=orjson.dumps(fields),
    )
    work.publish(TOPICS[f"event.{about}"].name, event)
