"""The closed list of error codes: HTTP status, whether a repeat can help, and the remedy in Vietnamese and English.

The same codes are used by the offices at once (4xx), by the gateway in a verdict, and in dead letters.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    code: str
    status: int
    title: str
    remedy_en: str
    remedy_vi: str
    retryable: bool = False
    retry_after_seconds: int | None = None

    @property
    def type(self) -> str:
        """Stable link of the problem (RFC 9457 `type`)."""
        return f"https://lienthong.vn/problems/{self.code}"

    @property
    def remedy(self) -> dict[str, str]:
        return {"vi": self.remedy_vi, "en": self.remedy_en}


class HubError(Exception):
    """An expected refusal. `code` is from this list; `pointer` is a JSON pointer into the input, never its value.

    `url` is where the caller should go instead; it becomes a member of the problem.
    """

    def __init__(
        self, code: str, detail: str = "", *, pointer: str = "", headers: dict[str, str] | None = None, url: str = ""
    ) -> None:
        super().__init__(detail or PROBLEMS[code].title)
        self.problem = PROBLEMS[code]
        self.code = code
        self.detail = detail
        self.pointer = pointer
        self.headers = headers or {}
        self.url = url


_LIST: tuple[Problem, ...] = (
    # requests
    Problem("request.malformed", 400, "The request cannot be read",
            "Send well-formed input; the pointer shows the place.",
            "Gửi dữ liệu đúng định dạng; con trỏ chỉ vị trí lỗi."),
    Problem("request.invalid", 422, "A field does not fit the contract",
            "Correct the field the pointer names and send again.",
            "Sửa trường mà con trỏ chỉ ra rồi gửi lại."),
    Problem("request.not_found", 404, "There is nothing here, or it is not yours to see",
            "Check the address and the organ you act for.",
            "Kiểm tra địa chỉ và cơ quan mà hệ thống đang đại diện."),
    Problem("request.method_not_allowed", 405, "This method is not offered here",
            "Use a method named in the Allow header.",
            "Dùng phương thức có trong tiêu đề Allow."),
    Problem("request.unsupported_media_type", 415, "This content type is not taken here",
            "Use a content type named in the API description.",
            "Dùng kiểu nội dung có trong tài liệu API."),
    Problem("request.timeout", 408, "The body did not arrive in time",
            "Send the body without long pauses.",
            "Gửi nội dung liên tục, không ngắt quãng lâu."),
    Problem("request.conflict", 409, "The request meets a state that does not allow it",
            "Read the present state and decide again.",
            "Đọc trạng thái hiện tại rồi quyết định lại."),
    Problem("request.precondition_failed", 412, "The version named in If-Match is not the present one",
            "Read again, look at what changed, and send with the new ETag.",
            "Đọc lại, xem thay đổi rồi gửi lại với ETag mới."),
    Problem("request.uri_too_long", 414, "The address or its query is too long",
            "Send fewer or shorter parameters; the limit is in detail.",
            "Gửi ít hoặc ngắn tham số hơn; giới hạn nêu trong chi tiết."),
    Problem("request.headers_too_large", 431, "The headers are too many or too large",
            "Send fewer or shorter headers; the limit is in detail.",
            "Gửi ít hoặc ngắn tiêu đề hơn; giới hạn nêu trong chi tiết."),
    Problem("request.range_not_satisfiable", 416, "The range lies outside of the content",
            "Ask for a range within the length told in Content-Range.",
            "Yêu cầu khoảng nằm trong độ dài nêu ở Content-Range."),
    Problem("quota.exceeded", 429, "The system sends more than its quota",
            "Wait as long as Retry-After says; ask the administrator for a larger quota.",
            "Chờ theo Retry-After; đề nghị quản trị viên tăng hạn mức.", retryable=True, retry_after_seconds=1),
    Problem("size.too_large", 413, "The message is larger than the contract allows",
            "Send large content as attachments by digest.",
            "Gửi nội dung lớn bằng tệp đính kèm theo mã băm."),
    # identity of callers
    Problem("auth.missing", 401, "No token",
            "Get a token at the gateway's /oauth/token and send it as a bearer token.",
            "Lấy mã truy cập tại /oauth/token của cổng và gửi dạng Bearer."),
    Problem("auth.invalid", 401, "The token or the credentials are not valid",
            "Get a new token; check client id and secret.",
            "Lấy mã truy cập mới; kiểm tra mã và khóa của hệ thống."),
    Problem("auth.scope", 403, "The token lacks a scope",
            "Ask the administrator for the scope named in detail.",
            "Đề nghị quản trị viên cấp quyền nêu trong chi tiết."),
    Problem("system.suspended", 403, "The system is suspended",
            "Ask the operators of the hub.",
            "Liên hệ đơn vị vận hành trục liên thông."),
    Problem("organ.forbidden", 403, "The system may not speak for this organ",
            "Use an organ of your system in X-Organ.",
            "Dùng cơ quan thuộc hệ thống của bạn trong X-Organ."),
    Problem("organ.ambiguous", 400, "The system has several organs",
            "Name one of them in the X-Organ header.",
            "Nêu một cơ quan trong tiêu đề X-Organ."),
    Problem("organ.wrong_office", 403, "This organ is served by another office",
            "Use the office URL given in detail.",
            "Dùng địa chỉ cơ quan nêu trong chi tiết."),
    # idempotency
    Problem("idempotency.in_progress", 409, "The same key is being answered",
            "Wait and repeat the request with the same key.",
            "Chờ rồi gửi lại với cùng khóa.", retryable=True, retry_after_seconds=1),
    Problem("idempotency.reused", 422, "The key was used with another body",
            "Use a new Idempotency-Key for a new request.",
            "Dùng Idempotency-Key mới cho yêu cầu mới."),
    # envelopes
    Problem("envelope.unreadable", 422, "The envelope cannot be read",
            "Send the headers the contract names.",
            "Gửi đủ tiêu đề theo hợp đồng dữ liệu."),
    Problem("envelope.id_reused", 409, "The same identity came with other content",
            "Give each message an id of its own.",
            "Mỗi thông điệp phải có mã riêng."),
    Problem("sequence.missing", 422, "The fact has no sequence",
            "Number the facts of a subject from 1 without gaps.",
            "Đánh số các sự kiện của một đối tượng từ 1, không bỏ số."),
    Problem("sequence.conflict", 409, "The number was already used by another message",
            "A person must look at the sender's database.",
            "Cần người vận hành kiểm tra cơ sở dữ liệu bên gửi."),
    Problem("contract.unknown", 422, "There is no such contract or version",
            "Use a published message type and version.",
            "Dùng loại và phiên bản thông điệp đã công bố."),
    Problem("contract.invalid", 422, "The payload does not fit its contract",
            "Correct the place the pointer names; see the contract version.",
            "Sửa vị trí mà con trỏ chỉ ra; xem phiên bản hợp đồng dữ liệu."),
    Problem("level.mismatch", 403, "The sender does not belong to the level of this topic",
            "Send through the office of the sender's level.",
            "Gửi qua dịch vụ của đúng cấp cơ quan gửi."),
    Problem("sender.unknown", 403, "The sending organ is not registered at this date",
            "Ask the operators to register the organ.",
            "Đề nghị đơn vị vận hành đăng ký cơ quan."),
    Problem("sender.suspended", 403, "The sending organ is suspended",
            "Ask the operators of the hub.",
            "Liên hệ đơn vị vận hành trục liên thông."),
    Problem("recipient.unknown", 422, "The recipient is not registered at this date",
            "Check the code in the organ directory.",
            "Kiểm tra mã định danh trong danh mục cơ quan."),
    Problem("recipient.suspended", 422, "The recipient is suspended",
            "Ask the operators of the hub, or send by another way.",
            "Liên hệ đơn vị vận hành hoặc gửi bằng cách khác."),
    Problem("recipient.undecided", 409, "The closed recipient has several successors",
            "An operator must decide which successor receives.",
            "Người vận hành cần chọn cơ quan kế thừa."),
    Problem("recipient.none", 422, "There is no recipient",
            "Name at least one registered organ.",
            "Nêu ít nhất một cơ quan đã đăng ký."),
    # dossiers
    Problem("dossier.exists", 409, "The dossier code is in use",
            "Use another code, or none to have one issued.",
            "Dùng mã hồ sơ khác hoặc để trống để được cấp mã."),
    Problem("dossier.unknown", 409, "The dossier is not known here",
            "Submit the dossier first.",
            "Nộp hồ sơ trước."),
    Problem("dossier.code_invalid", 422, "The code does not belong to the receiving organ",
            "The organ part of the code must be the receiving organ or one of its aliases.",
            "Phần cơ quan trong mã hồ sơ phải là cơ quan tiếp nhận."),
    Problem("custody.not_custodian", 403, "Only the custodian may do this",
            "Ask the organ that holds the dossier, or take custody first.",
            "Chỉ cơ quan đang giữ hồ sơ được thực hiện; hãy nhận hồ sơ trước."),
    Problem("custody.not_party", 403, "The organ has no part in this dossier",
            "Only the receiving, deciding, holding or offered organ may act.",
            "Chỉ cơ quan liên quan đến hồ sơ mới được thực hiện."),
    Problem("custody.stale", 409, "Custody moved since this was decided",
            "Read the dossier again and decide anew.",
            "Đọc lại hồ sơ rồi quyết định lại."),
    Problem("custody.offered", 409, "The dossier is under offer",
            "Wait for the answer, or recall the offer.",
            "Chờ cơ quan được chuyển trả lời hoặc thu hồi đề nghị.", retryable=True, retry_after_seconds=5),
    Problem("custody.taking", 409, "The dossier is being taken over",
            "Repeat in a moment.",
            "Thử lại sau giây lát.", retryable=True, retry_after_seconds=1),
    Problem("custody.offer_closed", 409, "The offer is no longer open",
            "Read the dossier again.",
            "Đọc lại hồ sơ."),
    Problem("custody.not_offered", 403, "The dossier was not offered to this organ",
            "Only the organ named in the offer may answer it.",
            "Chỉ cơ quan được chuyển hồ sơ mới được trả lời."),
    Problem("custody.not_allowed", 409, "Custody cannot be offered in this status",
            "A finished dossier is not handed on.",
            "Hồ sơ đã kết thúc không được chuyển tiếp."),
    Problem("status.not_allowed", 409, "The dossier's status does not allow this",
            "Read the present status and choose an allowed action.",
            "Đọc trạng thái hiện tại và chọn thao tác được phép."),
    Problem("dossier.not_receiver", 403, "Only the receiving organ may do this",
            "Ask the organ that received the dossier.",
            "Chỉ cơ quan tiếp nhận hồ sơ được thực hiện."),
    # documents and attachments
    Problem("document.exists", 409, "The document id was used with other content",
            "Use a new document_id.",
            "Dùng mã văn bản (DocumentId) mới."),
    Problem("document.unknown", 422, "The document this refers to is not known from this sender",
            "Refer to a document that was issued to this organ.",
            "Tham chiếu văn bản đã gửi đến cơ quan."),
    Problem("document.status_unknown", 422, "There is no such document status",
            "Use 01, 02, 03, 04, 05, 06, 13, 15 or 16.",
            "Dùng một trong các mã 01, 02, 03, 04, 05, 06, 13, 15, 16."),
    Problem("edxml.invalid", 422, "The edXML file cannot be read",
            "Correct the element the pointer names.",
            "Sửa phần tử mà con trỏ chỉ ra."),
    Problem("attachment.missing", 422, "An attachment was not put before",
            "PUT the attachment's bytes by their SHA-256 first.",
            "Tải tệp đính kèm lên theo mã SHA-256 trước."),
    Problem("attachment.digest_mismatch", 422, "The bytes do not have the digest of the address",
            "Compute SHA-256 of the bytes you send.",
            "Tính lại SHA-256 của nội dung gửi."),
    Problem("attachment.quota_exceeded", 413, "The organ's storage for attachments is used up",
            "Ask the administrator for more storage.",
            "Đề nghị quản trị viên tăng dung lượng lưu trữ."),
    Problem("document.closed", 409, "The document was recalled or replaced",
            "Read the document's state; act on the one that replaced it.",
            "Đọc trạng thái văn bản; thao tác trên văn bản thay thế."),
    Problem("attachment.unavailable", 503, "An attachment could not be copied yet",
            "Nothing to do; it is tried again.",
            "Không cần làm gì; hệ thống tự thử lại.", retryable=True, retry_after_seconds=5),
    # capacity and parts away
    Problem("system.storage_unavailable", 503, "The database is away",
            "Repeat with the same Idempotency-Key.",
            "Gửi lại với cùng Idempotency-Key.", retryable=True, retry_after_seconds=5),
    Problem("system.disk_full", 507, "There is no room to store this durably",
            "Repeat later; the operators are told.",
            "Gửi lại sau; đơn vị vận hành đã được báo.", retryable=True, retry_after_seconds=30),
    Problem("system.overloaded", 503, "Too much at once",
            "Repeat with the same Idempotency-Key.",
            "Gửi lại với cùng Idempotency-Key.", retryable=True, retry_after_seconds=2),
    Problem("system.not_ready", 503, "The program is starting and has no complete registry copy yet",
            "Repeat in a moment.",
            "Thử lại sau giây lát.", retryable=True, retry_after_seconds=2),
    Problem("system.stopping", 503, "The program is stopping",
            "Repeat in a moment.",
            "Thử lại sau giây lát.", retryable=True, retry_after_seconds=1),
    Problem("system.failed", 500, "Something went wrong here",
            "Tell the operators the instance id.",
            "Báo đơn vị vận hành mã instance."),
    # delivery
    Problem("message.voided", 410, "The sender voided the message",
            "Nothing to do.",
            "Không cần làm gì."),
    Problem("delivery.closed", 410, "An operator closed the delivery",
            "Ask the operators for the reason.",
            "Hỏi đơn vị vận hành lý do."),
    Problem("delivery.misaddressed", 422, "The receipt names no hop of this office",
            "A receipt must name a hop addressed to an office of the topic's level.",
            "Biên nhận phải nêu chặng gửi đến cấp của chủ đề."),
    Problem("axis.refused", 422, "The national axis refused the document",
            "See the axis's description; correct the file and send anew.",
            "Xem mô tả của trục quốc gia; sửa và gửi lại."),
)  # fmt: skip

PROBLEMS: dict[str, Problem] = {problem.code: problem for problem in _LIST}
