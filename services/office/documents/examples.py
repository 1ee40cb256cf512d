"""Examples of the API page: what a caller sends and gets."""

from typing import Any

from contracts import samples

DAY = "2024-06-03"
TRANSFER = "018fdc3a-7c3e-7b1a-9d2e-3f4a5b6c7d8e"
DOCUMENT: dict[str, Any] = {
    "to": [samples.NEIGHBOUR],
    "number": "12",
    "notation": "UBND-VP",
    "promulgated_on": DAY,
    "place": "Hòa Bình",
    "type": 18,
    "type_name": "Công văn",
    "subject": "Về việc báo cáo kết quả giải quyết thủ tục hành chính",
    "signer": {"competence": "TM. ỦY BAN NHÂN DÂN", "position": "CHỦ TỊCH", "name": "Nguyễn Văn Mẫu"},
    "priority": 0,
}
STATUSES: dict[str, Any] = {
    "arrived": {"summary": "Đã đến", "value": {"code": "01"}},
    "accepted": {"summary": "Đã tiếp nhận", "value": {"code": "03", "description": "Vào sổ số 45"}},
    "refused": {"summary": "Từ chối", "value": {"code": "02", "description": "Không đúng thẩm quyền"}},
    "take_back": {"summary": "Lấy lại", "value": {"code": "13", "to": ["000.00.00.H28"]}},
    "agreed": {"summary": "Đồng ý cập nhật, thu hồi", "value": {"code": "15"}},
}
RECALL: dict[str, Any] = {"recall": {"value": {"reason": "Gửi nhầm nơi nhận", "staff": "Văn thư Mẫu"}}}
UPDATE: dict[str, Any] = {
    "fields": {
        "summary": "Đính chính",
        "value": {"reason": "Đính chính hạn báo cáo", "due_on": "2024-07-01", "subject": "Về việc báo cáo quý II"},
    },
    "recipients": {
        "summary": "Thêm nơi nhận",
        "value": {"reason": "Bổ sung nơi nhận", "add": [samples.SUPERIOR]},
    },
}
REPLACE: dict[str, Any] = {
    "replace": {"value": {**DOCUMENT, "number": "13", "reason": "Sai thể thức văn bản"}},
}

SENT: dict[str, Any] = {
    "id": samples.SENT["recall"],
    "document_id": samples.SENT_DOCUMENT_IDS["recall"],
    "transfers": [TRANSFER],
}
TOLD: dict[str, Any] = {"transfers": [TRANSFER]}
NOTHING: dict[str, Any] = {"transfers": []}
UNCHANGED: dict[str, Any] = {**SENT, "transfers": []}

_NAMED: dict[str, Any] = {
    "id": samples.RECEIVED,
    "document_id": f"{samples.CENTRAL},2024/06/03,9001/VPCP-KSTT",
    "from": samples.CENTRAL,
    "box": "in",
    "to": [samples.ORGAN],
    "number": "9001",
    "notation": "VPCP-KSTT",
    "promulgated_on": DAY,
    "type": 18,
    "type_name": "Công văn",
    "subject": samples.RECEIVED_ORDER["subject"],
    "priority": 0,
    "state": "current",
    "created_at": "2024-06-03T09:00:04.120+07:00",
}
_ARRIVED: dict[str, Any] = {"organ": samples.ORGAN, "code": "01", "at": "2024-06-03T09:02:11.000+07:00"}
LISTED: dict[str, Any] = {
    "items": [{**_NAMED, "href": f"/v1/documents/{samples.RECEIVED}", "statuses": [_ARRIVED]}],
    "next_cursor": "MTcxNzM4MDAwNDEyMDAwMDo3MWI2OWRhOS00ZTMxLTViYjAtYTVkNi02NTlhYTkwODJjNzY",
}
SHOWN: dict[str, Any] = {
    **_NAMED,
    "place": "Hà Nội",
    "response_for": [],
    "attachments": [],
    "transfers": [samples.TRANSFER],
    "statuses": [{**_ARRIVED, "current": True}],
    "changes": [
        {
            "kind": "recall",
            "transfer": TRANSFER,
            "at": "2024-06-03T10:00:00.000+07:00",
            "reason": "Gửi nhầm nơi nhận",
            "answer": {"organ": samples.ORGAN, "code": "16", "at": "2024-06-03T10:20:00.000+07:00"},
        }
    ],
}
