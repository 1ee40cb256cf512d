"""What the gateway's API page says before its operations."""

from services.kernel.openapi_parts import about

TITLE = "Liên Thông: gateway API"
DESCRIPTION = """\
The hub's middle: tokens and signing keys, the directory of organs, the systems and their rights, and the ledger of
everything that is on its way. Agency systems need the token endpoint and perhaps the directory; the rest is for
operators (`ops`) and administrators (`admin`).

Phần giữa của trục: token và khoá ký, danh mục cơ quan, các hệ thống và quyền của chúng, sổ cái của mọi gói tin. Hệ
thống của cơ quan chỉ cần lấy token và tra danh mục; phần còn lại dành cho vận hành và quản trị.

## What holds everywhere · Quy ước chung

- **Problems**: `application/problem+json` (RFC 9457) with a `code` from a closed list, JSON pointers and a `remedy` in
  both languages; `type` leads to a page that explains the code. · Lỗi luôn có mã, vị trí và cách khắc phục.
- **Organ codes** may be any code or alias of the organ, in any letter case. · Mã cơ quan có thể là mã cũ, mã mới,
  không phân biệt hoa thường.
- **Times**: RFC 3339; shown at +07:00. · Thời gian hiển thị theo giờ Việt Nam.
- **Lists**: `next_cursor` while there is more; a cursor is opaque. · Danh sách phân trang bằng con trỏ.
"""
TAGS = {
    "identity": "Tokens by client credentials and the keys they are signed with. · Cấp token và khoá công khai.",
    "organs": "The dated directory of organs: codes, aliases, levels, homes. · Danh mục cơ quan theo ngày hiệu lực.",
    "systems": "Systems that may call: organs, scopes, secrets, quotas. · Hệ thống được kết nối và quyền hạn.",
    "audit": "Who changed what, and when. · Nhật ký quản trị.",
    "operations": "Transfers of all organs, the health of routes, what does not move and what to do about it. · Theo"
    " dõi gói tin và tuyến liên thông, xử lý các lượt giao bị tắc.",
}
OPENAPI = about(program="gateway", tags=TAGS)
