"""What the page of an API says by itself, in both languages: the conventions of every operation, with the numbers that
hold in this process, and how to read the tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.causes.cause import Words
from services.kernel.idempotency import KEPT_DAYS, MAX_KEY_CHARACTERS
from services.kernel.limits import Limits
from services.kernel.openapi_document import operations
from services.kernel.quotas import BURST_SECONDS

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What the process takes."""

    max_body_bytes: int
    limits: Limits = field(default_factory=Limits)


ABOUT: Final = Words("Giới thiệu", "About")
TOKEN: Final = Words("Lấy token", "Get a token")
TOKEN_HOW: Final = Words(
    "Thay mã và khoá của hệ thống vào các dòng dưới đây rồi dán vào `bash`; các lệnh `curl` trên trang này dùng chung "
    "các biến `BASE`, `CLIENT_ID`, `CLIENT_SECRET` và `TOKEN`. Token có hạn một giờ: nên lấy token mới sau nửa giờ. "
    "`/proc/sys/kernel/random/uuid` (Linux) cho một khoá mới mỗi lần; khi gửi lại hãy dùng khoá cũ. `@body.…` là tệp "
    "chứa thân yêu cầu, như ví dụ ở thao tác đó.",
    "Put the system's id and secret into these lines and paste them into `bash`; every `curl` line of this page uses "
    "the variables they set. A token lasts one hour: get a new one after half of it. `/proc/sys/kernel/random/uuid` "
    "(Linux) gives a new key every time; a repeat is sent with the key of before. `@body.…` is a file with the body, "
    "as the operation's example shows it.",
)
CONVENTIONS: Final = Words("Quy ước khi gọi", "Conventions of every call")
SCOPES: Final = Words("Quyền", "Scopes")
SCOPES_HOW: Final = Words(
    "Token mang các quyền được cấp cho hệ thống; mỗi thao tác cần một trong các quyền ghi ở đó.",
    "A token has the scopes the system was given; an operation needs one of those it names.",
)
READING: Final = Words("Cách đọc các bảng", "How to read the tables")
READING_HOW: Final = Words(
    "`a.b` là trường `b` của đối tượng `a`; `a[].b` là trường `b` của từng phần tử trong danh sách `a`. `required`: "
    "bắt buộc gửi; `always`: luôn có trong câu trả lời; `optional`: có thể không có; `may be null`: có thể là null; "
    "`no NUL`: không chứa ký tự U+0000; `pattern`: biểu thức chính quy; `default`: giá trị khi không gửi; `each`: "
    "đối với từng phần tử.",
    "`a.b` is the member `b` of the object `a`; `a[].b` is the member `b` of every entry of the list `a`. `required`: "
    "must be sent; `always`: is in every answer; `optional`: may be absent; `no NUL`: without the character U+0000; "
    "`pattern`: a regular expression; `default`: what counts when nothing is sent; `each`: holds for every entry.",
)
PROBLEM_BODY: Final = Words("Thân của một lỗi", "The body of a problem")
OTHER_TYPES: Final = Words("Các kiểu dữ liệu khác", "Other types")
CONTENTS: Final = Words("Mục lục", "Contents")


def conventions(document: Json, bounds: Bounds) -> Iterator[tuple[Words, Words]]:
    """Title and text of each; those about a header only where some operation has it."""
    headers = {each["name"] for operation in operations(document) for each in operation.get("parameters", ())}
    if "Idempotency-Key" in headers:
        yield _REPEATS
    if "X-Organ" in headers:
        yield _ORGAN
    yield _VERSIONS if "If-Match" in headers else _CACHING
    if "cursor" in headers:
        yield _LISTS
    yield _TIMES
    yield _TEXTS
    yield Words("Giới hạn", "Limits"), _limits(bounds)
    yield _QUOTAS
    yield _CODINGS
    yield _PROBLEMS


def _limits(bounds: Bounds) -> Words:
    limits = bounds.limits
    body, headers, address = (
        _size(size) for size in (bounds.max_body_bytes, limits.max_header_bytes, limits.max_url_bytes)
    )
    return Words(
        f"Thân yêu cầu tối đa {body}, nếu thao tác không nêu khác; địa chỉ {address}, {limits.max_query_parameters} "
        f"tham số; {limits.max_headers} trường đầu, tổng cộng {headers}; JSON lồng nhau {limits.max_json_depth} tầng. "
        "Vượt giới hạn: 413, 414, 431 hoặc 400, kèm tên giới hạn.",
        f"A body has at most {body} unless the operation says otherwise; an address {address} and "
        f"{limits.max_query_parameters} parameters; {limits.max_headers} headers, {headers} together; JSON is "
        f"{limits.max_json_depth} levels deep. What is larger is refused with 413, 414, 431 or 400, which name the "
        "limit.",
    )


def _size(size: int) -> str:
    for unit, bytes_ in (("MiB", 1024**2), ("KiB", 1024)):
        if size % bytes_ == 0 and size:
            return f"{size // bytes_} {unit}"
    return f"{size} B"


_REPEATS: Final = (
    Words("Gửi lại an toàn", "Safe repeats"),
    Words(
        f"Gửi kèm `Idempotency-Key` (1 đến {MAX_KEY_CHARACTERS} ký tự ASCII, mỗi việc một khoá mới) và gửi lại đúng "
        f"yêu cầu với khoá cũ khi hết thời gian chờ, 429 hoặc 503. Trong {KEPT_DAYS} ngày, câu trả lời đầu tiên được "
        "trả lại với `Idempotency-Replayed: true`. Cùng khoá mà khác thân: 422 `idempotency.reused`; lần trước chưa "
        "xong: 409 `idempotency.in_progress`. Khoá tính riêng theo hệ thống, cơ quan, thao tác và địa chỉ kể "
        "cả tham số.",
        f"Send an `Idempotency-Key` (1 to {MAX_KEY_CHARACTERS} ASCII characters, a new one for every piece of work) "
        "and repeat the same request with the same key after a time-out, 429 or 503. The first answer comes again for "
        f"{KEPT_DAYS} days, with `Idempotency-Replayed: true`. The same key with another body: 422 "
        "`idempotency.reused`; while the first request is at work: 409 `idempotency.in_progress`. A key counts for one "
        "system, organ, method, path and query: the same key elsewhere is another key.",
    ),
)
_ORGAN: Final = (
    Words("Cơ quan", "Organ"),
    Words(
        "Hệ thống đại diện nhiều cơ quan nêu cơ quan trong `X-Organ`, bằng mã bất kỳ của cơ quan đó; hệ thống chỉ có "
        "một cơ quan thì không cần.",
        "A system that acts for several organs names the one it means in `X-Organ`, by any of its codes; a system of "
        "one organ need not.",
    ),
)
_CACHE_VI: Final = "Gửi lại `ETag` đã có trong `If-None-Match`: 304 không thân khi chưa có gì thay đổi."
_CACHE_EN: Final = "Send the `ETag` you have as `If-None-Match`: 304 without a body while nothing has changed."
_CACHING: Final = (Words("Phiên bản", "Versions"), Words(_CACHE_VI, _CACHE_EN))
_VERSIONS: Final = (
    _CACHING[0],
    Words(
        f"{_CACHE_VI} Khi sửa, gửi `If-Match` với `ETag` đã đọc: nếu dữ liệu đã khác thì 412, không có gì bị ghi đè. "
        "`ETag` của câu trả lời nén (`W/…`) cũng dùng được.",
        f"{_CACHE_EN} To change only what you have seen, send that `ETag` as `If-Match`: when it is not the present "
        "version any more the answer is 412 and nothing is overwritten. The weak tag of a compressed answer (`W/…`) "
        "is taken as well.",
    ),
)
_LISTS: Final = (
    Words("Danh sách và con trỏ", "Lists and cursors"),
    Words(
        "`limit` là số mục mỗi trang. Gửi con trỏ của trang vừa nhận trong `cursor` để đọc tiếp; con trỏ không có ý "
        "nghĩa gì khác và không tự tạo được. `next_cursor` vắng mặt ở trang cuối.",
        "`limit` is the number of items on a page. Send the cursor of the page you have as `cursor` to read on; a "
        "cursor is opaque and cannot be made up. `next_cursor` is absent on the last page.",
    ),
)
_TIMES: Final = (
    Words("Thời gian", "Times"),
    Words(
        "RFC 3339, luôn kèm múi giờ; trục trả lời theo +07:00. Ngày: `2024-06-03`. Riêng `data` của mục trong hộp đến "
        "là gói tin nguyên như khi truyền, giờ UTC (`Z`).",
        "RFC 3339 with an offset; the hub shows +07:00. Days are `2024-06-03`. Only `data` of an inbox item is the "
        "message as it travelled, with times in UTC (`Z`).",
    ),
)
_TEXTS: Final = (
    Words("Chữ và trường lạ", "Text and unknown members"),
    Words(
        "UTF-8, lưu đúng như gửi, so sánh ở dạng NFC. Trường không có trong bảng bị từ chối với 422; câu trả lời về "
        "sau có thể có thêm trường: hãy bỏ qua.",
        "UTF-8, kept as sent, compared in composed form (NFC). Members of a body that no table lists are refused with "
        "422; answers may gain members: ignore them.",
    ),
)
_QUOTAS: Final = (
    Words("Hạn mức", "Quotas"),
    Words(
        "Mỗi hệ thống có hạn mức số yêu cầu và số byte mỗi giây; vượt hạn mức: 429 `quota.exceeded`, chờ số giây trong "
        f"`Retry-After` rồi gửi lại. Có thể gửi dồn bằng hạn mức của {BURST_SECONDS:.0f} giây. Hạn mức tính riêng cho "
        "từng tiến trình, nên dịch vụ chạy nhiều tiến trình có thể cho qua nhiều hơn. Hạn mức riêng xem ở `GET "
        "/v1/systems/me` của cổng.",
        "A system has a quota of requests and of body bytes a second; beyond it: 429 `quota.exceeded`, wait the "
        f"seconds of `Retry-After` and repeat. A burst may take the quota of {BURST_SECONDS:.0f} seconds at once. The "
        "quota counts in each process by itself: a service of several processes may let more through. `GET "
        "/v1/systems/me` of the gateway shows a system's own quota.",
    ),
)
_CODINGS: Final = (
    Words("Nén", "Compression"),
    Words(
        "Có thể gửi thân nén với `Content-Encoding: gzip`; câu trả lời từ 1 KiB được nén khi có `Accept-Encoding: "
        "gzip` (`curl --compressed`).",
        "A body may be sent with `Content-Encoding: gzip`; answers from 1 KiB are compressed for who sends "
        "`Accept-Encoding: gzip` (`curl --compressed`).",
    ),
)
_PROBLEMS: Final = (
    Words("Lỗi", "Problems"),
    Words(
        "`application/problem+json` (RFC 9457): `code` trong danh sách đóng, vị trí trong `errors`, cách khắc phục "
        "trong `remedy`; `type` dẫn đến trang giải thích mã. Khi hỏi hỗ trợ, nêu `X-Request-Id` của câu trả lời.",
        "`application/problem+json` (RFC 9457): a `code` from a closed list, places in `errors`, what to do in "
        "`remedy`; `type` leads to the page that explains the code. Name the answer's `X-Request-Id` when you ask for "
        "help.",
    ),
)
