"""What is wrong with a request before anybody looks at what it asks for."""

from contracts.causes.cause import Cause, Repeat, Seen

REQUESTS: dict[str, Cause] = {
    "request.malformed": Cause(
        vi=(
            "Yêu cầu không đọc được: thân không phải JSON hợp lệ, lồng quá sâu hoặc dài ngắn khác Content-Length; "
            "địa chỉ có ký tự điều khiển hay mã hóa phần trăm sai; tiêu đề như Idempotency-Key hay If-Match viết "
            "sai dạng; con trỏ trang (cursor) không phải do hệ thống cấp; hoặc yêu cầu lấy mã truy cập thiếu "
            "grant_type hay xin quyền mà hệ thống không có. Thường gặp khi tự ghép chuỗi JSON, gửi sai bảng mã thay "
            "cho UTF-8, hoặc tự tạo giá trị cursor."
        ),
        en=(
            "The request cannot be read: the body is no valid JSON, is nested too deep or is longer or shorter than "
            "Content-Length; the address has control characters or wrong percent-encoding; a header such as "
            "Idempotency-Key or If-Match is not written as it must be; a page cursor was not issued by the hub; or "
            "a token request lacks grant_type or asks for a scope the system does not hold. The usual mistakes are "
            "JSON put together by hand, another encoding than UTF-8, and cursors made up by the client."
        ),
        steps_vi=(
            "Đọc detail và errors để biết phần nào không đọc được.",
            "Tạo JSON bằng thư viện, mã hóa UTF-8; lấy cursor nguyên văn từ câu trả lời trước.",
            "Gửi lại yêu cầu đã sửa.",
        ),
        steps_en=(
            "Read detail and errors to see which part cannot be read.",
            "Write JSON with a library, in UTF-8; take cursors unchanged from the answer before.",
            "Send the corrected request.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.CORRECTED,
        see=("request.invalid", "request.unsupported_media_type"),
    ),
    "request.invalid": Cause(
        vi=(
            "Yêu cầu đọc được nhưng một trường, tham số hoặc tiêu đề không đúng quy định: sai kiểu, vượt độ dài, "
            "thiếu trường bắt buộc, thừa trường không có trong tài liệu API, hoặc các trường không đi cùng nhau. "
            "Mỗi chỗ sai có một mục trong errors, với con trỏ JSON và nơi gặp (in: body, query, path, header). Hay "
            "gặp nhất là tên trường viết sai nên bị coi là trường lạ, và ngày giờ không theo RFC 3339."
        ),
        en=(
            "The request can be read, but a field, parameter or header is not as the API says: wrong type, too "
            "long, missing, not known at all, or fields that do not go together. Every place has an entry in errors "
            "with its JSON pointer and where it was met (in: body, query, path, header). Most often a field name is "
            "misspelt and so counts as unknown, or a time is not written as RFC 3339 has it."
        ),
        steps_vi=(
            "Duyệt errors, sửa từng vị trí mà con trỏ chỉ ra.",
            "Đối chiếu với tài liệu API (/openapi.json) của đúng chương trình đang gọi.",
            "Gửi lại yêu cầu đã sửa.",
        ),
        steps_en=(
            "Go through errors and correct each place a pointer names.",
            "Compare with the API description (/openapi.json) of the very program you call.",
            "Send the corrected request.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.CORRECTED,
        see=("request.malformed", "contract.invalid"),
    ),
    "request.not_found": Cause(
        vi=(
            "Địa chỉ không tồn tại, hoặc đối tượng có mã đó không thuộc phạm vi cơ quan đang đại diện được xem. Hệ "
            "thống cố ý trả lời như nhau cho hai trường hợp để không lộ dữ liệu của cơ quan khác: hồ sơ, văn bản, "
            "tệp, lượt gửi chỉ hiện với cơ quan có giữ. Sai sót thường gặp: gọi nhầm dịch vụ của cấp khác, chọn "
            "nhầm cơ quan trong X-Organ, hoặc hồ sơ chưa đến nơi."
        ),
        en=(
            "The address does not exist, or what it names is not held by the organ acted for. The answer is the "
            "same on purpose, so that nothing of another organ shows: dossiers, documents, attachments and "
            "transfers exist only for organs that hold them. The usual mistakes are the office of another level, "
            "the wrong organ in X-Organ, and asking before the dossier has arrived."
        ),
        steps_vi=(
            "Kiểm tra đường dẫn và mã (không thừa khoảng trắng, đúng chữ hoa chữ thường với mã văn bản).",
            "Kiểm tra X-Organ và dịch vụ đang gọi có đúng cơ quan giữ đối tượng không.",
            "Nếu chờ cơ quan khác gửi đến, theo dõi hộp nhận thay vì hỏi lặp lại.",
        ),
        steps_en=(
            "Check path and code (no blanks, letter case matters for document ids).",
            "Check that X-Organ and the office you call belong to the organ that holds it.",
            "If another organ is to send it, watch the inbox instead of asking again and again.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.CORRECTED,
        see=("organ.wrong_office", "organ.forbidden"),
    ),
    "request.method_not_allowed": Cause(
        vi=(
            "Địa chỉ có tồn tại nhưng không nhận phương thức HTTP vừa dùng. Thường do dùng POST thay cho PUT khi "
            "tải tệp đính kèm, hoặc dùng DELETE, PATCH trong khi hồ sơ và văn bản chỉ thay đổi bằng thao tác nghiệp "
            "vụ."
        ),
        en=(
            "The address exists but does not take this HTTP method. Most often an attachment is sent by POST "
            "instead of PUT, or DELETE and PATCH are tried although dossiers and documents change by actions only."
        ),
        steps_vi=(
            "Xem tiêu đề Allow của câu trả lời để biết phương thức được nhận.",
            "Đối chiếu thao tác trong tài liệu API rồi gửi lại.",
        ),
        steps_en=(
            "See the Allow header of the answer for the methods taken.",
            "Look the operation up in the API description and send again.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.CORRECTED,
        see=("request.not_found",),
    ),
    "request.unsupported_media_type": Cause(
        vi=(
            "Kiểu nội dung ở Content-Type (hoặc cách nén ở Content-Encoding) không được thao tác này nhận. Thao tác "
            "JSON cần application/json; văn bản còn nhận application/edxml+xml. Hay gặp khi thư viện HTTP không đặt "
            "Content-Type, hoặc gửi biểu mẫu thay cho JSON."
        ),
        en=(
            "The Content-Type (or the Content-Encoding) of the body is not taken by this operation. JSON operations "
            "want application/json; documents also come as application/edxml+xml. Often the HTTP library sets no "
            "Content-Type, or a form is sent in place of JSON."
        ),
        steps_vi=("Đặt Content-Type đúng như tài liệu API của thao tác.", "Gửi lại cùng nội dung."),
        steps_en=(
            "Set the Content-Type that the API description of the operation names.",
            "Send the same content again.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.CORRECTED,
        see=("request.malformed", "edxml.invalid"),
    ),
    "request.timeout": Cause(
        vi=(
            "Tiêu đề hoặc thân của yêu cầu ngừng đến quá lâu trước khi đủ, nên chương trình bỏ chờ để không giữ kết "
            "nối. Chưa có gì được thực hiện. Nguyên nhân thường là đường truyền nghẽn, máy trạm mở kết nối rồi mới "
            "chuẩn bị tệp, hoặc Content-Length lớn hơn số byte thực gửi."
        ),
        en=(
            "The headers or the body stopped coming for too long before they were complete, so the program gave up "
            "waiting rather than hold the connection. Nothing was done. The usual reasons are a congested line, a "
            "client that opens the connection before its file is ready, and a Content-Length larger than what is "
            "sent."
        ),
        steps_vi=(
            "Chuẩn bị xong nội dung rồi mới mở kết nối, gửi liên tục.",
            "Kiểm tra Content-Length đúng bằng số byte gửi.",
            "Gửi lại nguyên văn với cùng Idempotency-Key.",
        ),
        steps_en=(
            "Have the content ready before opening the connection, and send without pauses.",
            "Check that Content-Length is the number of bytes sent.",
            "Repeat unchanged with the same Idempotency-Key.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.SAME,
        see=("size.too_large", "system.overloaded"),
    ),
    "request.conflict": Cause(
        vi=(
            "Yêu cầu hợp lệ nhưng trạng thái hiện tại không cho phép, và không có mã lỗi riêng cho trường hợp đó: "
            "ví dụ gửi trạng thái cho văn bản đã bị cổng từ chối, trả lời lấy lại khi không có yêu cầu lấy lại nào, "
            "hoặc tạo hệ thống với mã đã có. Detail nêu rõ trạng thái gặp phải."
        ),
        en=(
            "The request is valid but the present state does not allow it, and no code of its own exists for the "
            "case: a status for a document that the gateway refused, an answer where no recall waits for one, or a "
            "new system under a client id in use. Detail names the state that was met."
        ),
        steps_vi=(
            "Đọc detail, rồi đọc lại đối tượng liên quan.",
            "Quyết định lại theo trạng thái hiện tại; nếu vẫn cần thì gửi yêu cầu mới với Idempotency-Key mới.",
        ),
        steps_en=(
            "Read detail, then read the thing concerned again.",
            "Decide anew by its present state; if it is still wanted, send a new request with a new Idempotency-Key.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.DECIDE,
        see=("request.precondition_failed", "status.not_allowed"),
    ),
    "request.precondition_failed": Cause(
        vi=(
            "Tiêu đề If-Match nêu phiên bản không còn là phiên bản hiện tại: từ lúc đọc đến lúc gửi đã có người "
            "khác hoặc cơ quan khác tác động. Yêu cầu không được thực hiện để không đè lên thay đổi chưa ai xem. "
            "Thường gặp khi màn hình mở lâu, hai cán bộ cùng xử lý, hoặc dùng lại ETag cũ."
        ),
        en=(
            "If-Match names a version that is not the present one: between reading and sending somebody else, or "
            "another organ, has acted. The request was not carried out, so that no change is overwritten unseen. It "
            "comes of screens left open, of two officers at one case, and of old ETags used again."
        ),
        steps_vi=(
            "Đọc lại đối tượng, lấy ETag mới và xem điều gì đã thay đổi.",
            "Để người có thẩm quyền quyết định lại.",
            "Gửi với If-Match mới.",
        ),
        steps_en=(
            "Read it again, take the new ETag and see what changed.",
            "Let the person in charge decide anew.",
            "Send with the new If-Match.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.DECIDE,
        see=("custody.stale", "request.conflict"),
    ),
    "request.uri_too_long": Cause(
        vi=(
            "Địa chỉ kèm tham số truy vấn dài hơn hoặc có nhiều tham số hơn mức cho phép; giới hạn nêu trong "
            "detail. Thường do đưa cả danh sách mã vào một yêu cầu GET hoặc ghép nhầm nội dung vào địa chỉ."
        ),
        en=(
            "The address with its query is longer, or has more parameters, than is taken; detail tells the limit. "
            "Usually a whole list of codes was put into one GET, or content was glued to the address by mistake."
        ),
        steps_vi=(
            "Chia thành nhiều yêu cầu ngắn hơn hoặc lọc bằng tham số có sẵn.",
            "Không đưa dữ liệu nghiệp vụ, dữ liệu cá nhân vào địa chỉ; gửi trong thân.",
        ),
        steps_en=(
            "Divide it into several shorter requests, or filter by the parameters there are.",
            "Put no case data and no personal data into addresses; send them in the body.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.CORRECTED,
        see=("request.headers_too_large", "size.too_large"),
    ),
    "request.headers_too_large": Cause(
        vi=(
            "Tổng kích thước hoặc số lượng tiêu đề của yêu cầu vượt mức cho phép; giới hạn nêu trong detail. Thường "
            "do cookie hoặc tiêu đề của máy trung gian cộng dồn, hoặc mã truy cập bị gửi lặp nhiều lần."
        ),
        en=(
            "The headers of the request are too many or too large together; detail tells the limit. Usually cookies "
            "or headers of proxies have piled up, or a token is sent several times."
        ),
        steps_vi=(
            "Chỉ gửi các tiêu đề mà tài liệu API nêu; không gửi cookie.",
            "Kiểm tra máy trung gian (proxy) có thêm tiêu đề thừa không, rồi gửi lại.",
        ),
        steps_en=(
            "Send the headers the API description names, and no cookies.",
            "Check whether a proxy adds more, then send again.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.CORRECTED,
        see=("request.uri_too_long",),
    ),
    "request.range_not_satisfiable": Cause(
        vi=(
            "Tiêu đề Range yêu cầu đoạn nằm ngoài độ dài của tệp. Thường gặp khi tải tiếp một tệp đã tải đủ, hoặc "
            "dùng độ dài của tệp khác."
        ),
        en=(
            "The Range header asks for bytes beyond the end of the file. It comes when a download that is complete "
            "is continued, or when the length of another file is used."
        ),
        steps_vi=(
            "Đọc độ dài thật ở Content-Range của câu trả lời (bytes */độ dài).",
            "Nếu đã tải đủ, đối chiếu mã SHA-256; nếu chưa, yêu cầu lại đoạn nằm trong độ dài đó.",
        ),
        steps_en=(
            "Read the true length in Content-Range of the answer (bytes */length).",
            "If all bytes are there, compare the SHA-256; if not, ask for a range within that length.",
        ),
        seen=(Seen.OFFICE,),
        repeat=Repeat.CORRECTED,
        see=("attachment.unavailable", "request.not_found"),
    ),
    "size.too_large": Cause(
        vi=(
            "Thân yêu cầu, nội dung gói tin (tối đa 256 KiB), tệp edXML, tệp đính kèm hoặc danh sách nơi nhận lớn "
            "hơn mức cho phép; detail nêu giới hạn khi dịch vụ biết. Hay gặp nhất là nhúng tệp quét dạng base64 vào "
            "JSON thay vì tải lên trước theo mã SHA-256. Nếu chỉ cổng phát hiện thì lượt gửi bị từ chối với mã này."
        ),
        en=(
            "The body, the payload of the message (256 KiB at most), the edXML file, an attachment or the list of "
            "recipients is larger than allowed; detail tells the limit where the program knows it. Most often scans "
            "are embedded as base64 in JSON instead of being put by their SHA-256 first. What only the gateway "
            "finds shows as the verdict of the transfer."
        ),
        steps_vi=(
            "Tải tệp lớn bằng PUT /v1/attachments/{sha256}, rồi chỉ nêu mã băm trong hồ sơ hoặc văn bản.",
            "Chia lô hồ sơ hoặc danh sách nơi nhận thành nhiều yêu cầu.",
            "Gửi lại phần đã rút gọn.",
        ),
        steps_en=(
            "PUT large files to /v1/attachments/{sha256} and name only their digest in the dossier or document.",
            "Divide batches and lists of recipients into several requests.",
            "Send what is smaller now.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY, Seen.VERDICT, Seen.OPERATORS),
        repeat=Repeat.CORRECTED,
        see=("attachment.missing", "attachment.quota_exceeded"),
    ),
    "idempotency.in_progress": Cause(
        vi=(
            "Một yêu cầu với cùng Idempotency-Key, cùng hệ thống và cùng địa chỉ đang được xử lý, nên chưa thể biết "
            "câu trả lời. Thường gặp khi máy trạm hết thời gian chờ rồi gửi lại ngay, hoặc hai tiến trình dùng "
            "chung một khóa. Việc sẽ chỉ được làm một lần."
        ),
        en=(
            "A request with the same Idempotency-Key, by the same system to the same address, is being worked on, "
            "so its answer is not known yet. It comes when a client times out and repeats at once, or when two "
            "processes share a key. The work is done once only."
        ),
        steps_vi=(
            "Chờ theo Retry-After.",
            "Gửi lại nguyên văn với cùng khóa: câu trả lời đầu tiên sẽ được trả lại kèm Idempotency-Replayed: true.",
        ),
        steps_en=(
            "Wait as long as Retry-After says.",
            "Repeat unchanged with the same key: the first answer comes again, with Idempotency-Replayed: true.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.SAME,
        see=("idempotency.reused",),
    ),
    "idempotency.reused": Cause(
        vi=(
            "Khóa Idempotency-Key này đã được dùng trong bảy ngày qua cho một thân yêu cầu khác (so từng byte). "
            "Thường do dùng một khóa cố định, lấy mã hồ sơ làm khóa cho nhiều thao tác, hoặc tạo lại JSON với thứ "
            "tự trường, thời điểm khác khi gửi lại."
        ),
        en=(
            "This Idempotency-Key was used within the last seven days for another body (compared byte by byte). "
            "Usually the key is a constant, a dossier code serves as key of several actions, or the JSON is built "
            "anew for the repeat with another order of fields or another time."
        ),
        steps_vi=(
            "Nếu là yêu cầu mới: tạo khóa mới (UUID) cho mỗi yêu cầu.",
            "Nếu là gửi lại: lưu nguyên văn các byte đã gửi cùng với khóa và gửi đúng các byte đó.",
        ),
        steps_en=(
            "For a new request, make a new key (a UUID) each time.",
            "For a repeat, keep the bytes that were sent together with their key, and send exactly those.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY),
        repeat=Repeat.ANEW,
        see=("idempotency.in_progress",),
    ),
}
