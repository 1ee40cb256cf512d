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
            "định, nên trục không tự đoán. Nêu nơi đó làm cơ quan giải quyết hoặc chuyển hồ sơ cho nơi đó thì bị từ "
            "chối ngay. Văn bản, và mọi việc sau đó của hồ sơ đã có nơi đó tham gia, vẫn được nhận: lượt giao này ở "
            "trạng thái open dưới mã cũ, giữ đúng thứ tự, cho đến khi đơn vị vận hành chọn cơ quan kế thừa."
        ),
        en=(
            "The code belongs to a closed organ with several successors, and the directory names no default one, so "
            "the hub does not guess. Naming it as the deciding organ of a dossier, or offering a dossier to it, is "
            "refused at once. A document, and what follows of a dossier it already takes part in, is accepted: that "
            "delivery is open under the closed code, in its order, until the operators choose the successor. Operators "
            "meet the code where a successor they choose is closed itself and leads to several organs."
        ),
        steps_vi=(
            "Tốt nhất: xác định cơ quan kế thừa theo lĩnh vực, địa bàn và ghi thẳng mã của cơ quan đó.",
            "Nếu không xác định được, hỏi đơn vị vận hành để họ chọn cơ quan kế thừa trong danh mục.",
            "Đơn vị vận hành: xem GET /v1/undecided của cổng và chọn bằng POST /v1/undecided/{organ}:decide.",
        ),
        steps_en=(
            "Best: find out which successor has the matter or the area, and write its code.",
            "If that cannot be told, ask the operators to choose the successor in the directory.",
            "Operators: see GET /v1/undecided at the gateway and choose with POST /v1/undecided/{organ}:decide.",
        ),
        seen=(Seen.OFFICE, Seen.GATEWAY, Seen.VERDICT),
        repeat=Repeat.CORRECTED,
        see=("recipient.unknown", "succession.decided"),
    ),
    "succession.decided": Cause(
        vi=(
            "Đã có người vận hành chọn cơ quan kế thừa khác cho cơ quan này, hoặc cho hồ sơ hay văn bản này, và lựa "
            "chọn đó còn thực hiện được. Những gì đã chuyển đi không thể lấy lại, nên trục không đổi lựa chọn. Chọn "
            "lại đúng cơ quan cũ thì không sao; chỉ khi cơ quan đã chọn bị tạm ngừng hoặc không còn kế thừa thì mới "
            "chọn được cơ quan khác."
        ),
        en=(
            "An operator has chosen another successor for this organ, or for this dossier or document, and that choice "
            "can be carried out. What was sent cannot be taken back, so the choice stays. Making the same one again is "
            "harmless; another one can be made only once the chosen organ is suspended or no successor any more."
        ),
        steps_vi=(
            "Xem lựa chọn đã có và người chọn trong nhật ký (GET /v1/audit, việc organ.successor_chosen).",
            "Nếu chỉ một hồ sơ hoặc văn bản cần đi nơi khác và còn đang chờ, nêu subject của nó.",
            "Nếu đã chuyển nhầm nơi, cơ quan gửi gửi lại thẳng cho cơ quan đúng.",
        ),
        steps_en=(
            "See what was chosen and by whom in the audit (GET /v1/audit, action organ.successor_chosen).",
            "If one dossier or document must go elsewhere and still waits, name its subject.",
            "If something went to the wrong organ, its sender sends it to the right one directly.",
        ),
        seen=(Seen.GATEWAY,),
        repeat=Repeat.DECIDE,
        see=("succession.not_successor", "recipient.undecided"),
    ),
    "succession.not_successor": Cause(
        vi=(
            "Cơ quan được chọn không nằm trong các cơ quan kế thừa của cơ quan đã kết thúc theo danh mục hôm nay, cũng "
            "không phải nơi một cơ quan kế thừa dẫn tới. Hay gặp: gõ nhầm mã, hoặc danh mục ghi thiếu cơ quan kế thừa."
        ),
        en=(
            "The chosen organ is not among the successors the directory has for the closed one today, nor does one of "
            "them lead to it. The usual reasons are a misspelt code, or a successor missing in the directory."
        ),
        steps_vi=(
            "Xem các cơ quan được chọn ở successors của GET /v1/undecided.",
            "Nếu danh mục thiếu, quản trị bổ sung successors của cơ quan (PUT, PATCH /v1/organs/{code}) rồi chọn lại.",
        ),
        steps_en=(
            "See who may be chosen in `successors` of GET /v1/undecided.",
            "If one is missing, an administrator completes the organ's successors (PUT or PATCH /v1/organs/{code}).",
        ),
        seen=(Seen.GATEWAY,),
        repeat=Repeat.CORRECTED,
        see=("succession.decided", "recipient.unknown"),
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
