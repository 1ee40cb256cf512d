"""What is told of an error code beyond title and remedy: when it comes, who sees it, what to do, whether to repeat."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Words:
    """The same in Vietnamese and in English."""

    vi: str
    en: str


class Seen(Enum):
    """Where a code is met."""

    OFFICE = Words(
        "Ngay trong câu trả lời của dịch vụ cấp tỉnh, huyện, xã",
        "At once, in the answer of an office",
    )
    GATEWAY = Words(
        "Ngay trong câu trả lời của cổng",
        "At once, in the answer of the gateway",
    )
    VERDICT = Words(
        "Về sau, trong kết luận kiểm tra của lượt gửi: cơ quan gửi thấy ở hộp nhận, lượt gửi và lịch sử",
        "Later, as the verdict of a transfer: its sender finds it in the inbox, the transfer and the history",
    )
    DELIVERY = Words(
        "Về sau, ở việc giao cho một nơi nhận trong lượt gửi; các nơi nhận khác không bị ảnh hưởng",
        "Later, at the delivery to one recipient of a transfer; other recipients are not concerned",
    )
    OPERATORS = Words(
        "Chỉ đơn vị vận hành thấy, ở thông điệp hỏng hoặc gói tin đang bị tắc",
        "By operators only, at a dead letter or a stuck message",
    )


class Repeat(Enum):
    """Whether the request should be sent again, and under which `Idempotency-Key`."""

    SAME = Words(
        "Có, nguyên văn và với cùng Idempotency-Key, sau khoảng chờ: việc đã làm không bị làm lần hai.",
        "Yes, unchanged and with the same Idempotency-Key, after a pause: what was done is not done twice.",
    )
    CORRECTED = Words(
        "Không gửi lại nguyên văn; sửa rồi gửi. Câu trả lời lỗi không được lưu theo Idempotency-Key nên dùng lại khóa "
        "được; nếu yêu cầu đã được nhận (kể cả lô trả lời 207) và lỗi nằm ở một phần hay đến sau thì dùng khóa mới.",
        "Not unchanged: correct it first. A refusal is not kept under its Idempotency-Key, so the key may be used "
        "again; where the request was accepted (a batch with 207 too) and a part of it refused, use a new key.",
    )
    ANEW = Words(
        "Có, với Idempotency-Key mới; nếu muốn nhận lại câu trả lời cũ thì gửi đúng các byte cũ với khóa cũ.",
        "Yes, under a new Idempotency-Key; to get the earlier answer again, send exactly the earlier bytes.",
    )
    LATER = Words(
        "Để sau, khi nguyên nhân đã hết, như một yêu cầu mới với Idempotency-Key mới; gửi lại ngay không có ích.",
        "Later, when the reason is gone, as a new request with a new Idempotency-Key; at once it is of no use.",
    )
    DECIDE = Words(
        "Chỉ sau khi đã đọc lại và quyết định lại; khi đó là yêu cầu mới với Idempotency-Key mới.",
        "Only after reading and deciding again; then it is a new request with a new Idempotency-Key.",
    )
    NEVER = Words(
        "Không: gửi lại sẽ vẫn bị từ chối cho đến khi có người xử lý nguyên nhân.",
        "No: it is refused again until somebody has dealt with the reason.",
    )
    NOTHING = Words(
        "Không cần: phía gửi không phải làm gì, trục tự xử lý hoặc đơn vị vận hành xử lý.",
        "No need: the sender has nothing to do, the hub or its operators see to it.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """`vi` and `en` say when the code comes and what the usual mistakes are; the steps lead out; `see` names codes."""

    vi: str
    en: str
    steps_vi: tuple[str, ...]
    steps_en: tuple[str, ...]
    seen: tuple[Seen, ...]
    repeat: Repeat
    see: tuple[str, ...]
