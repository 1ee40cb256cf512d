"""Dossiers: their codes, their custody, their status."""

from contracts.causes.cause import Cause, Repeat, Seen

DOSSIERS: dict[str, Cause] = {
    "dossier.exists": Cause(
        vi=(
            "Mã hồ sơ đã được dùng cho một hồ sơ khác. Mã của hồ sơ nộp lần trước mà cổng từ chối thì được dùng "
            "lại, còn lại mỗi mã gắn với một hồ sơ suốt đời. Hay gặp khi gửi lại sau lỗi mạng mà không có "
            "Idempotency-Key, hoặc hai phần mềm của một cơ quan cùng tự cấp mã."
        ),
        en=(
            "The dossier code is in use by another dossier. The code of a submission that the gateway refused may "
            "be used again; otherwise a code belongs to one dossier for life. It comes of repeats after a network "
            "failure without an Idempotency-Key, and of two systems of one organ issuing codes."
        ),
        steps_vi=(
            "Đọc GET /v1/dossiers/{mã}: nếu chính là hồ sơ vừa nộp thì lần trước đã thành công.",
            "Nếu là hồ sơ khác, dùng mã mới hoặc bỏ trống code để hệ thống cấp.",
            "Luôn gửi kèm Idempotency-Key khi nộp.",
        ),
        steps_en=(
            "Read GET /v1/dossiers/{code}: if it is the one you sent, the first request succeeded.",
            "If it is another, use a new code, or leave code out to have one issued.",
            "Always send an Idempotency-Key when submitting.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.CORRECTED,
        see=("dossier.code_invalid", "idempotency.reused"),
    ),
    "dossier.unknown": Cause(
        vi=(
            "Thao tác nhắm vào hồ sơ mà cổng không ghi nhận, thường vì chính lần nộp hồ sơ đã bị từ chối. Các thao "
            "tác đã thực hiện sau một lần nộp bị từ chối cũng nhận kết luận này."
        ),
        en=(
            "The act is about a dossier that the gateway does not have on record, usually because its submission "
            "was refused. Acts done after a submission that was then refused get this verdict too."
        ),
        steps_vi=(
            "Đọc lại hồ sơ: xem lịch sử và kết luận của lần nộp.",
            "Sửa theo kết luận đó và nộp lại (được dùng lại cùng mã).",
            "Sau khi nộp được, thực hiện lại các thao tác còn cần.",
        ),
        steps_en=(
            "Read the dossier: its history shows the verdict on the submission.",
            "Correct that and submit again (the same code may be used).",
            "Then do again what is still wanted.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.DECIDE,
        see=("dossier.exists", "request.not_found"),
    ),
    "dossier.code_invalid": Cause(
        vi=(
            "Phần cơ quan trong mã hồ sơ (phần trước ngày) không phải mã của cơ quan tiếp nhận, cũng không phải mã "
            "cũ hay mã tương ứng của cơ quan đó. Thường do nộp thay cơ quan khác, hoặc phần mềm còn dùng mã của đơn "
            "vị trước sắp xếp chưa được ghép trong danh mục."
        ),
        en=(
            "The organ part of the dossier code (before the date) is neither the receiving organ's code nor one of "
            "its aliases. Usually it was submitted for another organ, or the software still uses the code of a "
            "former unit that the directory does not connect."
        ),
        steps_vi=(
            "Đặt phần cơ quan trong mã bằng mã định danh của cơ quan tiếp nhận, hoặc bỏ trống code để được cấp mã.",
            "Nếu là mã cũ hợp lệ, đề nghị đơn vị vận hành ghép mã tương ứng trong danh mục.",
        ),
        steps_en=(
            "Use the receiving organ's code as the organ part, or leave code out to have one issued.",
            "If it is a rightful old code, ask the operators to enter it as an alias.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.CORRECTED,
        see=("dossier.exists", "organ.forbidden"),
    ),
    "dossier.not_receiver": Cause(
        vi=(
            "Chỉ cơ quan tiếp nhận (bộ phận một cửa đã nhận hồ sơ) được rút hồ sơ (withdraw), mở lại (reopen) và "
            "trả kết quả (return_result); cơ quan đang thụ lý khác không được. Hay gặp khi cơ quan giải quyết muốn "
            "tự trả kết quả cho người dân."
        ),
        en=(
            "Only the receiving organ (the one-stop desk that took the dossier in) may withdraw, reopen and "
            "return_result; another custodian may not. It comes when the deciding organ wants to hand the result "
            "out itself."
        ),
        steps_vi=(
            "Cơ quan giải quyết kết thúc bằng thao tác complete; hồ sơ tự về cơ quan tiếp nhận.",
            "Cơ quan tiếp nhận trả kết quả bằng return_result.",
        ),
        steps_en=(
            "The deciding organ ends with complete; custody goes back to the receiving organ by itself.",
            "The receiving organ gives the result back with return_result.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.NEVER,
        see=("custody.not_custodian", "status.not_allowed"),
    ),
    "custody.not_custodian": Cause(
        vi=(
            "Thao tác này chỉ dành cho cơ quan đang có quyền và trách nhiệm thụ lý hồ sơ, mà cơ quan gửi hiện không "
            "phải. Thường do chưa nhận đề nghị chuyển hồ sơ (accept_custody), hồ sơ đã chuyển tiếp, hoặc đã hoàn "
            "thành và tự về cơ quan tiếp nhận. Nếu dịch vụ chưa kịp biết việc chuyển thì kết luận đến sau, trong "
            "lượt gửi."
        ),
        en=(
            "Only the custodian may do this, and the sender is not the custodian now. Usually an offer was not "
            "accepted yet (accept_custody), the dossier was handed on, or it was completed and went back to the "
            "receiving organ. Where the office had not heard of the move yet, it comes later as the verdict of the "
            "transfer."
        ),
        steps_vi=(
            "Đọc hồ sơ, xem custodian, custody và offer.",
            "Nếu có đề nghị gửi đến mình: nhận bằng accept_custody rồi mới xử lý.",
            "Nếu không, đề nghị cơ quan đang thụ lý thực hiện hoặc chuyển hồ sơ.",
        ),
        steps_en=(
            "Read the dossier: custodian, custody, offer.",
            "If an offer is open to you, accept_custody first and act then.",
            "If not, ask the custodian to act or to offer custody.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.DECIDE,
        see=("custody.stale", "custody.not_offered", "custody.not_party"),
    ),
    "custody.not_party": Cause(
        vi=(
            "Cơ quan gửi không phải cơ quan tiếp nhận, cơ quan giải quyết, cơ quan đã từng thụ lý hay cơ quan đang "
            "được đề nghị chuyển hồ sơ, nên không được thao tác. Thường do chọn nhầm X-Organ, hoặc đề nghị gửi đến "
            "mình đã kết thúc."
        ),
        en=(
            "The sender is neither the receiving or deciding organ, nor a custodian past or present, nor the organ "
            "of an open offer, so it may not act. Usually X-Organ names the wrong organ, or the offer to it has "
            "ended."
        ),
        steps_vi=("Kiểm tra X-Organ.", "Nếu cần tham gia, đề nghị cơ quan đang thụ lý chuyển hồ sơ đến."),
        steps_en=("Check X-Organ.", "To take part, ask the custodian for an offer."),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.NEVER,
        see=("custody.not_custodian", "custody.offer_closed", "organ.forbidden"),
    ),
    "custody.stale": Cause(
        vi=(
            "Thao tác được quyết định trong một lượt thụ lý (epoch) đã qua: giữa lúc quyết định và lúc cổng xét, hồ "
            "sơ đã chuyển sang lượt thụ lý khác, hoặc bản chụp kèm đề nghị chuyển hồ sơ thiếu sự kiện mới của cơ "
            "quan khác. Cổng từ chối để quyết định cũ không đè lên tình hình mới; trạng thái ở cơ quan gửi được "
            "khôi phục."
        ),
        en=(
            "The act was decided in a turn of custody (epoch) that is over: between the decision and the gateway's "
            "judgement custody moved, or the snapshot sent with an offer lacks a new fact of another organ. It is "
            "refused so that no old decision overrides the new state; the sender's own view is put right."
        ),
        steps_vi=(
            "Đọc lại hồ sơ: cơ quan đang thụ lý, trạng thái, lịch sử.",
            "Quyết định lại theo tình hình mới.",
            "Nếu vẫn cần, gửi yêu cầu mới; với đề nghị chuyển hồ sơ thì tạo đề nghị mới.",
        ),
        steps_en=(
            "Read the dossier again: custodian, status, history.",
            "Decide anew by what you see.",
            "If it is still wanted, send a new request; for an offer, make a new offer.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.DECIDE,
        see=("custody.not_custodian", "request.precondition_failed"),
    ),
    "custody.offered": Cause(
        vi=(
            "Hồ sơ đang có đề nghị chuyển chưa được trả lời, nên cơ quan đang thụ lý tạm thời không thao tác và "
            "không tạo được đề nghị thứ hai. Riêng cơ quan tiếp nhận vẫn có thể rút hồ sơ (withdraw)."
        ),
        en=(
            "An offer of custody waits for its answer, so the custodian may not act meanwhile, nor make a second "
            "offer. Only the receiving organ may still withdraw the dossier."
        ),
        steps_vi=(
            "Xem offer trong hồ sơ để biết đã đề nghị chuyển cho cơ quan nào.",
            "Chờ cơ quan đó nhận hoặc từ chối, hoặc thu hồi bằng recall_custody.",
            "Sau đó thực hiện thao tác.",
        ),
        steps_en=(
            "See offer in the dossier for whom it is open to.",
            "Wait for that organ to accept or refuse, or recall_custody.",
            "Act afterwards.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.LATER,
        see=("custody.taking", "custody.offer_closed"),
    ),
    "custody.taking": Cause(
        vi=(
            "Cơ quan vừa gửi accept_custody và cổng chưa trả lời, nên chưa biết hồ sơ đã về mình hay chưa. Thường "
            "chỉ kéo dài vài giây; lâu hơn khi Kafka hoặc cổng tạm ngừng. Đề nghị có thể vừa bị thu hồi, vì vậy "
            "dịch vụ không cho thao tác trước."
        ),
        en=(
            "The organ has just sent accept_custody and the gateway has not answered, so it is not known yet "
            "whether the dossier is its own. It usually takes seconds; longer while Kafka or the gateway is away. "
            "The offer may just have been recalled, which is why nothing may be done ahead."
        ),
        steps_vi=(
            "Chờ theo Retry-After rồi đọc lại hồ sơ, hoặc theo dõi hộp nhận.",
            "Khi custody là held thì thực hiện thao tác.",
        ),
        steps_en=(
            "Wait as Retry-After says and read the dossier again, or watch the inbox.",
            "Act when custody is held.",
        ),
        seen=(Seen.OFFICE,),
        repeat=Repeat.SAME,
        see=("custody.offered", "custody.offer_closed"),
    ),
    "custody.offer_closed": Cause(
        vi=(
            "Đề nghị chuyển hồ sơ không còn mở: đã được nhận, bị từ chối, bị thu hồi, hoặc hồ sơ đã kết thúc. "
            "Thường gặp khi bên nhận trả lời đúng lúc bên giao thu hồi; cổng chỉ công nhận việc đến trước."
        ),
        en=(
            "The offer is no longer open: accepted, refused, recalled, or ended with the dossier. It comes when the "
            "organ asked answers while the giver recalls; the gateway lets the first one count."
        ),
        steps_vi=("Đọc lại hồ sơ để biết cơ quan đang thụ lý.", "Bên giao tạo đề nghị mới nếu vẫn cần chuyển."),
        steps_en=(
            "Read the dossier again for its custodian.",
            "If it is still to be handed on, the custodian makes a new offer.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.NEVER,
        see=("custody.not_offered", "custody.stale"),
    ),
    "custody.not_offered": Cause(
        vi=(
            "Cơ quan gửi trả lời một đề nghị chuyển hồ sơ dành cho cơ quan khác. Thường do chọn nhầm X-Organ trong "
            "hệ thống đại diện nhiều cơ quan."
        ),
        en=(
            "The sender answers an offer that is open to another organ. Usually X-Organ names the wrong organ of a "
            "system that has several."
        ),
        steps_vi=(
            "Xem offer.to trong hồ sơ và đặt X-Organ là cơ quan đó nếu hệ thống được đại diện.",
            "Nếu không, đề nghị cơ quan đang thụ lý thu hồi và chuyển lại cho đúng cơ quan.",
        ),
        steps_en=(
            "See offer.to in the dossier, and set X-Organ to it if your system may speak for it.",
            "If not, ask the custodian to recall and to offer it to the right organ.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.CORRECTED,
        see=("custody.offer_closed", "organ.forbidden"),
    ),
    "custody.not_allowed": Cause(
        vi=(
            "Hồ sơ đã kết thúc (từ chối, đã rút hoặc đã trả kết quả: trạng thái 3, 7, 10) nên không còn quyền thụ "
            "lý để chuyển."
        ),
        en=(
            "The dossier has ended (refused, withdrawn or returned: status 3, 7, 10), so there is no custody left "
            "to hand on."
        ),
        steps_vi=(
            "Đọc trạng thái và lịch sử hồ sơ.",
            "Nếu cần giải quyết tiếp, tiếp nhận hồ sơ mới và nêu mã hồ sơ cũ trong ghi chú.",
        ),
        steps_en=(
            "Read status and history of the dossier.",
            "If the matter goes on, submit a new dossier and name the old one in its note.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.NEVER,
        see=("status.not_allowed", "custody.offered"),
    ),
    "status.not_allowed": Cause(
        vi=(
            "Trạng thái hiện tại của hồ sơ không cho phép thao tác này; ví dụ chưa tiếp nhận đã hoàn thành "
            "(complete ở trạng thái 1), hoặc hồ sơ đã kết thúc. Nhắc lại đúng trạng thái đang có không phải lỗi: "
            "dịch vụ trả lời thành công và không gửi gì. Khi cơ quan khác vừa đổi trạng thái, kết luận đến sau "
            "trong lượt gửi."
        ),
        en=(
            "The present status of the dossier does not allow this action: complete in status 1, before it was "
            "accepted, say, or anything after it has ended. To repeat the present status is no mistake: that is "
            "answered with success and sends nothing. Where another organ has just changed the status, it comes "
            "later as the verdict of the transfer."
        ),
        steps_vi=(
            "Đọc trạng thái hiện tại; dịch vụ nêu ngay trong detail, kèm các thao tác đang được phép.",
            "Chọn thao tác được phép từ trạng thái đó (bảng thao tác ở /docs), ví dụ accept rồi assign rồi complete.",
            "Gửi thao tác đó như yêu cầu mới.",
        ),
        steps_en=(
            "Read the present status; the office's detail names it, with the acts that are allowed now.",
            (
                "Choose an action that is allowed from there (the table of acts at /docs), as accept, then assign, "
                "then complete."
            ),
            "Send that as a new request.",
        ),
        seen=(Seen.OFFICE, Seen.VERDICT),
        repeat=Repeat.DECIDE,
        see=("custody.not_allowed", "dossier.not_receiver"),
    ),
}
