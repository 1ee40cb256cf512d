"""Who calls: token, system, scope, quota, and the organ the system speaks for."""

from contracts.causes.cause import Cause, Repeat, Seen

CALLERS: dict[str, Cause] = {
    "auth.missing": Cause(
        vi=(
            "Yêu cầu không có tiêu đề Authorization dạng Bearer. Thường do quên gắn mã truy cập, dùng Basic ở dịch "
            "vụ cấp (Basic chỉ dùng khi lấy mã tại /oauth/token), hoặc máy trung gian bỏ mất tiêu đề."
        ),
        en=(
            "The request has no Authorization header of the Bearer kind. Usually the token was forgotten, Basic was "
            "sent to an office (it is for /oauth/token only), or a proxy took the header off."
        ),
        steps_vi=(
            "Lấy mã truy cập tại POST /oauth/token của cổng bằng mã và khóa của hệ thống.",
            "Gửi Authorization: Bearer cùng mã đó ở mọi yêu cầu.",
        ),
        steps_en=(
            "Get a token at POST /oauth/token of the gateway with the client id and secret of the system.",
            "Send Authorization: Bearer with that token in every request.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.CORRECTED,
        see=("auth.invalid", "auth.scope"),
    ),
    "auth.invalid": Cause(
        vi=(
            "Mã truy cập không hợp lệ: đã hết hạn (một giờ), chưa đến giờ hiệu lực, chữ ký sai, do hệ thống khác "
            "cấp hoặc hệ thống không còn đăng ký; tại /oauth/token thì mã hoặc khóa của hệ thống không đúng. Hay "
            "gặp nhất là dùng mã quá hạn vì không làm mới, hoặc đồng hồ máy chủ lệch nhiều phút."
        ),
        en=(
            "The token is not valid: expired (after one hour), not yet valid, wrongly signed, issued elsewhere, or "
            "of a system that is no longer registered; at /oauth/token the client id or the secret is wrong. Most "
            "often a token is not renewed in time, or the clock of a server is minutes off."
        ),
        steps_vi=(
            "Lấy mã truy cập mới; nên làm mới khi đã qua nửa thời hạn.",
            "Kiểm tra mã, khóa của hệ thống và đồng hồ máy chủ (đồng bộ NTP).",
            "Nếu khóa đã bị thay, nhận khóa mới từ quản trị viên.",
        ),
        steps_en=(
            "Get a new token; renew at half of its life.",
            "Check client id, secret, and the clock of the server (NTP).",
            "If the secret was rotated, get the new one from the administrator.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.CORRECTED,
        see=("auth.missing", "system.suspended"),
    ),
    "auth.scope": Cause(
        vi=(
            "Mã truy cập hợp lệ nhưng không có quyền (scope) mà thao tác cần; detail nêu tên quyền. Quyền có hiệu "
            "lực là phần chung giữa quyền ghi trong mã và quyền hệ thống đang được cấp, nên quyền vừa bị thu hồi "
            "mất hiệu lực ngay. Quyền ghi (write) đã gồm quyền đọc (read)."
        ),
        en=(
            "The token is valid but lacks the scope the operation needs; detail names it. What counts is what both "
            "the token and the system's present registration hold, so a scope that was withdrawn is gone at once. "
            "Write includes read."
        ),
        steps_vi=(
            "Xem tên quyền trong detail.",
            "Nếu hệ thống đã được cấp, lấy mã truy cập mới (không giới hạn scope quá hẹp khi lấy mã).",
            "Nếu chưa, đề nghị quản trị viên cấp.",
        ),
        steps_en=(
            "See the scope in detail.",
            "If the system holds it, get a new token (and do not ask for too few scopes).",
            "If not, ask the administrator for it.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.CORRECTED,
        see=("auth.invalid", "organ.forbidden"),
    ),
    "system.suspended": Cause(
        vi=(
            "Hệ thống thông tin này đang bị tạm ngừng kết nối theo quyết định của quản trị viên; có hiệu lực trong "
            "vài giây ở mọi chương trình, kể cả với mã truy cập đã cấp. Gói tin đã nhận trước đó nhưng chưa định "
            "tuyến có thể bị cổng từ chối với cùng mã này."
        ),
        en=(
            "The system was suspended by an administrator; that takes effect within seconds in every program, for "
            "tokens already issued too. What was accepted before but not routed yet may be refused by the gateway "
            "with the same code."
        ),
        steps_vi=(
            "Ngừng gửi tự động để không ghi thêm lỗi.",
            "Liên hệ đơn vị vận hành để biết lý do và điều kiện mở lại.",
            "Khi được mở lại, gửi lại những việc bị từ chối như yêu cầu mới.",
        ),
        steps_en=(
            "Stop automatic sending.",
            "Ask the operators for the reason and what it takes to resume.",
            "Once resumed, send what was refused as new requests.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY, Seen.VERDICT),
        repeat=Repeat.NEVER,
        see=("sender.suspended", "auth.invalid"),
    ),
    "organ.forbidden": Cause(
        vi=(
            "Hệ thống không được nói thay cho cơ quan nêu ra: mã trong X-Organ không thuộc danh sách cơ quan của hệ "
            "thống (hoặc không tồn tại), nơi gửi ghi trong văn bản không phải cơ quan đang đại diện, hoặc cơ quan "
            "tiếp nhận ghi trong hồ sơ khác cơ quan gửi. Cổng kiểm tra lại lúc định tuyến, nên lượt gửi có thể bị "
            "từ chối nếu danh sách cơ quan vừa thay đổi."
        ),
        en=(
            "The system may not speak for the organ named: the code in X-Organ is not among the system's organs (or "
            "nobody's), the sender written in a document is not the organ acted for, or the receiving organ of a "
            "dossier is not its sender. The gateway checks again when it routes, so a transfer may be refused after "
            "the list of organs has changed."
        ),
        steps_vi=(
            "Đối chiếu X-Organ, hoặc trường mà con trỏ chỉ ra, với danh sách cơ quan của hệ thống.",
            "Nếu cơ quan phải thuộc hệ thống này, đề nghị quản trị viên bổ sung.",
            "Gửi lại với cơ quan đúng.",
        ),
        steps_en=(
            "Compare X-Organ, or the field the pointer names, with the organs of your system.",
            "If the organ should be among them, ask the administrator to add it.",
            "Send again for the right organ.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.CORRECTED,
        see=("organ.ambiguous", "organ.wrong_office", "sender.unknown"),
    ),
    "organ.ambiguous": Cause(
        vi=(
            "Hệ thống đại diện cho nhiều cơ quan nhưng yêu cầu không có tiêu đề X-Organ (hoặc để trống), nên không "
            "rõ hành động thay cơ quan nào. Hay gặp khi hệ thống vừa được gán thêm cơ quan thứ hai."
        ),
        en=(
            "The system has several organs, and the request has no X-Organ header (or an empty one), so it is not "
            "clear for whom it acts. It often starts when a second organ was added to a system."
        ),
        steps_vi=("Thêm X-Organ với mã định danh của cơ quan đang thực hiện vào mọi yêu cầu.", "Gửi lại."),
        steps_en=("Add X-Organ with the code of the acting organ to every request.", "Send again."),
        seen=(Seen.OFFICE,),
        repeat=Repeat.CORRECTED,
        see=("organ.forbidden",),
    ),
    "organ.wrong_office": Cause(
        vi=(
            "Cơ quan đang đại diện thuộc cấp khác, do dịch vụ khác phục vụ; địa chỉ đúng nằm ở trường url và trong "
            "detail. Thường do cấu hình một địa chỉ chung cho mọi cấp, hoặc cơ quan vừa đổi cấp sau sắp xếp đơn vị "
            "hành chính."
        ),
        en=(
            "The organ acted for belongs to another level, which another office serves; the right address is in the "
            "member url and in detail. Usually one address is configured for all levels, or the organ changed its "
            "level when units were rearranged."
        ),
        steps_vi=(
            "Lấy địa chỉ ở trường url và gửi yêu cầu đến đó; không cần mã truy cập khác.",
            "Sửa cấu hình: mỗi cơ quan một địa chỉ dịch vụ.",
        ),
        steps_en=(
            "Take the address in url and send the request there; the same token works.",
            "Correct the configuration: one office address per organ.",
        ),
        seen=(Seen.OFFICE,),
        repeat=Repeat.CORRECTED,
        see=("organ.forbidden", "level.mismatch"),
    ),
    "quota.exceeded": Cause(
        vi=(
            "Hệ thống gửi nhiều yêu cầu hoặc nhiều byte mỗi giây hơn hạn mức được cấp. Yêu cầu này chưa được thực "
            "hiện. Thường gặp khi chạy lô lớn song song, hỏi trạng thái liên tục thay vì chờ ở hộp nhận (wait), "
            "hoặc vòng lặp gửi lại không có khoảng nghỉ."
        ),
        en=(
            "The system sends more requests or bytes per second than its quota. This request was not carried out. "
            "It comes of large batches run in parallel, of polling for states instead of waiting at the inbox "
            "(wait), and of retries without a pause."
        ),
        steps_vi=(
            "Chờ đúng số giây ở Retry-After rồi gửi lại nguyên văn với cùng Idempotency-Key.",
            "Dùng thao tác theo lô và hộp nhận có wait để giảm số yêu cầu.",
            "Nếu nhu cầu thật sự lớn hơn, đề nghị quản trị viên tăng hạn mức.",
        ),
        steps_en=(
            "Wait the seconds Retry-After tells, then repeat unchanged with the same Idempotency-Key.",
            "Use batches, and the inbox with wait, to need fewer requests.",
            "If the need is real, ask the administrator for a larger quota.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.SAME,
        see=("system.overloaded", "attachment.quota_exceeded"),
    ),
    "sender.unknown": Cause(
        vi=(
            "Cơ quan gửi không có trong danh mục tại ngày gửi: chưa đăng ký, chưa đến ngày có hiệu lực, hoặc đã "
            "giải thể. Sau sắp xếp đơn vị hành chính, mã đã đóng vẫn nhận được văn bản (chuyển đến cơ quan kế thừa) "
            "nhưng không còn được gửi. Lượt gửi có thể bị cổng từ chối nếu cơ quan kết thúc trong lúc gói tin đang "
            "đi."
        ),
        en=(
            "The sending organ is not registered at the date: never entered, not yet valid, or dissolved. After "
            "units were rearranged a closed code still receives (its successor does) but no longer sends. The "
            "gateway may refuse a transfer when the organ ended while it was on its way."
        ),
        steps_vi=(
            "Tra mã cơ quan và thời hạn hiệu lực trong danh mục (GET /v1/organs của cổng).",
            "Dùng mã của cơ quan kế thừa trong X-Organ, hoặc đề nghị đơn vị vận hành đăng ký.",
            "Gửi lại như yêu cầu mới.",
        ),
        steps_en=(
            "Look up the code and its validity in the directory (GET /v1/organs at the gateway).",
            "Use the successor's code in X-Organ, or ask the operators to register the organ.",
            "Send again as a new request.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.CORRECTED,
        see=("sender.suspended", "organ.forbidden", "recipient.unknown"),
    ),
    "sender.suspended": Cause(
        vi=(
            "Cơ quan gửi đang bị tạm ngừng kết nối trong danh mục. Đọc và nhận vẫn được, nhưng mọi thao tác ghi bị "
            "từ chối ngay; gói tin đã nhận trước đó mà chưa định tuyến thì bị cổng từ chối."
        ),
        en=(
            "The sending organ is suspended in the directory. It may still read and receive, but every writing "
            "request is refused at once, and what was accepted before and not routed yet is refused by the gateway."
        ),
        steps_vi=(
            "Liên hệ đơn vị vận hành để biết lý do tạm ngừng cơ quan.",
            "Khi mở lại, gửi lại những việc bị từ chối như yêu cầu mới.",
        ),
        steps_en=(
            "Ask the operators why the organ is suspended.",
            "Once it is resumed, send what was refused as new requests.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.NEVER,
        see=("system.suspended", "sender.unknown"),
    ),
}
