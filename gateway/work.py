"""What one chunk reads, decides and will write: loaded once, changed in memory by the pipeline, saved once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

import orjson

from contracts.directory import Directory, local_date
from contracts.envelope import Envelope, rfc3339, to_headers
from contracts.protocol import DeliveryState, Verdict, reported
from gateway.subjects.rules import DocumentState, SubjectState
from gateway.transfers.store import Identity, Known


class Speaker(Protocol):
    """A system as the checks need it."""

    @property
    def organs(self) -> tuple[str, ...]: ...
    @property
    def suspended(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The registries as they stand: one snapshot serves a whole chunk."""

    directory: Directory
    systems: Mapping[str, Speaker]
    speakers: Mapping[str, int]
    """Canonical organ → number of active systems that may speak for it."""
    hub: str
    on: date
    decided: Mapping[str, str] = field(default_factory=dict)
    """Successors people chose for closed organs, whatever the subject."""


class Sealer(Protocol):
    """Seals payloads under the key file; the context binds a payload to its identity."""

    def seal(self, plain: bytes, context: bytes) -> bytes: ...
    def open(self, sealed: bytes, context: bytes) -> bytes: ...


class Identifiers(Protocol):
    def new_id(self) -> str: ...


def context_of(source: str, id_: str) -> bytes:
    return f"payload|{source}|{id_}".encode()


@dataclass(slots=True, kw_only=True)
class Work:
    """`hub_now` dates what people read; `now` (machine time) drives timers and retention."""

    hub_now: datetime
    now: datetime
    registry: Registry
    sealer: Sealer
    clock: Identifiers
    states: dict[str, SubjectState]
    others: dict[str, DocumentState] = field(default_factory=dict)
    """Documents that facts of this chunk refer to beside their own subject, as they were when it began."""
    ledger: dict[Identity, Known] = field(default_factory=dict)
    """What the ledger knew when the chunk began of the envelopes that its facts and receipts name."""
    waits: Callable[[Identity], bool] = lambda _: False
    """Whether a fact that refers to a document nobody knows yet may come again later."""
    transfers: list[dict[str, Any]] = field(default_factory=list)
    payloads: list[dict[str, Any]] = field(default_factory=list)
    hops: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    taken: dict[Identity, bytes] = field(default_factory=dict)
    """Identities of this chunk already decided, with their digest: the second copy in a chunk is a duplicate too."""
    repeated: dict[Identity, str] = field(default_factory=dict)
    """Known facts to answer again, with the level that asked."""
    asked: set[tuple[str, str, str, int]] = field(default_factory=set)
    """Gaps: (level, subject, emitter, first number wanted)."""

    def documents(self) -> dict[str, DocumentState]:
        """Every document known to this chunk, those it has itself issued so far among them."""
        return self.others | {name: state.document for name, state in self.states.items() if state.document}

    def stamp_fields(self, subject: str) -> dict[str, Any] | None:
        state = self.states.get(subject)
        return state.dossier.stamp.to_dict() if state and state.dossier else None

    def tell(self, level: str, type_: str, item: Mapping[str, Any]) -> None:
        """A receipt to an office. The gateway's own doors need none: what they ask is in the ledger."""
        if level != "gateway":
            self.receipts.append({"office": level, "type": type_, "body": orjson.dumps(item)})

    def record(self, envelope: Envelope, level: str, *, verdict: Verdict | None, route: str) -> None:
        """The ledger row of a fact, and its payload sealed when it will be needed again."""
        state = self.states[envelope.subject]
        stamp = state.dossier.stamp.to_text() if state.dossier and envelope.type.startswith("dossier.") else ""
        self.taken[envelope.source, envelope.id] = envelope.digest()
        self.transfers.append(
            {
                "source": envelope.source,
                "id": envelope.id,
                "digest": envelope.digest(),
                "type": envelope.type,
                "version": envelope.version,
                "subject": envelope.subject,
                "sender": envelope.sender,
                "system": envelope.system,
                "origin": level,
                "sequence": envelope.sequence,
                "epoch": envelope.epoch,
                "stamp": stamp,
                "priority": envelope.priority,
                "traceparent": envelope.traceparent,
                "time": envelope.time,
                "occurred_at": envelope.occurredat,
                "accepted_at": self.now,
                "state": "refused" if verdict else "routed",
                "verdict": orjson.dumps(verdict_fields(verdict)).decode() if verdict else "",
                "route": route,
            }
        )

    def seal(self, envelope: Envelope) -> None:
        sealed = self.sealer.seal(envelope.value, context_of(envelope.source, envelope.id))
        self.payloads.append({"source": envelope.source, "id": envelope.id, "sealed": sealed})

    def publish(self, topic: str, envelope: Envelope) -> None:
        headers = {name: raw.decode() for name, raw in to_headers(envelope)}
        self.events.append(
            {
                "event_id": envelope.id,
                "topic": topic,
                "subject": envelope.subject,
                "headers": orjson.dumps(headers).decode(),
                "value": envelope.value,
            }
        )


def verdict_fields(verdict: Verdict) -> dict[str, str]:
    return {
        "step": verdict.step,
        "code": verdict.code,
        "pointer": verdict.pointer,
        "contract": verdict.contract,
    }


def subject_fields(envelope: Envelope) -> dict[str, Any]:
    """The identity part of every receipt item."""
    return {"source": envelope.source, "id": envelope.id, "subject": envelope.subject}


def moment(at: datetime | None) -> str | None:
    return rfc3339(at) if at else None


def state_told(row: Any) -> DeliveryState:
    """A delivery's state as its sender may know it; a row just made has no hop that could be waited for."""
    return reported(DeliveryState(row["state"]), receipted=row.get("receipted", True))


def report(row: Any) -> dict[str, Any]:
    """One delivery as its sender is told."""
    return {
        "organ": row["organ"],
        "state": state_told(row).value,
        "redirected_from": row["redirected_from"] or None,
        "delivery": row["id"],
        "via": row["via"],
        "code": row["code"] or None,
        "handed_over_at": moment(row["handed_over_at"]),
    }


class Registries(Protocol):
    """The registries in memory; a change elsewhere shows within two seconds."""

    def snapshot(self, on: date) -> Registry: ...


class Clock(Identifiers, Protocol):
    def hub_now(self) -> datetime: ...
    def machine_now(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What every door needs to begin work on locked subjects."""

    registries: Registries
    sealer: Sealer
    clock: Clock

    def begin(self, states: dict[str, SubjectState]) -> Work:
        hub_now = self.clock.hub_now()
        return Work(
            hub_now=hub_now,
            now=self.clock.machine_now(),
            registry=self.registries.snapshot(local_date(hub_now)),
            sealer=self.sealer,
            clock=self.clock,
            states=states,
        )
