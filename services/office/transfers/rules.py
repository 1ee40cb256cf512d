"""What a transfer looks like from outside, and how reports about it are merged. Plain values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contracts.directory import shown
from contracts.envelope import TYPE_PREFIX
from contracts.problems import PROBLEMS
from contracts.protocol import DeliveryState, TransferState, Verdict, transfer_state
from services.office.doors import Answer

ACCEPTED, ROUTED, REFUSED = "accepted", "routed", "refused"
SENDER, RECIPIENT = "sender", "recipient"
REDIRECTED = "redirected"
RANK = ("open", "refused", "closed", "handed_over", REDIRECTED)
"""Of two reports about a delivery the later here wins, whatever order they come in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of one delivery of a transfer."""

    transfer: str
    organ: str
    state: str
    holder: str = ""
    delivery: str | None = None
    redirected_from: str | None = None
    via: str = "office"
    code: str | None = None
    handed_over_at: datetime | None = None
    expired_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer as one organ sees it."""

    id: str
    holder: str
    source: str
    type: str
    subject: str
    sender: str
    role: str
    state: str
    accepted_at: datetime
    verdict: Mapping[str, Any] | None = None
    deliveries: Sequence[Report] = ()
    answers: Sequence[Answer] = ()

    @property
    def shown_state(self) -> TransferState:
        """`accepted` here means that nothing final is known: a delivery told ahead of its route makes it `routed`."""
        if self.state == REFUSED:
            return TransferState.REFUSED
        if self.state == ACCEPTED:
            return TransferState.ROUTED if self.deliveries else TransferState.ACCEPTED
        return transfer_state([DeliveryState(report.state) for report in self.deliveries])

    @property
    def whole(self) -> bool:
        """The gateway told its route. Before that some deliveries may be known, told ahead of it, and not all."""
        return self.state == ROUTED

    @property
    def settled(self) -> bool:
        """Every delivery the route names is final."""
        return self.whole and all(report.state != "open" for report in self.deliveries)


def merge(reports: Iterable[Report]) -> list[Report]:
    """At most one report per transfer, holder and organ, in that order."""
    merged: dict[tuple[str, str, str], Report] = {}
    for report in reports:
        key = report.transfer, report.holder, report.organ
        merged[key] = later(merged[key], report) if key in merged else report
    return [merged[key] for key in sorted(merged)]


def vacated(reports: Iterable[Report]) -> list[Report]:
    """The places of closed organs whose successors are reported on. A recipient is open under its own code while an
    operator has to choose the successor; once one is told, no word that comes late brings that back."""
    return [
        Report(transfer=each.transfer, holder=each.holder, organ=each.redirected_from, state=REDIRECTED)
        for each in reports
        if each.redirected_from and each.redirected_from != each.organ
    ]


def later(one: Report, other: Report) -> Report:
    """Both about one delivery, `one` told before `other`, as a single report."""
    low, high = sorted((one, other), key=lambda report: RANK.index(report.state))
    return replace(
        high,
        delivery=high.delivery or low.delivery,
        redirected_from=high.redirected_from or low.redirected_from,
        code=high.code or (low.code if low.state == high.state else None),
        handed_over_at=one.handed_over_at or other.handed_over_at,
        expired_at=one.expired_at or other.expired_at,
    )


def describe(verdict: Verdict) -> dict[str, Any]:
    """The verdict as callers read it, with its remedy."""
    problem = PROBLEMS.get(verdict.code)
    told = {"step": verdict.step, "code": verdict.code, "pointer": verdict.pointer, "contract": verdict.contract}
    return {name: text for name, text in told.items() if text} | ({"remedy": problem.remedy} if problem else {})


def shape(transfer: Transfer) -> dict[str, Any]:
    """The transfer as `GET /v1/transfers/{id}` and a receipt in the inbox show it."""
    answers: dict[str, list[dict[str, Any]]] = {}
    for answer in transfer.answers:
        told = {"code": answer.code, "at": shown(answer.at), "description": answer.description}
        answers.setdefault(answer.organ, []).append(_present(told))
    fields = {
        "id": transfer.id,
        "type": TYPE_PREFIX + transfer.type,
        "subject": transfer.subject,
        "sender": transfer.sender,
        "state": transfer.shown_state.value,
        "accepted_at": shown(transfer.accepted_at),
        "verdict": transfer.verdict,
        "deliveries": [_delivery(report, answers.get(report.organ, [])) for report in transfer.deliveries],
    }
    return _present(fields)


def _delivery(report: Report, answers: list[dict[str, Any]]) -> dict[str, Any]:
    fields = {
        "organ": report.organ,
        "redirected_from": report.redirected_from,
        "via": report.via,
        "state": report.state,
        "code": report.code,
        "expired_at": shown(report.expired_at),
        "handed_over_at": shown(report.handed_over_at),
        "answers": answers,
    }
    return _present(fields)


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
