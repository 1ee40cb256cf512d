"""What operators read about work that does not move, as JSON. Codes, states, times and organs only."""

from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from contracts import samples
from contracts.envelope import TYPE_PREFIX
from gateway.audit.operators import Moment, View
from gateway.operations.actions import Closing, Redelivery

Kind = Literal["stuck", "waiting", "undecided", "expired"]
LetterState = Literal["open", "closed"]

DELIVERY = "8f0c6f0e-3c55-5d0c-9f51-2b2c55f7b8a4"
LETTER = "3b6f0a52-6e0e-5b0c-8a8e-6d6e0b7f1c21"
AGAIN: dict[str, Any] = {"reason": "Kho tệp của dịch vụ cấp xã đã hoạt động trở lại"}
GIVING_UP: dict[str, Any] = {"reason": "Xã đã nhận văn bản bằng bản giấy, không cần giao điện tử nữa"}
LOOKED_INTO: dict[str, Any] = {"reason": "Bản ghi thử do nhà cung cấp gửi nhầm, đã thu hồi quyền ghi"}


class Queued(View):
    """One message that is sent now."""

    transfer: str
    hopsequence: int | None = None
    """Its number among what its subject sends to that office · số thứ tự chặng"""


class Redelivered(View):
    """A delivery that is sent again."""

    delivery: str
    """The delivery · lượt giao"""
    transfer: str
    subject: str
    organ: str
    via: str
    """`office` or `axis`"""
    office: str | None = None
    """Level of the office it goes to · cấp của dịch vụ nhận"""
    attempts: int
    """How often it was sent before · số lần đã gửi"""
    queued: list[Queued]
    """What is sent now, in order: what is open before it on the same way goes first · các gói tin gửi ngay, theo thứ
    tự"""
    dry_run: bool


class Closed(View):
    """A delivery that is given up."""

    delivery: str
    """The delivery · lượt giao"""
    transfer: str
    subject: str
    organ: str
    state: Literal["closed"] = "closed"
    code: Literal["delivery.closed"] = "delivery.closed"
    """What the sender reads at the delivery · mã mà bên gửi thấy"""
    final: bool
    """False while the office has not receipted the record that replaces it: the message may be taken after all, and
    that counts then · đã chắc chắn chưa"""
    office: str | None = None
    """Level of the office it went to · cấp của dịch vụ nhận"""
    hopsequence: int | None = None
    """Its number among what its subject sends to that office · số thứ tự chặng"""
    record: Literal["voided", "narrowed"] | None = None
    """What the office gets under that number: nothing at all, or the message for `left` alone · bản ghi thay thế"""
    left: list[str]
    """Organs of the same office that get the message all the same · các nơi nhận còn lại"""
    sender_sees: Literal["open", "closed"]
    """The state the sender is shown now; `closed` at the latest when it is final · trạng thái bên gửi đang thấy"""
    open_offer: str | None = None
    """The offer of custody that was not delivered. It stays open: its giver recalls it · đề nghị chuyển còn mở"""
    dry_run: bool


class Verdict(View):
    """Why a record was not taken."""

    step: str | None = None
    """The check that said no · bước kiểm tra"""
    code: str
    pointer: str | None = None
    """The header or the place at fault, in words of the contract · vị trí lỗi"""
    contract: str | None = None
    """Contract and version it was judged by · hợp đồng dữ liệu"""


class DeadLetter(View):
    """A record that a program could not take. Its content is nowhere kept."""

    id: str
    program: str
    """Who could not take it: `gateway` or the office of a level · chương trình không nhận được"""
    topic: str
    """The topic it lay in · chủ đề"""
    partition: int
    """Where in the topic · phân vùng"""
    offset: int
    """Where in the partition · vị trí"""
    headers: dict[str, str]
    """Those of an envelope; a value that does not look like a code reads `(not shown)` · tiêu đề của gói tin"""
    verdict: Verdict
    at: Moment
    """When it was put aside, by machine time · lúc bị loại"""
    state: LetterState
    closed_at: Moment | None = None
    """When somebody had dealt with it, by hub time · lúc đóng"""
    closed_by: str | None = None
    """The system that closed it · hệ thống đã đóng"""
    reason: str | None = None


class ClosedLetter(DeadLetter):
    """The dead letter as it is now; after a dry run as it was."""

    dry_run: bool


class DeadLetterPage(View):
    """`next_cursor` is there while there is more."""

    items: list[DeadLetter]
    next_cursor: str | None = None


class HeldUp(View):
    """An open delivery that does not come to an end."""

    kind: Kind
    """`undecided`: a person must choose a successor; `stuck`: its office cannot apply it; `expired`: nobody took it in
    the time of the contract; `waiting`: open for longer than asked · loại"""
    delivery: str
    """The delivery · lượt giao"""
    transfer: str
    subject: str
    type: str
    sender: str
    organ: str
    office: str | None = None
    """Level of the office it goes to · cấp của dịch vụ nhận"""
    via: str
    """`office` or `axis`"""
    since: Moment
    """When the delivery was opened · mở từ lúc"""
    stuck_since: Moment | None = None
    """When its office tried it first · dịch vụ nhận bị tắc từ lúc"""
    attempts: Annotated[int, Field(ge=0)]
    """How often it was sent; of a stuck one, how often its office tried it · số lần đã thử"""
    due_at: Moment | None = None
    """When it is sent again by itself · lần gửi tự động tiếp theo"""
    reason: str
    """Of a stuck one the problem code its office tells. Else `recipient.undecided`, `behind` (one before it is stuck),
    `not_sent` (not in Kafka yet), `not_read` (its office does not read), `no_receipt`, `axis_away` · nguyên nhân"""
    href: str


class HeldUpPage(View):
    """`next_cursor` is there while there is more."""

    items: list[HeldUp]
    next_cursor: str | None = None


REDELIVERED: dict[str, Any] = {
    "delivery": DELIVERY,
    "transfer": samples.TRANSFER,
    "subject": samples.RECEIVED,
    "organ": samples.ORGAN,
    "via": "office",
    "office": "commune",
    "attempts": 4,
    "queued": [{"transfer": samples.TRANSFER, "hopsequence": 1}],
    "dry_run": False,
}
CLOSED: dict[str, Any] = {
    "delivery": DELIVERY,
    "transfer": samples.TRANSFER,
    "subject": samples.RECEIVED,
    "organ": samples.ORGAN,
    "state": "closed",
    "code": "delivery.closed",
    "final": False,
    "office": "commune",
    "hopsequence": 1,
    "record": "voided",
    "left": [],
    "sender_sees": "open",
    "dry_run": False,
}
CLOSED_AT_ONCE: dict[str, Any] = {
    **{name: CLOSED[name] for name in ("delivery", "transfer", "subject", "state", "code", "left", "dry_run")},
    "organ": samples.CENTRAL,
    "final": True,
    "sender_sees": "closed",
}
OPEN_LETTER: dict[str, Any] = {
    "id": LETTER,
    "program": "gateway",
    "topic": "ingest.commune",
    "partition": 3,
    "offset": 18211,
    "headers": {
        "ce_id": "0192f0c1-7a52-7c55-9d0a-3f1f6f2f8a11",
        "ce_source": "urn:lienthong:h28:commune",
        "ce_type": "vn.lienthong.document.issued",
        "ce_subject": "(not shown)",
    },
    "verdict": {"step": "headers", "code": "envelope.unreadable", "pointer": "ce_subject"},
    "at": "2024-06-03T09:00:02.480+07:00",
    "state": "open",
}
CLOSED_LETTER: dict[str, Any] = {
    **OPEN_LETTER,
    "state": "closed",
    "closed_at": "2024-06-03T10:12:40.000+07:00",
    "closed_by": "operator",
    **LOOKED_INTO,
    "dry_run": False,
}
HELD_UP: dict[str, Any] = {
    "kind": "stuck",
    "delivery": DELIVERY,
    "transfer": samples.TRANSFER,
    "subject": samples.RECEIVED,
    "type": "vn.lienthong.document.issued",
    "sender": samples.CENTRAL,
    "organ": samples.ORGAN,
    "office": "commune",
    "via": "office",
    "since": "2024-06-03T09:00:02.480+07:00",
    "stuck_since": "2024-06-03T09:00:03.102+07:00",
    "attempts": 6,
    "due_at": "2024-06-03T11:02:33.000+07:00",
    "reason": "attachment.unavailable",
    "href": f"/v1/transfers/{samples.TRANSFER}",
}


def redelivered(done: Redelivery, *, dry_run: bool) -> Redelivered:
    row = done.row
    return Redelivered(
        delivery=row["id"],
        transfer=row["transfer_id"],
        subject=row["subject"],
        organ=row["organ"],
        via=row["via"],
        office=row["office"] or None,
        attempts=done.attempts,
        queued=[Queued(**each) for each in done.queued],
        dry_run=dry_run,
    )


def closed(done: Closing, *, dry_run: bool) -> Closed:
    row = done.row
    by_hop = bool(row["office"])
    return Closed(
        delivery=row["id"],
        transfer=row["transfer_id"],
        subject=row["subject"],
        organ=row["organ"],
        final=done.final,
        office=row["office"] or None,
        hopsequence=row["hopsequence"] if by_hop else None,
        record=("narrowed" if done.left else "voided") if by_hop else None,
        left=list(done.left),
        sender_sees="closed" if done.final else "open",
        open_offer=done.open_offer,
        dry_run=dry_run,
    )


def dead_letter(row: Any) -> dict[str, Any]:
    """The members of a dead letter."""
    verdict = {"code": "", **orjson.loads(row["verdict"])}
    members = ("id", "program", "topic", "at", "state", "closed_at", "closed_by", "reason")
    return {name: row[name] for name in members} | {
        "partition": row["log_partition"],
        "offset": row["log_offset"],
        "headers": orjson.loads(row["headers"]),
        "verdict": verdict,
    }


def held_up(row: Any) -> HeldUp:
    by_hop = bool(row["office"])
    stuck = row["kind"] == "stuck"
    due_at = (None if row["hop_pending"] else row["hop_due_at"]) if by_hop else row["due_at"]
    sent = (row["hop_attempts"] or 0) if by_hop else row["attempts"]
    return HeldUp(
        kind=row["kind"],
        delivery=row["id"],
        transfer=row["transfer_id"],
        subject=row["subject"],
        type=TYPE_PREFIX + row["type"],
        sender=row["sender"],
        organ=row["organ"],
        office=row["office"] or None,
        via=row["via"],
        since=row["opened_at"],
        stuck_since=row["stuck_since"] if stuck else None,
        attempts=row["stuck_attempts"] if stuck else sent,
        due_at=due_at,
        reason=row["stuck_reason"] if stuck else _reason(row),
        href=f"/v1/transfers/{row['transfer_id']}",
    )


def _reason(row: Any) -> str:
    """What keeps a delivery that is not stuck, as far as its rows tell."""
    if row["kind"] == "undecided":
        return "recipient.undecided"
    if not row["office"]:
        return "axis_away" if row["attempts"] else "not_sent"
    if row["behind"]:
        return "behind"
    if row["hop_pending"]:
        return "not_sent"
    return "not_read" if row["overdue"] else "no_receipt"
