"""The central organ of the stand-in, Văn phòng Chính phủ (G22): what it answers and what it sends down. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from contracts.edxml.attachments import Attachment
from contracts.edxml.changes import earlier_ids, receivers
from contracts.edxml.document_id import issue_document_id
from contracts.edxml.model import (
    DOCUMENT_RECALL,
    DOCUMENT_UPDATE,
    VIETNAM,
    Business,
    Document,
    Message,
    Organization,
    OtherInfo,
    ResponseFor,
    SignerInfo,
    Status,
    TraceHeader,
)
from contracts.edxml.writer import write_document, write_status

CODE: Final = "G22"
OLD_CODE: Final = "000.00.00.G22"
NAME: Final = "Văn phòng Chính phủ"

TAKE_BACK: Final = "13"
NEW: Final = ("01", "03", "06")

_WORDS: Final = {
    "01": "Đã đến",
    "03": "Đã tiếp nhận, vào sổ văn bản đến",
    "06": "Đã hoàn thành",
    "15": "Đồng ý cập nhật, lấy lại",
}


def is_central(organ: str) -> bool:
    return organ.strip().upper() in (CODE, OLD_CODE)


def plan_of(message: Message) -> tuple[str, ...]:
    """The status codes G22 will answer this message with, in order."""
    if isinstance(message, Status):
        return ("15",) if message.status_code == TAKE_BACK else ()
    if message.doc_type == DOCUMENT_UPDATE and any(is_central(code) for code in receivers(message).added):
        return NEW
    return ("15",) if message.doc_type in (DOCUMENT_RECALL, DOCUMENT_UPDATE) else NEW


def status_of(message: Message, own_code: str, code: str, at: datetime) -> tuple[str, bytes]:
    """To whom and what G22 answers; it signs with the form of its code it was addressed by."""
    if isinstance(message, Status):
        answered = ResponseFor(
            message.sender.organ_id,
            message.response_for.code,
            message.response_for.document_id,
            message.response_for.promulgation_date,
        )
    else:
        is_change = message.doc_type in (DOCUMENT_RECALL, DOCUMENT_UPDATE)
        about = earlier_ids(message)[0] if is_change else message.document_id
        answered = ResponseFor(message.sender.organ_id, message.code, about, message.promulgation_date)
    status = Status(
        sender=Organization(own_code, organ_name=NAME),
        response_for=answered,
        status_code=code,
        description=_WORDS[code],
        timestamp=at,
    )
    return message.sender.organ_id, write_status(status)


def document_of(
    to: Sequence[str],
    number: str,
    notation: str,
    subject: str,
    *,
    attachments: Sequence[Attachment],
    at: datetime,
    business: Business | None = None,
) -> bytes:
    """A letter of G22, new unless `business` says otherwise: a recall or update bears the DocumentId it is about.

    Raises ValueError (EdxmlError included) for texts that cannot be sent.
    """
    day = at.astimezone(VIETNAM).date()
    document = Document(
        sender=Organization(CODE, organization_in_charge=NAME, organ_name=NAME),
        to=tuple(Organization(organ) for organ in to),
        document_id=(business and business.document_id) or issue_document_id(CODE, day, f"{number}/{notation}"),
        code_number=number,
        code_notation=notation,
        place="Hà Nội",
        promulgation_date=day,
        type=18,
        type_detail=0,
        type_name="Công văn",
        subject=subject,
        signer_info=SignerInfo("TL. BỘ TRƯỞNG, CHỦ NHIỆM", "Vụ trưởng", None),
        other_info=OtherInfo(priority=0, promulgation_amount=1, page_amount=1, direction=False),
        steering_type=1,
        trace_headers=(TraceHeader(CODE, at),),
        business=business,
    )
    return write_document(document, attachments)
