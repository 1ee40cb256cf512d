"""Answers of the hub as a person reads them: Vietnamese and English headings, names beside codes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.statuses import DOCUMENT_STATUS_NAMES, DOSSIER_STATUS_NAMES, DocumentStatus
from deploy.client.dossiers import Outcome
from deploy.commands.tables import Renderable, facts, listed, moment, stacked, table

AT = "Lúc · At"
CODE = "Mã · Code"
STATUS = "Trạng thái · Status"
CUSTODIAN = "Cơ quan giữ · Custodian"
TRANSFERS = "Gói tin · Transfers"
ORGAN = "Cơ quan · Organ"
SUBJECT = "Trích yếu · Subject"

Shown = Mapping[str, Any]


def dossier_status(code: Any) -> str:
    vi, en = DOSSIER_STATUS_NAMES.get(code, ("", ""))
    return f"{code} {vi} · {en}" if vi else str(code)


def document_status(code: Any) -> str:
    try:
        vi, en = DOCUMENT_STATUS_NAMES[DocumentStatus(code)]
    except ValueError:
        return str(code)
    return f"{code} {vi} · {en}"


def acted(answer: Shown) -> Renderable:
    """A dossier after it was submitted or acted upon."""
    return facts(
        [
            (CODE, answer["code"]),
            (STATUS, dossier_status(answer["status"])),
            (CUSTODIAN, answer.get("custodian")),
            ("Quyền giữ · Custody", answer.get("custody")),
            (TRANSFERS, listed(answer["transfers"])),
        ]
    )


def offered(answer: Shown) -> Renderable:
    return facts([("Đề nghị · Offer", answer["offer"]), (TRANSFERS, listed(answer["transfers"]))])


def dossier(answer: Shown) -> Renderable:
    applicant, offer = answer["applicant"], answer.get("offer")
    result = answer.get("result") or {}
    return stacked(
        facts(
            [
                (CODE, answer["code"]),
                ("Thủ tục · Procedure", answer["procedure"]),
                (SUBJECT, answer.get("summary")),
                ("Chủ hồ sơ · Applicant", f"{applicant['name']} ({applicant['kind']})"),
                (STATUS, dossier_status(answer["status"])),
                (CUSTODIAN, f"{answer['custodian'] or '–'} ({answer['custody']})"),
                ("Đề nghị chuyển · Offer", f"{offer['from']} → {offer['to']}" if offer else None),
                ("Tiếp nhận · Receiver", answer["receiving_organ"]),
                ("Giải quyết · Deciding", answer.get("deciding_organ")),
                ("Hẹn trả · Due", moment(answer["due_at"]) if answer.get("due_at") else None),
                ("Kết quả · Result", result.get("number")),
                ("Bị từ chối · Refused", answer.get("refused")),
                ("Phiên bản · Version", answer["version"]),
            ]
        ),
        files([*answer["attachments"], *result.get("attachments", [])]),
        table(
            "Quá trình · History",
            (AT, ORGAN, "Việc · Event", STATUS, "Lý do · Reason", "Bị từ chối · Refused"),
            [
                (
                    moment(step["at"]),
                    step["actor"],
                    event_name(step["type"]),
                    dossier_status(step["status"]),
                    step.get("reason"),
                    step.get("refused"),
                )
                for step in answer["history"]
            ],
        ),
    )


def files(attachments: Sequence[Shown]) -> Renderable | None:
    if not attachments:
        return None
    return table(
        "Tệp · Files",
        ("Tên · Name", "Loại · Type", "Byte", "SHA-256"),
        [(each["name"], each["media_type"], each.get("size"), each["sha256"]) for each in attachments],
    )


def dossiers(lines: Sequence[Shown]) -> Renderable:
    return table(
        "Hồ sơ · Dossiers",
        (CODE, STATUS, CUSTODIAN, "Thủ tục · Procedure", "Hẹn trả · Due", SUBJECT),
        [
            (
                line["code"],
                dossier_status(line["status"]),
                line.get("custodian"),
                line.get("procedure"),
                moment(line["due_at"]) if line.get("due_at") else "",
                line.get("summary"),
            )
            for line in lines
        ],
    )


def outcomes(lines: Iterable[Outcome]) -> Renderable:
    return table(
        "Hồ sơ · Dossiers",
        ("STT · No.", "HTTP", CODE, "Lỗi · Problem"),
        [
            (line.index, line.status, line.body["code"] if line.body else "", line.problem and str(line.problem))
            for line in lines
        ],
    )


def sent(answer: Shown) -> Renderable:
    return facts(
        [
            ("Mã · Id", answer.get("id")),
            ("DocumentId", answer.get("document_id")),
            (TRANSFERS, listed(answer.get("transfers", []))),
        ]
    )


def told(answer: Shown) -> Renderable:
    already = "đã ở trạng thái này · it is the present status already"
    return facts([(TRANSFERS, listed(answer["transfers"]) or already)])


def document(answer: Shown) -> Renderable:
    return stacked(
        facts(
            [
                ("Mã · Id", answer["id"]),
                ("DocumentId", answer["document_id"]),
                ("Số, ký hiệu · Number", f"{answer['number']}/{answer['notation']}"),
                ("Loại · Type", answer["type_name"]),
                (SUBJECT, answer["subject"]),
                ("Nơi gửi · From", answer["from"]),
                ("Nơi nhận · To", listed(answer["to"])),
                ("Ngày ban hành · Promulgated", answer.get("promulgated_on")),
                ("Hạn xử lý · Due", answer.get("due_on")),
                ("Tình trạng · State", answer.get("state")),
                (TRANSFERS, listed(answer["transfers"])),
            ]
        ),
        files(answer["attachments"]),
        table(
            "Trạng thái xử lý · Statuses",
            (AT, ORGAN, STATUS, "Ghi chú · Description"),
            [
                (moment(each["at"]), each["organ"], document_status(each["code"]), each.get("description"))
                for each in answer["statuses"]
            ],
        ),
    )


def documents(lines: Sequence[Shown]) -> Renderable:
    return table(
        "Văn bản · Documents",
        ("Mã · Id", "Hộp · Box", "Số, ký hiệu · Number", "Nơi gửi · From", "Tình trạng · State", SUBJECT),
        [
            (
                line["id"],
                line["box"],
                "/".join(filter(None, (line.get("number"), line.get("notation")))),
                line["from"],
                line.get("state"),
                line.get("subject"),
            )
            for line in lines
        ],
    )


ITEM_HEADINGS = (AT, "Loại · Kind", "Việc · Event", "Đối tượng · Subject", "Nơi gửi · From", "Mã · Id")


def item(each: Shown) -> tuple[object, ...]:
    moment_ = moment(each["received_at"])
    return moment_, each["kind"], event_name(each["type"]), each["subject"], each["from"], each["id"]


def items(lines: Sequence[Shown]) -> Renderable:
    return table("Hộp đến · Inbox", ITEM_HEADINGS, map(item, lines))


def transfer(answer: Shown) -> Renderable:
    verdict = answer.get("verdict") or {}
    return stacked(
        facts(
            [
                ("Gói tin · Transfer", answer["id"]),
                ("Việc · Event", event_name(answer["type"])),
                ("Đối tượng · Subject", answer["subject"]),
                ("Nơi gửi · Sender", answer["sender"]),
                ("Tình trạng · State", answer["state"]),
                ("Nhận lúc · Accepted", moment(answer["accepted_at"])),
                (
                    "Bị từ chối · Refused",
                    listed(verdict[k] for k in ("step", "code", "pointer") if verdict.get(k)),
                ),
            ]
        ),
        table(
            "Nơi nhận · Deliveries",
            (ORGAN, "Qua · Via", "Tình trạng · State", "Đã giao · Handed over", "Trả lời · Answers", "Lỗi · Code"),
            [
                (
                    each["organ"],
                    each["via"],
                    each["state"],
                    moment(each["handed_over_at"]) if each.get("handed_over_at") else "",
                    listed(answer["code"] for answer in each.get("answers", [])),
                    each.get("code"),
                )
                for each in answer["deliveries"]
            ],
        ),
    )


def systems(lines: Sequence[Shown]) -> Renderable:
    return table(
        "Hệ thống · Systems",
        ("Mã · Client id", "Tên · Name", "Cấp · Level", "Cơ quan · Organs", "Quyền · Scopes", "Tạm dừng · Suspended"),
        [
            (
                line["client_id"],
                line["name"],
                line["level"],
                listed(line["organs"]),
                listed(line["scopes"]),
                "có · yes" if line["suspended"] else "",
            )
            for line in lines
        ],
    )


def organs(lines: Sequence[Shown]) -> Renderable:
    return table(
        "Cơ quan · Organs",
        (CODE, "Tên · Name", "Cấp · Level", "Cấp trên · Superior", "Kênh · Home", "Từ · From", "Đến · Until"),
        [
            (
                line["code"],
                line["name"],
                line["level"],
                listed(each["organ"] for each in line.get("superiors", [])),
                line.get("home"),
                line.get("valid_from"),
                line.get("valid_to"),
            )
            for line in lines
        ],
    )


def imported(answer: Shown) -> Renderable:
    return stacked(
        facts(
            [
                ("Chỉ kiểm tra · Dry run", "có · yes" if answer["dry_run"] else None),
                ("Số dòng · Lines", answer["lines"]),
                ("Tạo mới · Created", answer["created"]),
                ("Thay đổi · Changed", answer["changed"]),
                ("Giữ nguyên · Unchanged", answer["unchanged"]),
                ("Bị từ chối · Refused", answer["refused"]),
                ("Không liệt kê · Not listed", answer["omitted"] or None),
            ]
        ),
        table(
            "Từng dòng · Lines",
            ("Dòng · Line", CODE, "Kết quả · Outcome", "Lỗi · Errors"),
            [
                (
                    line["line"],
                    line["code"],
                    line["outcome"],
                    "; ".join(": ".join(filter(None, (e["column"], e["problem"]))) for e in line["errors"]),
                )
                for line in answer["report"]
            ],
        ),
    )


def audit(lines: Sequence[Shown]) -> Renderable:
    return table(
        "Nhật ký quản trị · Audit",
        (AT, "Ai · Who", "Việc · Act", "Đối tượng · Target", "Lý do · Reason"),
        [
            (
                moment(line["at"]),
                line["client_id"],
                line["action"],
                f"{line['target']['kind']}:{line['target']['id']}",
                line.get("reason"),
            )
            for line in lines
        ],
    )


def event_name(type_: str) -> str:
    """The full type without what all have."""
    return type_.removeprefix("vn.lienthong.")
