"""What the API page of an office says before its operations; the same at every level."""

from services.kernel.openapi_parts import about

TITLE = "Liên Thông: office API"
DESCRIPTION = """\
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
