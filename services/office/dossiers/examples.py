"""Examples of the API page: what a caller sends and gets."""

from datetime import datetime
from typing import Any

from contracts import samples
from contracts.problems import HubError
from services.kernel import cursors
from services.kernel.openapi import PLACE
from services.kernel.problem_details import problem_body

CODE = samples.DOSSIER
TRANSFER = "018fdc3a-7c3e-7b1a-9d2e-3f4a5b6c7d8e"

DOSSIER: dict[str, Any] = {
    "procedure": "1.001612",
    "channel": 1,
    "applicant": {"kind": "citizen", "name": "Nguyễn Văn Mẫu", "id_number": "000000000000"},
    "summary": "Đăng ký thành lập hộ kinh doanh",
}
BATCH: dict[str, Any] = {"items": [DOSSIER, {**DOSSIER, "summary": "Đăng ký thay đổi hộ kinh doanh"}]}
ACTS: dict[str, Any] = {
    "accept": {"summary": "Tiếp nhận", "value": {"action": "accept"}},
    "assign": {"summary": "Phân công", "value": {"action": "assign", "staff": "Cán bộ Mẫu"}},
    "request_supplement": {
        "summary": "Yêu cầu bổ sung",
        "value": {"action": "request_supplement", "reason": "Thiếu giấy tờ", "missing": ["Bản sao giấy phép"]},
    },
    "complete": {"summary": "Hoàn thành", "value": {"action": "complete", "result": {"number": "12/GP"}}},
    "accept_custody": {"summary": "Nhận chuyển", "value": {"action": "accept_custody"}},
}
OFFER: dict[str, Any] = {
    "offer": {"value": {"to": samples.SUPERIOR, "reason": "Chuyển cơ quan có thẩm quyền giải quyết"}}
}

SUBMITTED: dict[str, Any] = {"code": CODE, "status": 1, "custodian": samples.ORGAN, "transfers": [TRANSFER]}
BATCHED: dict[str, Any] = {
    "items": [
        {"index": 0, "status": 201, "body": SUBMITTED},
        {
            "index": 1,
            "status": 201,
            "body": {**SUBMITTED, "code": samples.DOSSIER_TO_HAND_ON, "transfers": [TRANSFER[:-1] + "f"]},
        },
    ]
}
PARTLY_BATCHED: dict[str, Any] = {
    "items": [
        BATCHED["items"][0],
        {
            "index": 1,
            "status": 409,
            "problem": problem_body(HubError("dossier.exists", pointer="/code"), PLACE),
        },
    ]
}
ACTED: dict[str, Any] = {
    "code": CODE,
    "status": 2,
    "custodian": samples.ORGAN,
    "custody": "held",
    "transfers": [TRANSFER],
}
TAKING: dict[str, Any] = {**ACTED, "custodian": samples.SUPERIOR, "custody": "taking"}
OFFERED: dict[str, Any] = {"offer": "018fdc3b-0d52-7f60-8b1c-2a3b4c5d6e7f", "transfers": [TRANSFER]}
_STANDING: dict[str, Any] = {
    "status": 1,
    "custodian": samples.ORGAN,
    "custody": "held",
    "epoch": 1,
    "version": 1,
}
_KNOWN: dict[str, Any] = {
    "code": CODE,
    "procedure": "1.001612",
    "receiving_organ": samples.ORGAN,
    "summary": "Đăng ký thành lập hộ kinh doanh",
    "due_at": "2024-06-10T17:00:00.000+07:00",
}
LISTED: dict[str, Any] = {
    "items": [
        {**_KNOWN, **_STANDING, "created_at": "2024-06-03T09:15:00.000+07:00", "href": f"/v1/dossiers/{CODE}"},
    ],
    "next_cursor": cursors.encode(
        datetime.fromisoformat("2024-06-03T09:15:00+07:00"), CODE, cursors.scope("dossiers", samples.ORGAN, *[None] * 4)
    ),
}
SHOWN: dict[str, Any] = {
    **_KNOWN,
    "channel": 1,
    "applicant": DOSSIER["applicant"],
    **_STANDING,
    "attachments": [],
    "history": [
        {
            "transfer": TRANSFER,
            "type": "vn.lienthong.dossier.submitted",
            "actor": samples.ORGAN,
            "status": 1,
            "at": "2024-06-03T09:15:00.000+07:00",
        }
    ],
}
