"""What the API page of an office says before its operations; the same at every level."""

from services.kernel.openapi_parts import about
from services.office import lists

TITLE = "Liên Thông: office API"
_TEXT = """\
What agency systems of a commune, a district or a department call: dossiers, documents, attachments, inbox, transfers.
The three offices (province, district, commune) offer the same operations, each for the organs of its level.

Giao diện cho hệ thống một cửa và hệ thống quản lý văn bản của xã, huyện, sở. Ba dịch vụ (tỉnh, huyện, xã) có cùng
các thao tác, mỗi dịch vụ phục vụ cơ quan thuộc cấp mình.

## First steps · Bắt đầu

1. Get a token at the gateway: `POST /oauth/token`, client credentials; renew it at half of its hour.
2. `POST /v1/dossiers` or `POST /v1/documents`. 201 and 202 are promises: it is stored durably, and reaches every
   recipient whatever fails meanwhile.
3. Collect what comes back: `GET /v1/inbox?wait=30`, then `POST /v1/inbox/ack`.
4. See how far a message has come: `GET /v1/transfers/{id}`.

Lấy token ở cổng; gửi hồ sơ hoặc văn bản (201 và 202 nghĩa là đã lưu bền vững và chắc chắn đến nơi); nhận phản hồi ở
hộp đến rồi xác nhận; tra cứu gói tin đã đi đến đâu.

## What holds everywhere · Quy ước chung

- **Organ**: a system that acts for several organs names one in `X-Organ`. · Hệ thống đại diện nhiều cơ quan phải nêu
  cơ quan trong `X-Organ`.
- **Repeats**: send `Idempotency-Key` with every POST and repeat with the same key after a time-out, 429 or 503; the
  first answer comes again for 7 days. · Gửi kèm `Idempotency-Key` và gửi lại cùng khoá khi hết thời gian chờ.
- **Problems**: `application/problem+json` (RFC 9457) with a `code` from a closed list, JSON pointers and a `remedy` in
  both languages; `type` leads to a page that explains the code. · Lỗi luôn có mã, vị trí và cách khắc phục.
- **Times**: RFC 3339; shown at +07:00. · Thời gian hiển thị theo giờ Việt Nam.
- **Text**: UTF-8, kept as sent, compared in composed form (NFC). Unknown body fields are refused. · Chữ được giữ
  nguyên như gửi; trường lạ bị từ chối.
- **Lists**: newest first, `next_cursor` while there is more; a cursor is opaque. · Danh sách mới nhất trước.
- Of equal keys in a JSON object the last one counts. · Khoá JSON trùng nhau: lấy khoá cuối.
"""
_STATUSES = """\
The `status` of a dossier is one of these numbers (TrangThaiHoSo of the national portal). 3, 7 and 10 are final.

Trạng thái hồ sơ là một trong các số sau, theo Cổng dịch vụ công quốc gia; 3, 7 và 10 là trạng thái kết thúc.
"""
_ACTS = """\
The names are values of `action` in `POST /v1/dossiers/{code}/actions`. What the present status does not allow is
refused with 409 `status.not_allowed`, whose `detail` names the status and the acts that are open; a repeat of the
present status changes nothing. While an offer is open the custodian can but recall it (else 409 `custody.offered`).
`complete` gives custody back to the receiving organ, `withdraw` ends it and closes an open offer.

Tên thao tác là giá trị của trường `action`. Trạng thái không cho phép thì bị từ chối với 409 `status.not_allowed`, kèm
trạng thái hiện tại và các thao tác đang được phép. Khi có đề nghị chuyển đang mở, cơ quan đang giữ chỉ có thể thu hồi
đề nghị. `complete` trả quyền giữ về cơ quan tiếp nhận; `withdraw` chấm dứt quyền giữ.
"""
_CODES = """\
The `code` of a document's status (Decision 28/2018/QĐ-TTg). Of one recipient's handling, what counts (`current`) is the
newest by time that does not fall back behind an earlier one: 01, then 02 or 03, then 04 or 05, then 06, where steps may
be skipped. 02 is final: whatever the recipient tells behind it is kept as history. 13, 15 and 16 are counted apart from
these: the newest of them stands, but a 13 behind 06 does not count.

Mã trạng thái văn bản theo Quyết định 28/2018/QĐ-TTg. Với mỗi nơi nhận, trạng thái xử lý hiện tại (`current`) là trạng
thái mới nhất không lùi bước: 01, rồi 02 hoặc 03, rồi 04 hoặc 05, rồi 06, có thể bỏ qua bước. 02 là cuối cùng: mã báo
sau đó chỉ được lưu trong lịch sử. Các mã 13, 15, 16 tính riêng: mã mới nhất có hiệu lực, nhưng 13 sau 06 không tính.
"""
DESCRIPTION = f"""\
{_TEXT}
## Dossier statuses · Trạng thái hồ sơ

{_STATUSES}
{lists.dossier_statuses()}

## Acts on dossiers · Thao tác trên hồ sơ

{_ACTS}
{lists.dossier_acts()}

## Document status codes · Mã trạng thái văn bản

{_CODES}
{lists.document_statuses()}
"""
TAGS = {
    "dossiers": "An applicant's file, handled by several organs in turn; exactly one has custody at a time. · Hồ sơ "
    "thủ tục hành chính, mỗi lúc một cơ quan giữ.",
    "documents": "Official papers with number and notation, as JSON or edXML, and their statuses. · Văn bản điện tử và "
    "trạng thái xử lý.",
    "attachments": "Files by their SHA-256, put before a body names them. · Tệp đính kèm, tải lên trước khi nêu tên.",
    "inbox": "What is addressed to the organ and not yet acknowledged by this system. · Hộp đến của cơ quan.",
    "transfers": "The journey of one message to its recipients. · Hành trình của một gói tin đến từng nơi nhận.",
    "audit": "Who read what, for administrators. · Nhật ký đọc, dành cho quản trị viên.",
}
OPENAPI = about(program="commune", tags=TAGS)
