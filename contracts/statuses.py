"""Closed status lists: documents (QĐ 28/2018/QĐ-TTg) and dossiers (TrangThaiHoSo of the national portal)."""

from enum import StrEnum


class DocumentStatus(StrEnum):
    """Processing status of a document at one recipient. 13 goes from the sender to a receiver, the others back."""

    ARRIVED = "01"
    REFUSED = "02"
    ACCEPTED = "03"
    ASSIGNED = "04"
    IN_PROGRESS = "05"
    COMPLETED = "06"
    TAKE_BACK = "13"
    CHANGE_AGREED = "15"
    CHANGE_REFUSED = "16"


DOCUMENT_STATUS_NAMES: dict[DocumentStatus, tuple[str, str]] = {
    DocumentStatus.ARRIVED: ("đã đến", "arrived"),
    DocumentStatus.REFUSED: ("từ chối tiếp nhận", "refused"),
    DocumentStatus.ACCEPTED: ("đã tiếp nhận", "accepted"),
    DocumentStatus.ASSIGNED: ("phân công xử lý", "assigned"),
    DocumentStatus.IN_PROGRESS: ("đang xử lý", "in progress"),
    DocumentStatus.COMPLETED: ("hoàn thành", "completed"),
    DocumentStatus.TAKE_BACK: ("lấy lại", "take back"),
    DocumentStatus.CHANGE_AGREED: ("đồng ý cập nhật/lấy lại", "change agreed"),
    DocumentStatus.CHANGE_REFUSED: ("từ chối cập nhật/lấy lại", "change refused"),
}

DOSSIER_STATUS_NAMES: dict[int, tuple[str, str]] = {
    1: ("Mới đăng ký", "registered"),
    2: ("Được tiếp nhận", "accepted"),
    3: ("Không được tiếp nhận", "not accepted"),
    4: ("Đang xử lý", "in progress"),
    5: ("Yêu cầu bổ sung giấy tờ", "supplement requested"),
    6: ("Yêu cầu thực hiện nghĩa vụ tài chính", "payment requested"),
    7: ("Công dân yêu cầu rút hồ sơ", "withdrawn"),
    8: ("Dừng xử lý", "stopped"),
    9: ("Đã xử lý xong", "completed"),
    10: ("Đã trả kết quả", "result returned"),
}
