"""The programs themselves: busy, starting, stopping, or without a part they need."""

from contracts.causes.cause import Cause, Repeat, Seen

SYSTEMS: dict[str, Cause] = {
    "system.storage_unavailable": Cause(
        vi=(
            "Cơ sở dữ liệu của chương trình đang không trả lời. Nếu mất kết nối đúng lúc ghi, chưa thể biết việc đã "
            "được ghi hay chưa; gửi lại với cùng Idempotency-Key sẽ không làm hai lần."
        ),
        en=(
            "The program's database does not answer. If it went away while writing, it is not known whether the "
            "work was stored; a repeat with the same Idempotency-Key does it once only."
        ),
        steps_vi=(
            "Giữ nguyên yêu cầu và khóa trong hàng chờ của phần mềm.",
            "Gửi lại nguyên văn theo Retry-After, tăng dần khoảng chờ.",
            "Nếu quá vài phút, xem /readyz hoặc báo đơn vị vận hành.",
        ),
        steps_en=(
            "Keep the request with its key in your own queue.",
            "Repeat unchanged as Retry-After says, with growing pauses.",
            "After some minutes look at /readyz or tell the operators.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.SAME,
        see=("system.overloaded", "system.disk_full"),
    ),
    "system.disk_full": Cause(
        vi=(
            "Không còn chỗ để lưu bền vững nội dung vừa gửi (đĩa của kho tệp hoặc của cơ sở dữ liệu đầy). Trục "
            "không bao giờ nhận thứ không lưu được, nên yêu cầu này chưa có hiệu lực. Đơn vị vận hành đã được cảnh "
            "báo."
        ),
        en=(
            "There is no room to store durably what was sent (the disk of the attachment store or of the database "
            "is full). The hub never accepts what it cannot keep, so this request has had no effect. The operators "
            "are warned."
        ),
        steps_vi=(
            "Giữ yêu cầu và gửi lại nguyên văn theo Retry-After.",
            "Tạm dừng việc tải tệp lớn không gấp.",
            "Nếu gấp, gọi đơn vị vận hành.",
        ),
        steps_en=(
            "Keep the request and repeat it unchanged as Retry-After says.",
            "Hold back large files that can wait.",
            "If it is urgent, call the operators.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.SAME,
        see=("attachment.quota_exceeded", "system.storage_unavailable"),
    ),
    "system.overloaded": Cause(
        vi=(
            "Chương trình đang có quá nhiều yêu cầu cùng lúc (hàng chờ đầy, hết kết nối cơ sở dữ liệu, hoặc giao "
            "dịch phải nhường nhau), nên từ chối ngay thay vì để chờ. Yêu cầu không được thực hiện."
        ),
        en=(
            "The program has too many requests at once (a full queue, no free database connection, transactions in "
            "each other's way) and refuses at once rather than let callers wait. The request was not carried out."
        ),
        steps_vi=(
            "Chờ theo Retry-After, thêm một khoảng ngẫu nhiên.",
            "Gửi lại nguyên văn với cùng Idempotency-Key, giảm số kết nối song song.",
            "Với nhiều hồ sơ, dùng thao tác theo lô.",
        ),
        steps_en=(
            "Wait as Retry-After says and some random time more.",
            "Repeat unchanged with the same Idempotency-Key, over fewer connections.",
            "For many dossiers use the batch operation.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.SAME,
        see=("quota.exceeded", "system.storage_unavailable"),
    ),
    "system.not_ready": Cause(
        vi=(
            "Chương trình vừa khởi động và chưa đọc xong danh mục cơ quan, hệ thống và khóa, nên chưa thể xét ai "
            "được làm gì. Thường chỉ vài giây; lâu hơn nếu Kafka không trả lời ngay lúc khởi động."
        ),
        en=(
            "The program has just started and has not read all organs, systems and keys yet, so it cannot judge who "
            "may do what. It takes seconds; longer when Kafka is away at the start."
        ),
        steps_vi=(
            "Chờ theo Retry-After rồi gửi lại nguyên văn với cùng Idempotency-Key.",
            "Cân bằng tải nên dùng /readyz để chọn tiến trình đã sẵn sàng.",
        ),
        steps_en=(
            "Wait as Retry-After says and repeat unchanged with the same Idempotency-Key.",
            "A load balancer should ask /readyz and choose a process that is ready.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.SAME,
        see=("system.stopping", "auth.invalid"),
    ),
    "system.stopping": Cause(
        vi=(
            "Tiến trình đang dừng có kế hoạch (nâng cấp, khởi động lại): việc đã nhận được làm nốt, việc mới không "
            "nhận nữa. Tiến trình khác hoặc chính nó sẽ sớm phục vụ lại."
        ),
        en=(
            "This process is stopping as planned (an upgrade, a restart): what it accepted is finished, nothing new "
            "is taken. Another process, or itself, will soon serve again."
        ),
        steps_vi=("Gửi lại nguyên văn với cùng Idempotency-Key qua kết nối mới, sau thời gian ở Retry-After.",),
        steps_en=(
            "Repeat unchanged with the same Idempotency-Key over a new connection, after the time in Retry-After.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.SAME,
        see=("system.not_ready",),
    ),
    "system.failed": Cause(
        vi=(
            "Chương trình gặp lỗi không lường trước; đó là khiếm khuyết của trục, không phải của yêu cầu. Chi tiết "
            "nằm trong nhật ký dưới mã instance, không nằm trong câu trả lời. Việc đang làm dở được hủy trọn vẹn. "
            "Gói tin trong Kafka gây lỗi như vậy được đưa vào thông điệp hỏng."
        ),
        en=(
            "The program met an error nobody expected: a defect of the hub and no mistake of the request. Details "
            "are in the log under the instance, never in the answer. Work that was begun is undone as a whole. A "
            "Kafka record that causes this becomes a dead letter."
        ),
        steps_vi=(
            "Ghi lại instance (hoặc X-Request-Id) và thời điểm, gửi cho đơn vị vận hành.",
            "Có thể gửi lại một lần nguyên văn với cùng Idempotency-Key; nếu lặp lại thì dừng.",
        ),
        steps_en=(
            "Note the instance (or X-Request-Id) and the time, and send them to the operators.",
            "You may repeat once, unchanged, with the same Idempotency-Key; if it fails again, stop.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY, Seen.OPERATORS),
        repeat=Repeat.SAME,
        see=("system.storage_unavailable",),
    ),
}
