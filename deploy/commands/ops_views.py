"""What operators read, as tables: codes, states, times and organs; ages where a person asks how long."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.problems import PROBLEMS
from deploy.client.operations import Result
from deploy.commands.tables import Renderable, age, facts, listed, moment, stacked, table
from deploy.commands.views import AT, CODE, ORGAN, STATUS, event_name

Shown = Mapping[str, Any]

DELIVERY = "Mã giao · Delivery"
WORDS = {
    "stuck": "kẹt",
    "waiting": "đang chờ",
    "undecided": "chưa quyết định",
    "expired": "quá hạn",
    "not_sent": "chưa gửi",
    "not_read": "dịch vụ nhận chưa đọc",
    "no_receipt": "chưa có biên nhận",
    "behind": "chờ sau gói bị kẹt",
    "axis_away": "trục quốc gia không trả lời",
    "recipient.undecided": "cần chọn cơ quan kế thừa",
}
"""Of the kinds of stuck work, and of what it waits for."""
SUBJECT_CODE = "Đối tượng · Subject"
REASON = "Lý do · Reason"
TRANSFER = "Gói tin · Transfer"


def routes(lines: Sequence[Shown]) -> Renderable:
    """The worst first: what fails, then what waits longest, then what has most open."""
    worst = sorted(lines, key=lambda line: (-line["failures"], -line["oldest_seconds"], -line["open"]))
    return table(
        "Tuyến · Routes",
        ("Từ · From", "Đến · To", "Tồn · Open", "Lâu nhất · Oldest", "Mỗi phút · Per minute", "Bị từ chối · Failures"),
        [
            (
                line["from_level"],
                line["to_level"],
                line["open"],
                age(line["oldest_seconds"]) if line["open"] else "",
                line["rate_per_minute"],
                line["failures"],
            )
            for line in worst
        ],
    )


def transfer(answer: Shown) -> Renderable:
    verdict = answer.get("verdict") or {}
    return stacked(
        facts(
            [
                (TRANSFER, answer["id"]),
                ("Việc · Event", event_name(answer["type"])),
                (SUBJECT_CODE, answer["subject"]),
                ("Nơi gửi · Sender", answer["sender"]),
                (STATUS, answer["state"]),
                ("Bị từ chối · Refused", listed(verdict[k] for k in ("step", "code", "pointer") if verdict.get(k))),
                ("Dấu vết · Trace", answer.get("traceparent")),
            ]
        ),
        table(
            "Nơi nhận · Deliveries",
            (DELIVERY, ORGAN, "Thay cho · Instead of", "Qua · Via", STATUS, "Lỗi · Code"),
            [
                (
                    each["delivery"],
                    each["organ"],
                    each.get("redirected_from"),
                    each["via"],
                    each["state"],
                    each.get("code"),
                )
                for each in answer["deliveries"]
            ],
            whole=[DELIVERY],
        ),
        table("Các bước · Steps", (AT, ORGAN, "Bước · Step"), _steps(answer)),
    )


def _steps(answer: Shown) -> list[tuple[object, ...]]:
    steps = [(answer["accepted_at"], answer["sender"], "được nhận · accepted")]
    for each in answer["deliveries"]:
        if expired := each.get("expired_at"):
            steps.append((expired, each["organ"], "quá hạn, vẫn gửi lại · expired, still tried"))
        if handed_over := each.get("handed_over_at"):
            steps.append((handed_over, each["organ"], "đã giao · handed over"))
        steps += [(told["at"], each["organ"], f"trả lời · answered {told['code']}") for told in each["answers"]]
    return [(moment(at), organ, step) for at, organ, step in sorted(steps, key=lambda step: _time(step[0]))]


def transfers(lines: Sequence[Shown]) -> Renderable:
    return table(
        "Gói tin · Transfers",
        (TRANSFER, AT, "Việc · Event", SUBJECT_CODE, "Nơi gửi · Sender", STATUS, "Nơi nhận · Recipients"),
        [
            (
                line["id"],
                moment(line["accepted_at"]),
                event_name(line["type"]),
                line["subject"],
                line["sender"],
                line["state"],
                listed(f"{each['organ']} {each['state']}" for each in line["deliveries"]),
            )
            for line in lines
        ],
        whole=[TRANSFER],
    )


def stuck(lines: Sequence[Shown]) -> Renderable:
    now = datetime.now(UTC)
    return table(
        "Việc tồn đọng · Stuck",
        ("Loại · Kind", "Từ · For", SUBJECT_CODE, ORGAN, "Lần · Tries",
         "Lần tới · Next", REASON, DELIVERY),
        [
            (
                named(line["kind"]),
                _since(line.get("stuck_since", line["since"]), now),
                line["subject"],
                line["organ"],
                line["attempts"],
                _due(line.get("due_at"), now),
                named(line["reason"]),
                line["delivery"],
            )
            for line in lines
        ],
        whole=[DELIVERY],
    )  # fmt: skip


def named(code: str) -> str:
    """With the word for it, if there is one."""
    problem = PROBLEMS.get(code)
    word = WORDS.get(code) or (problem.title_vi if problem else "")
    return f"{word} · {code}" if word else code


def undecided(lines: Sequence[Shown]) -> Renderable:
    now = datetime.now(UTC)
    return table(
        "Chờ chọn cơ quan kế thừa · Undecided successors",
        (ORGAN, "Tên · Name", "Đóng · Closed", "Kế thừa · Successors", "Gói chờ · Waiting", "Đối tượng · Subjects",
         "Từ · For", "Đã chọn · Decided"),
        [
            (
                line["organ"],
                line.get("name"),
                line.get("closed_on"),
                "; ".join(f"{each['organ']} {each.get('name', '')}".rstrip() for each in line["successors"]),
                line["waiting"],
                line["subjects"],
                _since(line.get("oldest_at"), now),
                (line.get("decided") or {}).get("successor"),
            )
            for line in lines
        ],
        whole=[ORGAN],
    )  # fmt: skip


def dead_letters(lines: Sequence[Shown]) -> Renderable:
    """Who closed them and why is told where one is closed."""
    told = any(line["state"] == "closed" for line in lines)
    return table(
        "Bản ghi hỏng · Dead letters",
        (CODE, AT, "Nơi thấy · Program", "Bản ghi · Record", "Lỗi · Code", "Vị trí · Place", "Việc · Event",
         *(("Người đóng · Closed by", REASON) if told else ())),
        [
            (
                line["id"],
                moment(line["at"]),
                line["program"],
                f"{line['topic']}/{line['partition']}@{line['offset']}",
                line["verdict"].get("code"),
                line["verdict"].get("pointer"),
                event_name(line["headers"].get("ce_type", "")),
                *((line.get("closed_by"), line.get("reason")) if told else ()),
            )
            for line in lines
        ],
        whole=[CODE],
    )  # fmt: skip


def decision(answer: Shown) -> Renderable:
    return facts(
        [
            ("Chỉ xem trước · Dry run", "có · yes" if answer.get("dry_run") else None),
            ("Cơ quan đã đóng · Closed organ", answer["organ"]),
            ("Kế thừa · Successor", answer["successor"]),
            ("Chỉ cho · Only for", answer.get("subject")),
            ("Gói tin · Deliveries", answer["deliveries"]),
        ]
    )


def redelivered(answer: Shown) -> str:
    """In a line."""
    count = len(answer["queued"])
    told = f"sẽ gửi · to be sent: {count}" if answer["dry_run"] else f"đang gửi · being sent: {count}"
    return f"{answer['organ']}  {told}"


def closed(answer: Shown) -> str:
    """In a line; what is still to come, and what is still to be done by others."""
    told = [answer["organ"], "sẽ đóng · to be closed" if answer["dry_run"] else "đã đóng · closed"]
    if not answer["final"]:
        told.append("chờ biên nhận của dịch vụ · once the office's receipt is there")
    if offer := answer.get("open_offer"):
        told.append(f"đề nghị chuyển còn mở, bên gửi cần thu hồi · its offer stays open until recalled: {offer}")
    return "  ".join(told)


def dead_letter_closed(answer: Shown) -> str:
    """In a line."""
    told = "sẽ đóng · to be closed" if answer.get("dry_run") else "đã đóng · closed"
    return f"{answer['topic']}/{answer['partition']}@{answer['offset']}  {told}"


def plan(results: Sequence[Result]) -> Renderable:
    """What would be given up, and for whom; what cannot be, and why."""
    shown = [(each.id, each.body or {}, each.problem) for each in results]
    offers, problems = any(body.get("open_offer") for _, body, _ in shown), any(problem for *_, problem in shown)
    return table(
        "Sẽ bỏ · To be given up",
        (DELIVERY, ORGAN, SUBJECT_CODE, TRANSFER, *(["Đề nghị còn mở · Offer left open"] if offers else []),
         *(["Không được vì · Refused"] if problems else [])),
        [
            (
                id_,
                body.get("organ"),
                body.get("subject"),
                body.get("transfer"),
                *([body.get("open_offer")] if offers else []),
                *([f"{problem.status} {problem.code}" if problem else ""] if problems else []),
            )
            for id_, body, problem in shown
        ],
        whole=[DELIVERY],
    )  # fmt: skip


def _since(at: str | None, now: datetime) -> str:
    return age((now - _time(at)).total_seconds()) if at else ""


def _due(at: str | None, now: datetime) -> str:
    if not at:
        return ""
    seconds = (_time(at) - now).total_seconds()
    return age(seconds) if seconds >= 1 else "ngay · now"


def _time(at: str) -> datetime:
    return datetime.fromisoformat(at)
