"""Sorts what came in by topic into facts, receipts and requests; what none of them can be is for the dead. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from contracts import registry
from contracts.envelope import MAX_HEADER_BYTES, Envelope, UnreadableEnvelope, from_record
from contracts.protocol import Verdict
from contracts.registry import ContractViolation, Kind
from gateway.delivery.actions import HopReceipt
from gateway.delivery.stuck import HopStuck
from gateway.pipeline import REPLACED


class LogRecord(Protocol):
    @property
    def topic(self) -> str: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]: ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A readable envelope and the level of the topic (or door) it came in by; `place` is its place in the chunk."""

    envelope: Envelope
    level: str
    place: int = 0


@dataclass(slots=True)
class Sorted:
    facts: list[Arrival] = field(default_factory=list)
    receipts: list[HopReceipt] = field(default_factory=list)
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    """(subject, office, first hop number wanted)."""
    stuck: list[HopStuck] = field(default_factory=list)
    dead: list[tuple[int, Verdict]] = field(default_factory=list)

    @property
    def named(self) -> set[str]:
        """Subjects of hops that offices speak of."""
        hops = {receipt.key[0] for receipt in self.receipts} | {hop.key[0] for hop in self.stuck}
        return hops | {subject for subject, *_ in self.requests}


def sort(records: Sequence[LogRecord]) -> Sorted:
    """Keeps the order of facts. Every record ends in exactly one of the lists (receipts: one entry per item)."""
    found = Sorted()
    for place, record in enumerate(records):
        level = record.topic.rpartition(".")[2]
        if sum(len(name) + len(raw or b"") for name, raw in record.headers) > MAX_HEADER_BYTES:
            found.dead.append((place, Verdict(step="size", code="size.too_large")))
            continue
        try:
            envelope = from_record(record.headers, record.value)
        except UnreadableEnvelope as error:
            found.dead.append((place, Verdict(step="headers", code="envelope.unreadable", pointer=error.header)))
            continue
        if registry.kind_of(envelope.type) in (Kind.RECEIPT, Kind.CONTROL):
            _sort_receipt(found, envelope, level, place)
        else:
            found.facts.append(Arrival(envelope, level, place))
    return found


def referred(envelope: Envelope) -> tuple[str, ...]:
    """Subjects of other documents a fact refers to; none of one that does not fit its contract, which is refused."""
    if envelope.type != REPLACED:
        return ()
    payload = registry.read(envelope.contract, envelope.value)
    return () if isinstance(payload, ContractViolation) else tuple(each["id"] for each in payload["replaces"])


def _sort_receipt(found: Sorted, envelope: Envelope, level: str, place: int) -> None:
    payload = registry.read(envelope.contract, envelope.value)
    if isinstance(payload, ContractViolation):
        verdict = Verdict(step="contract", code="contract.invalid", pointer=payload.pointer, contract=envelope.contract)
        found.dead.append((place, verdict))
    elif envelope.source.partition(";")[0].rpartition(":")[2] != level:
        found.dead.append((place, Verdict(step="level", code="level.mismatch", contract=envelope.contract)))
    elif envelope.type == "receipt.handed-over":
        found.receipts += [_receipt(item, level, envelope, place) for item in payload["items"]]
    elif envelope.type == "control.resend-requested":
        found.requests += [(item["subject"], level, item["first"]) for item in payload["items"]]
    elif envelope.type == "control.hop-stuck":
        found.stuck += [_stuck(item, level, place) for item in payload["items"]]
    else:
        found.dead.append((place, Verdict(step="contract", code="contract.unknown", contract=envelope.contract)))


def _receipt(item: dict[str, Any], level: str, envelope: Envelope, place: int) -> HopReceipt:
    return HopReceipt(
        key=(item["subject"], level, item.get("hopsequence") or 0),
        identity=(item["source"], item["id"]),
        results=tuple(
            (
                report["organ"],
                report["state"],
                _moment(report.get("handed_over_at"), envelope),
                report.get("code") or "",
            )
            for report in item["deliveries"]
            if report["state"] in ("handed_over", "refused")
        ),
        place=place,
    )


def _stuck(item: dict[str, Any], level: str, place: int) -> HopStuck:
    return HopStuck(
        key=(item["subject"], level, item["hopsequence"]),
        reason=item["reason"],
        since=datetime.fromisoformat(item["since"]).astimezone(UTC),
        attempts=item["attempts"],
        place=place,
    )


def _moment(text: str | None, envelope: Envelope) -> datetime:
    return (datetime.fromisoformat(text) if text else envelope.time).astimezone(UTC)
