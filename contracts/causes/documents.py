"""Documents, edXML files and attachments."""

from contracts.causes.cause import Cause, Repeat, Seen

DOCUMENTS: dict[str, Cause] = {
    "document.exists": Cause(
        vi=(
            "Cơ quan gửi đã dùng mã văn bản (DocumentId) này cho nội dung khác. Gửi lại đúng nội dung cũ thì không "
            "lỗi, câu trả lời cũ được trả lại. Hay gặp khi sửa văn bản rồi gửi lại cùng mã, hoặc phần mềm tạo mã "
            "chỉ từ số và ngày nên hai văn bản trùng nhau."
        ),
        en=(
            "The sender used this DocumentId for other content. To send the same content again is no mistake: the "
            "first answer comes again. It happens when a document is changed and sent under its old id, or when ids "
            "are made of number and date alone and two documents meet."
        ),
        steps_vi=(
            "Đọc văn bản đã gửi dưới mã đó để so sánh.",
            "Nếu là văn bản mới: dùng mã mới, hoặc bỏ trống document_id để được cấp.",
            "Nếu là sửa văn bản đã phát hành: dùng thao tác cập nhật, thay thế hoặc thu hồi.",
        ),
        steps_en=(
            "Read the document that was sent under this id and compare.",
            "For a new document use a new id, or leave document_id out to have one issued.",
            "To change an issued one, use update, replace or recall.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.CORRECTED,
        see=("document.closed", "idempotency.reused"),
    ),
    "document.unknown": Cause(
        vi=(
            "Trạng thái hoặc tham chiếu nhắm vào văn bản mà cơ quan không giữ, hoặc không đúng phía: chỉ nơi nhận "
            "trả lời xử lý, chỉ nơi gửi lấy lại (13). Với tệp edXML không nêu DocumentId, lỗi cũng xảy ra khi số, "
            "ký hiệu và ngày ứng với không hoặc nhiều văn bản. Cổng kiểm tra lại và có thể từ chối lượt gửi."
        ),
        en=(
            "The status or reference is about a document the organ does not hold, or comes from the wrong side: "
            "only a recipient reports on handling, only the sender takes back (13). An edXML status without "
            "DocumentId also fails when number, notation and date fit none or several documents. The gateway checks "
            "again and may refuse the transfer."
        ),
        steps_vi=(
            "Tra văn bản trong danh sách đến hoặc đi (GET /v1/documents?box=in hoặc out).",
            "Dùng đúng DocumentId của văn bản gốc và đúng cơ quan gửi của nó; bên gửi chỉ báo 13, bên nhận báo các mã "
            "còn lại.",
            "Gửi lại.",
        ),
        steps_en=(
            "Look for the document (GET /v1/documents?box=in or out).",
            "Use the DocumentId of the original and its true sender; a sender tells 13 only, a recipient the others.",
            "Send again.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT, Seen.DELIVERY),
        repeat=Repeat.CORRECTED,
        see=("document.status_unknown", "request.not_found"),
    ),
    "document.status_unknown": Cause(
        vi=(
            "Mã trạng thái văn bản không thuộc danh mục: chỉ nhận 01 đã đến, 02 từ chối tiếp nhận, 03 đã tiếp nhận, "
            "04 phân công xử lý, 05 đang xử lý, 06 hoàn thành, 13 lấy lại, 15 đồng ý cập nhật/lấy lại, 16 từ chối "
            "cập nhật/lấy lại. Hay gặp khi gửi 3 thay cho 03 hoặc gửi tên trạng thái."
        ),
        en=(
            "The code is no document status: there are 01 arrived, 02 refused, 03 accepted, 04 assigned, 05 in "
            "progress, 06 completed, 13 take back, 15 change agreed, 16 change refused. Often 3 is sent for 03, or "
            "the name in place of the code."
        ),
        steps_vi=("Dùng mã hai chữ số dạng chuỗi.", "Gửi lại."),
        steps_en=("Use the code of two digits, as text.", "Send again."),
        seen=(Seen.OFFICE,),
        repeat=Repeat.CORRECTED,
        see=("document.unknown", "request.invalid"),
    ),
    "document.closed": Cause(
        vi=(
            "Văn bản đã bị thu hồi hoặc đã được văn bản khác thay thế, nên không còn nhận thao tác này (báo đã đến "
            "01 và trả lời yêu cầu lấy lại, cập nhật 15, 16 vẫn được nhận). Nếu việc thu hồi, thay thế đến cổng "
            "trước thì kết luận đến sau, trong lượt gửi. Hay gặp khi bên nhận xử lý trên bản đã tải về từ trước."
        ),
        en=(
            "The document was recalled, or replaced by another, and does not take this act any more (01 arrived, "
            "and 15 or 16 in answer to a recall or update, are still taken). Where the recall or the replacement "
            "reached the gateway first, it comes later as the verdict of the transfer. It often happens to a "
            "recipient who works on a copy fetched before."
        ),
        steps_vi=(
            "Đọc lại văn bản để biết trạng thái và văn bản thay thế.",
            "Thực hiện trên văn bản thay thế nếu có; không xử lý tiếp bản đã thu hồi.",
        ),
        steps_en=(
            "Read the document again for its state and for the one in its place.",
            "Act on that one if there is one; do not go on with what was recalled.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.DECIDE,
        see=("document.exists", "document.unknown"),
    ),
    "edxml.invalid": Cause(
        vi=(
            "Tệp edXML không đọc được: XML hỏng, có DTD, thiếu phần tử bắt buộc, giá trị sai, hoặc tệp đính kèm "
            "trong gói không giải nén hay giải mã được. Con trỏ là đường dẫn phần tử, detail nêu loại lỗi; nội dung "
            "không bao giờ được lặp lại. Nhiều biến thể trong thực tế vẫn được chấp nhận, nên lỗi này thường là tệp "
            "bị cắt hoặc ghép tay."
        ),
        en=(
            "The edXML file cannot be read: broken XML, a DTD, a required element missing, a bad value, or an "
            "attachment inside that cannot be unpacked or decoded. The pointer is the path of the element and "
            "detail the kind of fault; content is never repeated. Many variants of practice are taken, so this "
            "usually means a file that was cut off or put together by hand."
        ),
        steps_vi=(
            "Xem phần tử mà con trỏ chỉ ra.",
            "Tạo lại tệp theo QCVN 102:2016/BTTTT bằng thư viện XML, không ghép chuỗi.",
            "Gửi lại với Content-Type application/edxml+xml.",
        ),
        steps_en=(
            "See the element the pointer names.",
            "Make the file again as QCVN 102:2016/BTTTT says, with an XML library.",
            "Send it again as application/edxml+xml.",
        ),
        seen=(Seen.OFFICE,),
        repeat=Repeat.CORRECTED,
        see=("size.too_large", "request.unsupported_media_type", "axis.refused"),
    ),
    "attachment.missing": Cause(
        vi=(
            "Hồ sơ hoặc văn bản nêu mã SHA-256 của một tệp mà cơ quan chưa tải lên dịch vụ này và cũng không có qua "
            "hồ sơ, văn bản nào. Con trỏ chỉ tệp đầu tiên bị thiếu. Hay gặp: tải tệp lên bằng cơ quan khác (X-Organ "
            "khác), tính mã băm trước khi ký số, hoặc gửi hồ sơ trước khi tải xong."
        ),
        en=(
            "A dossier or document names the SHA-256 of a file that the organ neither put into this office nor "
            "holds through a dossier or document. The pointer shows the first one missing. Usually it was put by "
            "another organ (another X-Organ), digested before it was signed, or not fully put before the dossier "
            "was sent."
        ),
        steps_vi=(
            "PUT từng tệp vào /v1/attachments/{sha256} với cùng X-Organ và chờ 201 hoặc 200.",
            "Gửi lại hồ sơ, văn bản.",
        ),
        steps_en=(
            "PUT each file to /v1/attachments/{sha256} with the same X-Organ and wait for 201 or 200.",
            "Send the dossier or document again.",
        ),
        seen=(Seen.OFFICE,),
        repeat=Repeat.CORRECTED,
        see=("attachment.digest_mismatch", "attachment.unavailable"),
    ),
    "attachment.digest_mismatch": Cause(
        vi=(
            "Các byte nhận được không có mã SHA-256 như trong địa chỉ, nên không được lưu. Hay gặp khi tệp bị thay "
            "đổi giữa lúc tính mã và lúc gửi, gửi ở chế độ văn bản (đổi ký tự xuống dòng), gửi dạng base64 hoặc "
            "biểu mẫu nhiều phần, hay đường truyền bị cắt."
        ),
        en=(
            "The bytes that came do not have the SHA-256 of the address, so nothing was kept. Usually the file "
            "changed between digest and upload, was sent in text mode (line ends), as base64 or as a multipart "
            "form, or the line broke."
        ),
        steps_vi=(
            "Gửi nguyên các byte của tệp, không biểu mẫu, không base64.",
            "Tính lại SHA-256 (chữ thường) trên đúng các byte đó và PUT lại.",
        ),
        steps_en=(
            "Send the plain bytes of the file, no form, no base64.",
            "Compute SHA-256 (lower case) of just these bytes and PUT again.",
        ),
        seen=(Seen.OFFICE,),
        repeat=Repeat.CORRECTED,
        see=("attachment.missing",),
    ),
    "attachment.quota_exceeded": Cause(
        vi=(
            "Tệp này làm tổng dung lượng tệp đính kèm của cơ quan tại dịch vụ vượt mức được cấp; detail nêu giới "
            "hạn. Tệp không được lưu. Tệp cơ quan đã tải lên trước đó (cùng mã SHA-256) không tính thêm; tệp do cơ "
            "quan khác gửi đến không tính vào dung lượng này."
        ),
        en=(
            "With this file the organ's attachments in this office would exceed the storage it has; detail tells "
            "the limit. The file was not kept. A file the organ put before (the same SHA-256) costs nothing again; "
            "what other organs send is not counted."
        ),
        steps_vi=(
            "Nén hoặc quét lại tệp ở độ phân giải hợp lý.",
            "Đề nghị quản trị viên tăng dung lượng, nêu nhu cầu theo tháng.",
            "Tải lại sau khi được tăng.",
        ),
        steps_en=(
            "Compress, or scan at a sensible resolution.",
            "Ask the administrator for more, with the monthly need.",
            "Put the file again afterwards.",
        ),
        seen=(Seen.OFFICE,),
        repeat=Repeat.LATER,
        see=("size.too_large", "system.disk_full", "quota.exceeded"),
    ),
    "attachment.unavailable": Cause(
        vi=(
            "Kho tệp tạm ngừng, tệp vừa tải lên không còn trong kho, hoặc tệp chưa sao chép xong từ dịch vụ của cơ "
            "quan gửi. Khi nhận hồ sơ, văn bản, dịch vụ tự sao chép lại cho đến khi đủ tệp rồi mới báo đã giao, nên "
            "cơ quan nhận không bao giờ thấy hồ sơ thiếu tệp."
        ),
        en=(
            "The attachment store is away, the bytes just put are no longer there, or the file is not copied yet "
            "from the sender's office. A recipient's office repeats the copy by itself, and tells handed over only "
            "when all files are there, so a receiving organ never sees a dossier without its files."
        ),
        steps_vi=(
            "Khi tải lên hoặc tải về: chờ theo Retry-After rồi gửi lại nguyên văn, kể cả nội dung tệp.",
            "Khi kéo dài nhiều giờ: báo đơn vị vận hành mã tệp.",
        ),
        steps_en=(
            "When you put or get: wait as Retry-After says and repeat unchanged, bytes included.",
            "If it lasts for hours, tell the operators the digest.",
        ),
        seen=(Seen.OFFICE, Seen.OPERATORS),
        repeat=Repeat.SAME,
        see=("attachment.missing", "system.disk_full"),
    ),
}
