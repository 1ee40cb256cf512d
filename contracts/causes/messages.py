"""Envelopes and their numbers: what the gateway and the offices find in messages, and what becomes of them."""

from contracts.causes.cause import Cause, Repeat, Seen

MESSAGES: dict[str, Cause] = {
    "envelope.unreadable": Cause(
        vi=(
            "Gói tin trong Kafka thiếu tiêu đề bắt buộc hoặc tiêu đề viết sai nên không biết của ai, về việc gì; "
            "con trỏ nêu tên tiêu đề. Chỉ xảy ra khi có chương trình ngoài các dịch vụ của trục ghi vào chủ đề, "
            "hoặc phiên bản phần mềm lệch nhau. Gói tin được đưa vào danh sách thông điệp hỏng; bên gửi không nhận "
            "được biên nhận."
        ),
        en=(
            "A record in Kafka lacks a required header or has one that is not well formed, so it cannot be told "
            "whose it is and what it is about; the pointer names the header. It happens only when something other "
            "than the hub's programs writes to a topic, or when releases do not fit together. The record becomes a "
            "dead letter; its sender gets no receipt."
        ),
        steps_vi=(
            "Đơn vị vận hành xem danh sách thông điệp hỏng (GET /v1/dead-letters của cổng) để biết chủ đề và vị trí.",
            "Tìm chương trình đã ghi, kiểm tra phiên bản và quyền ghi vào chủ đề.",
            "Dịch vụ gửi sẽ tự gửi lại việc chưa hoàn tất của nó.",
        ),
        steps_en=(
            "Operators look at the dead letters (GET /v1/dead-letters at the gateway) for topic and offset.",
            "Find the program that wrote it; check its release and the rights to the topic.",
            "An office sends its own unsettled facts again by itself.",
        ),
        seen=(Seen.OPERATORS,),
        repeat=Repeat.NOTHING,
        see=("contract.unknown", "contract.invalid"),
    ),
    "envelope.id_reused": Cause(
        vi=(
            "Cùng một nguồn và mã gói tin nhưng nội dung khác với lần đã nhận. Dịch vụ của trục không bao giờ làm "
            "vậy khi gửi lại, nên thường là lỗi phần mềm bên gửi hoặc cơ sở dữ liệu bên gửi đã được khôi phục từ "
            "bản cũ. Bản sau được đưa vào thông điệp hỏng, bản đầu giữ nguyên hiệu lực."
        ),
        en=(
            "The same source and message id came again with other content. The hub's offices never do that when "
            "they repeat, so it points to a defect of the sender or to a sender's database restored from an old "
            "copy. The later one becomes a dead letter, the first one stands."
        ),
        steps_vi=(
            "Đơn vị vận hành xác định nguồn gửi và kiểm tra nhật ký khôi phục cơ sở dữ liệu.",
            "Nếu cơ sở dữ liệu đã khôi phục, làm theo quy trình tăng thế hệ nguồn trước khi cho gửi tiếp.",
        ),
        steps_en=(
            "Operators find the source and look for a database that was restored.",
            "If one was, follow the procedure for a new source generation before it sends on.",
        ),
        seen=(Seen.OPERATORS,),
        repeat=Repeat.NEVER,
        see=("sequence.conflict", "document.exists"),
    ),
    "sequence.missing": Cause(
        vi=(
            "Sự kiện nghiệp vụ đến cổng không có số thứ tự hoặc số nhỏ hơn 1, nên không thể biết có bị mất sự kiện "
            "trước hay không. Dịch vụ của trục luôn đánh số; lỗi này chỉ do phần mềm khác ghi vào chủ đề. Gói tin "
            "được đưa vào thông điệp hỏng."
        ),
        en=(
            "A fact came to the gateway without a sequence, or with one below 1, so it cannot be told whether an "
            "earlier one is missing. The hub's offices always number; only other software writing to the topic "
            "brings this. The record becomes a dead letter."
        ),
        steps_vi=(
            "Đơn vị vận hành tìm chương trình đã ghi và thu hồi quyền ghi nếu không phải dịch vụ của trục.",
            "Đánh số từ 1, không bỏ số, theo từng đối tượng và bên phát.",
        ),
        steps_en=(
            "Operators find the program that wrote it and withdraw its right if it is none of the hub's.",
            "Number from 1 without gaps, per subject and emitter.",
        ),
        seen=(Seen.OPERATORS,),
        repeat=Repeat.NEVER,
        see=("sequence.conflict", "envelope.unreadable"),
    ),
    "sequence.conflict": Cause(
        vi=(
            "Số thứ tự của sự kiện đã được một gói tin khác của cùng bên phát dùng và cổng đã ghi nhận gói tin đó. "
            "Nguyên nhân gần như luôn là cơ sở dữ liệu của dịch vụ gửi được khôi phục từ bản sao lưu cũ rồi tiếp "
            "tục đánh số. Lượt gửi bị từ chối với kết luận này; trạng thái hồ sơ trở về đúng như cổng đang ghi."
        ),
        en=(
            "The number of the fact was already used by another message of the same emitter, which the gateway has "
            "on record. The reason is nearly always a sender's database that was restored from an old backup and "
            "went on numbering. The transfer is refused with this verdict, and the dossier shows what the gateway "
            "has on record."
        ),
        steps_vi=(
            "Không gửi lại; báo đơn vị vận hành mã lượt gửi.",
            "Đơn vị vận hành đối chiếu cơ sở dữ liệu bên gửi với sổ của cổng và xử lý theo quy trình khôi phục.",
            "Sau đó cán bộ đọc lại hồ sơ và thực hiện lại thao tác nếu vẫn cần.",
        ),
        steps_en=(
            "Do not repeat; tell the operators the transfer id.",
            "Operators compare the sender's database with the gateway's ledger and follow the restore procedure.",
            "Afterwards read the dossier again and act anew if it is still wanted.",
        ),
        seen=(Seen.VERDICT, Seen.OPERATORS),
        repeat=Repeat.NEVER,
        see=("envelope.id_reused", "custody.stale"),
    ),
    "contract.unknown": Cause(
        vi=(
            "Loại thông điệp hoặc phiên bản hợp đồng dữ liệu không có trong danh sách đã công bố của chương trình "
            "nhận. Thường do nâng cấp lệch thứ tự: bên gửi đã dùng phiên bản mới trong khi bên nhận chưa nâng cấp. "
            "Ở cổng, lượt gửi bị từ chối; ở dịch vụ nhận, gói tin dừng lại chờ nâng cấp và không mất."
        ),
        en=(
            "The message type or the contract version is not on the published list of the program that got it. "
            "Usually releases were rolled out in the wrong order: the sender writes a new version before the "
            "recipient knows it. At the gateway the transfer is refused; at a recipient's office the record waits "
            "for the upgrade and is not lost."
        ),
        steps_vi=(
            "Xem contract trong kết luận kiểm tra để biết loại và phiên bản.",
            "Nâng cấp bên nhận trước, bên gửi sau; hoặc dùng phiên bản đã công bố.",
            "Với lượt gửi đã bị từ chối, thực hiện lại thao tác như yêu cầu mới.",
        ),
        steps_en=(
            "See contract in the verdict for type and version.",
            "Upgrade recipients first and senders after them, or use a published version.",
            "For a transfer that was refused, act again with a new request.",
        ),
        seen=(Seen.VERDICT, Seen.OPERATORS),
        repeat=Repeat.CORRECTED,
        see=("contract.invalid", "envelope.unreadable"),
    ),
    "contract.invalid": Cause(
        vi=(
            "Nội dung gói tin không đúng hợp đồng dữ liệu của phiên bản mà nó khai: con trỏ chỉ vị trí, contract "
            "nêu loại và phiên bản, detail nêu quy tắc bị vi phạm (không bao giờ lặp lại giá trị đã gửi). Phần lớn "
            "bị dịch vụ từ chối ngay khi nhận; cổng kiểm tra lại và có thể từ chối lượt gửi. Hay gặp: mã thủ tục "
            "hành chính sai dạng, ngày không có thật, thiếu trường bắt buộc của loại thao tác."
        ),
        en=(
            "The payload does not fit the contract version it declares: the pointer shows the place, contract the "
            "type and version, detail the rule that was broken (never the value that was sent). Most of it is "
            "refused at once by the office; the gateway checks again and may refuse the transfer. The usual reasons "
            "are a procedure code of the wrong form, a date that does not exist, and a missing field that this kind "
            "of act needs."
        ),
        steps_vi=(
            "Mở hợp đồng dữ liệu đúng phiên bản nêu ở contract.",
            "Sửa vị trí mà con trỏ chỉ ra.",
            "Gửi lại; nếu là kết luận của lượt gửi đã nhận thì dùng Idempotency-Key mới.",
        ),
        steps_en=(
            "Open the contract in the version that contract names.",
            "Correct the place the pointer shows.",
            "Send again; after a verdict on what was accepted before, use a new Idempotency-Key.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT, Seen.OPERATORS),
        repeat=Repeat.CORRECTED,
        see=("request.invalid", "contract.unknown"),
    ),
    "level.mismatch": Cause(
        vi=(
            "Gói tin đến cổng qua chủ đề của một cấp nhưng cơ quan gửi thuộc cấp khác, hoặc nguồn không phải dịch "
            "vụ của cấp đó. Thường gặp khi cơ quan đổi cấp hay đổi nơi kết nối (lên trục quốc gia) trong lúc gói "
            "tin đang đi."
        ),
        en=(
            "A message came to the gateway on the topic of one level, but its sender belongs to another, or its "
            "source is not that level's office. It comes when an organ changes its level or its home (to the "
            "national axis) while a message is on its way."
        ),
        steps_vi=(
            "Kiểm tra cấp và nơi kết nối của cơ quan gửi trong danh mục.",
            "Gửi lại như yêu cầu mới qua dịch vụ của đúng cấp.",
            "Nếu danh mục sai, đề nghị đơn vị vận hành sửa.",
        ),
        steps_en=(
            "Check level and home of the sending organ in the directory.",
            "Send again as a new request through the office of its level.",
            "If the directory is wrong, ask the operators to correct it.",
        ),
        seen=(Seen.VERDICT, Seen.OPERATORS),
        repeat=Repeat.CORRECTED,
        see=("organ.wrong_office", "sender.unknown"),
    ),
    "message.voided": Cause(
        vi=(
            "Bên gửi đã hủy gói tin: số thứ tự của nó được dùng cho một thông điệp hủy, nội dung không còn hiệu lực "
            "và không giao cho ai. Việc này do đơn vị vận hành thực hiện khi một sự kiện không thể gửi được nữa."
        ),
        en=(
            "The sender gave the message up: its number is used by a void, and its content has no effect and is "
            "handed to nobody. Operators do this when a fact can no longer be sent."
        ),
        steps_vi=(
            "Không cần làm gì với gói tin này.",
            "Nếu việc vẫn cần làm, cán bộ bên gửi đọc lại hồ sơ, văn bản và thực hiện lại bằng yêu cầu mới.",
        ),
        steps_en=(
            "Nothing is to be done about this message.",
            "If the act is still wanted, the sender reads the dossier or document again and acts with a new request.",
        ),
        seen=(Seen.OPERATORS,),
        repeat=Repeat.NOTHING,
        see=("delivery.closed", "sequence.conflict"),
    ),
    "delivery.closed": Cause(
        vi=(
            "Đơn vị vận hành đã đóng lượt giao đến nơi nhận này, kèm lý do, thường vì nơi nhận lâu ngày không hoạt "
            "động hoặc nội dung không còn cần. Các nơi nhận khác không bị ảnh hưởng. Nếu dịch vụ nơi nhận đã kịp "
            "nhận trước khi đóng thì kết quả cuối cùng vẫn là đã giao."
        ),
        en=(
            "An operator closed the delivery to this recipient, with a reason, usually because it has been away for "
            "long or the content is no longer needed. Other recipients are not concerned. If the recipient's office "
            "had taken it before that, the final state is handed over all the same."
        ),
        steps_vi=(
            "Hỏi đơn vị vận hành lý do đóng, nêu mã lượt gửi.",
            "Nếu vẫn cần giao, gửi yêu cầu mới hoặc dùng phương thức khác.",
        ),
        steps_en=(
            "Ask the operators for the reason, with the transfer id.",
            "If it must still arrive, send a new request or use another way.",
        ),
        seen=(Seen.DELIVERY,),
        repeat=Repeat.DECIDE,
        see=("message.voided", "recipient.suspended"),
    ),
    "delivery.not_open": Cause(
        vi=(
            "Người vận hành yêu cầu giao lại hoặc đóng một lượt giao đã kết thúc: nơi nhận đã nhận hoặc từ chối, hoặc "
            "người khác đã đóng trước. Cũng gặp khi hai người cùng thao tác trên một lượt giao: người đến sau nhận mã "
            "này."
        ),
        en=(
            "An operator asked for a delivery to be sent again or closed that has come to its end: its recipient has "
            "taken or refused it, or somebody closed it before. Of two operators who act upon one delivery at once, "
            "the second gets this."
        ),
        steps_vi=(
            "Đọc gói tin (GET /v1/transfers/{id}) để biết trạng thái hiện tại của lượt giao.",
            "Nếu đã đóng mà vẫn cần giao, bên gửi phải gửi một thông điệp mới.",
        ),
        steps_en=(
            "Read the transfer (GET /v1/transfers/{id}) for the present state of the delivery.",
            "If it was closed and must arrive all the same, its sender sends a new message.",
        ),
        seen=(Seen.GATEWAY,),
        repeat=Repeat.DECIDE,
        see=("delivery.closed", "recipient.undecided"),
    ),
    "dead_letter.not_open": Cause(
        vi=(
            "Người vận hành đóng một thông điệp hỏng mà người khác đã đóng trước đó, thường do hai người cùng xem một "
            "danh sách. Lý do và tên người đóng trước được giữ nguyên."
        ),
        en=(
            "An operator closed a dead letter that somebody had closed before, usually because two people went through "
            "the same list. The first reason and the first name stay."
        ),
        steps_vi=("Xem danh sách thông điệp hỏng với state=closed để biết ai đã đóng và vì sao.",),
        steps_en=("Look at the dead letters with state=closed for who closed it and why.",),
        seen=(Seen.GATEWAY,),
        repeat=Repeat.NOTHING,
        see=("delivery.not_open", "envelope.unreadable"),
    ),
    "delivery.misaddressed": Cause(
        vi=(
            "Biên nhận gửi đến cổng nêu một chặng không tồn tại, hoặc chặng gửi đến dịch vụ của cấp khác. Thường là "
            "dấu hiệu cơ sở dữ liệu của cổng hoặc của dịch vụ đã được khôi phục từ bản cũ, hoặc có chương trình lạ "
            "ghi vào chủ đề. Biên nhận được đưa vào thông điệp hỏng; không lượt giao nào đổi trạng thái."
        ),
        en=(
            "A receipt named a hop that does not exist, or one addressed to the office of another level. It points "
            "to a database of the gateway or of an office restored from an old copy, or to a strange program "
            "writing to the topic. The receipt becomes a dead letter; no delivery changes its state."
        ),
        steps_vi=(
            "Đơn vị vận hành xem thông điệp hỏng để biết dịch vụ và đối tượng.",
            "Kiểm tra nhật ký khôi phục cơ sở dữ liệu và quyền ghi vào chủ đề.",
        ),
        steps_en=(
            "Operators look at the dead letter for office and subject.",
            "Check whether a database was restored, and the rights to the topic.",
        ),
        seen=(Seen.OPERATORS,),
        repeat=Repeat.NOTHING,
        see=("envelope.unreadable", "level.mismatch"),
    ),
    "axis.refused": Cause(
        vi=(
            "Trục liên thông văn bản quốc gia từ chối gói tin edXML gửi đến nơi nhận kết nối qua trục, ví dụ do mã "
            "nơi nhận không có trên trục hoặc tệp không theo yêu cầu của trục. Lượt giao đến nơi đó kết thúc ở "
            "trạng thái từ chối; các nơi nhận khác không bị ảnh hưởng."
        ),
        en=(
            "The national axis refused the edXML message for a recipient that is reached through it, for instance "
            "because it does not know the recipient's code or the file is not as it demands. The delivery to that "
            "recipient ends refused; other recipients are not concerned."
        ),
        steps_vi=(
            "Hỏi đơn vị vận hành mã lỗi mà trục quốc gia trả về cho lượt gửi này.",
            "Sửa nội dung hoặc mã nơi nhận theo hướng dẫn của trục.",
            "Gửi văn bản mới cho riêng nơi nhận bị từ chối.",
        ),
        steps_en=(
            "Ask the operators for the error code of the axis for this transfer.",
            "Correct content or recipient as the axis demands.",
            "Send a new document to the refused recipient alone.",
        ),
        seen=(Seen.DELIVERY,),
        repeat=Repeat.CORRECTED,
        see=("edxml.invalid", "recipient.unknown"),
    ),
}
