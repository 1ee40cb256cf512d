"""Recipients: who can be reached at the date, and who takes over from closed organs."""

from contracts.causes.cause import Cause, Repeat, Seen

RECIPIENTS: dict[str, Cause] = {
    "recipient.unknown": Cause(
        vi=(
            "Nơi nhận không có trong danh mục tại ngày gửi, đã giải thể mà không có cơ quan kế thừa, hoặc không "
            "nhận được loại nội dung này: hồ sơ chỉ chuyển giữa các cơ quan do dịch vụ của trục phục vụ, và trạng "
            "thái văn bản chỉ gửi cho nơi đã nhận văn bản. Với văn bản nhiều nơi nhận, chỉ nơi sai bị từ chối trong "
            "danh sách giao; cả văn bản bị từ chối khi không còn nơi nào. Hay gặp: gõ nhầm mã hoặc dùng mã cũ chưa "
            "được ghép tương ứng."
        ),
        en=(
            "The recipient is not in the directory at the date, was dissolved without a successor, or cannot take "
            "this kind of content: dossiers move only between organs served by offices of this hub, and a status "
            "goes only to an organ the document went to. Of a document with several recipients only the wrong one "
            "is refused among its deliveries; the whole is refused when none is left. The usual reasons are a "
            "misspelt code and an old code without its alias."
        ),
        steps_vi=(
            "Tra mã trong danh mục (GET /v1/organs?q=… của cổng), chú ý ngày hiệu lực.",
            "Sửa mã ở vị trí con trỏ chỉ ra và gửi lại.",
            "Nếu cơ quan thật sự tồn tại, đề nghị đơn vị vận hành bổ sung danh mục.",
        ),
        steps_en=(
            "Look the code up in the directory (GET /v1/organs?q=… at the gateway), with its dates.",
            "Correct it where the pointer says and send again.",
            "If the organ does exist, ask the operators to complete the directory.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT, Seen.DELIVERY),
        repeat=Repeat.CORRECTED,
        see=("recipient.undecided", "recipient.suspended", "sender.unknown"),
    ),
    "recipient.suspended": Cause(
        vi=(
            "Nơi nhận có trong danh mục nhưng đang tạm ngừng kết nối, hoặc chưa có nơi kết nối nào nhận được. Văn "
            "bản gửi nhiều nơi vẫn đến các nơi khác; riêng nơi này bị từ chối trong danh sách giao."
        ),
        en=(
            "The recipient is registered but suspended for now, or has no home that could take it. A document with "
            "several recipients still reaches the others; only this one is refused among its deliveries."
        ),
        steps_vi=(
            "Hỏi đơn vị vận hành khi nào nơi nhận kết nối lại.",
            "Nếu gấp, gửi bằng phương thức khác theo quy chế văn thư và ghi lại việc đó.",
            "Khi nơi nhận hoạt động lại, gửi yêu cầu mới cho riêng nơi đó.",
        ),
        steps_en=(
            "Ask the operators when the recipient will be back.",
            "If it is urgent, send by another way and keep a note of it.",
            "When the recipient is back, send a new request to it alone.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT, Seen.DELIVERY),
        repeat=Repeat.LATER,
        see=("recipient.unknown", "sender.suspended"),
    ),
    "recipient.undecided": Cause(
        vi=(
            "Mã nơi nhận là của cơ quan đã giải thể có nhiều cơ quan kế thừa và danh mục chưa chọn cơ quan mặc "
            "định, nên trục không tự đoán. Hồ sơ, hoặc văn bản chỉ gửi đến nơi này, bị từ chối ngay; văn bản còn "
            "gửi nơi khác thì riêng lượt giao này chờ đơn vị vận hành quyết định."
        ),
        en=(
            "The code belongs to a closed organ with several successors, and the directory names no default one, so "
            "the hub does not guess. A dossier, or a document to nobody else, is refused at once; of a document "
            "with other recipients only this delivery waits for the operators' decision."
        ),
        steps_vi=(
            "Tốt nhất: xác định cơ quan kế thừa theo lĩnh vực, địa bàn và ghi thẳng mã của cơ quan đó.",
            "Nếu không xác định được, hỏi đơn vị vận hành để họ chọn cơ quan kế thừa trong danh mục.",
        ),
        steps_en=(
            "Best: find out which successor has the matter or the area, and write its code.",
            "If that cannot be told, ask the operators to choose the successor in the directory.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT, Seen.DELIVERY),
        repeat=Repeat.CORRECTED,
        see=("recipient.unknown",),
    ),
    "recipient.none": Cause(
        vi=(
            "Không còn nơi nhận nào: đề nghị chuyển hồ sơ cho chính cơ quan đang thụ lý (kể cả qua mã cũ của chính "
            "mình), hoặc gói tin văn bản đến cổng không nêu nơi nhận. Hay gặp sau sắp xếp đơn vị, khi mã cũ và mã "
            "mới cùng là một cơ quan."
        ),
        en=(
            "Nobody is left to receive: custody was offered to the very custodian (an old code of its own counts), "
            "or a document came to the gateway without recipients. It often follows a rearrangement of units, when "
            "the old and the new code mean one organ."
        ),
        steps_vi=(
            "Kiểm tra trường to có ít nhất một cơ quan khác cơ quan gửi.",
            "Nếu hồ sơ đã ở cơ quan mình thì không cần chuyển.",
        ),
        steps_en=(
            "Check that to names at least one organ other than the sender.",
            "If the dossier is yours already, there is nothing to hand on.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.CORRECTED,
        see=("recipient.unknown", "custody.not_allowed"),
    ),
}
