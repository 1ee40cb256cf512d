"""Examples of the API page: what a caller sends and gets."""

from datetime import datetime
from typing import Any

from contracts import samples
from services.kernel import cursors

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
EDXML = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">
  <edXML:edXMLEnvelope xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">
    <edXML:edXMLHeader>
      <edXML:MessageHeader>
        <edXML:From>
          <edXML:OrganId>{samples.ORGAN}</edXML:OrganId>
        </edXML:From>
        <edXML:To>
          <edXML:OrganId>{samples.NEIGHBOUR}</edXML:OrganId>
        </edXML:To>
        <edXML:DocumentId>{samples.ORGAN},2024/06/03,14/UBND-VP</edXML:DocumentId>
        <edXML:Code>
          <edXML:CodeNumber>14</edXML:CodeNumber>
          <edXML:CodeNotation>UBND-VP</edXML:CodeNotation>
        </edXML:Code>
        <edXML:PromulgationInfo>
          <edXML:Place>Hòa Bình</edXML:Place>
          <edXML:PromulgationDate>2024/06/03</edXML:PromulgationDate>
        </edXML:PromulgationInfo>
        <edXML:DocumentType>
          <edXML:Type>18</edXML:Type>
          <edXML:TypeName>Công văn</edXML:TypeName>
        </edXML:DocumentType>
        <edXML:Subject>Về việc báo cáo kết quả giải quyết thủ tục hành chính</edXML:Subject>
        <edXML:OtherInfo>
          <edXML:Priority>0</edXML:Priority>
        </edXML:OtherInfo>
      </edXML:MessageHeader>
    </edXML:edXMLHeader>
    <edXML:edXMLBody>
      <edXML:edXMLManifest version="1.0">
      </edXML:edXMLManifest>
    </edXML:edXMLBody>
  </edXML:edXMLEnvelope>
</edXML>
"""
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
    "next_cursor": cursors.encode(
        datetime.fromisoformat("2024-06-03T09:00:04.120+07:00"),
        samples.RECEIVED,
        cursors.scope("documents", samples.ORGAN, *[None] * 3),
    ),
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
