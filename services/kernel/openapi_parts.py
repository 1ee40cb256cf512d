"""What the OpenAPI documents of all programs share, as data: version, scopes, security schemes, headers."""

from collections.abc import Mapping
from typing import Any, Final

from services.kernel.settings import DEFAULT_PORTS

Json = dict[str, Any]

VERSION: Final = "1.0.0"
"""Of both interfaces. What is added raises the second number; what would break a caller gets a new path."""
LICENSE: Final = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
SCOPES: Final = {
    "dossier:read": "Read dossiers and their transfers · đọc hồ sơ và gói tin của hồ sơ",
    "dossier:write": "Submit, act on and transfer dossiers; includes reading · nộp, xử lý, chuyển hồ sơ; gồm cả đọc",
    "document:read": "Read documents, their statuses and transfers · đọc văn bản, trạng thái và gói tin của văn bản",
    "document:write": "Send documents and statuses; includes reading · gửi văn bản, trạng thái; gồm cả đọc",
    "inbox:read": "Collect and acknowledge what is addressed to the organ · nhận và xác nhận hộp đến",
    "event:read": "Read event topics · đọc các chủ đề sự kiện",
    "ops": "Operate the hub · vận hành trục",
    "admin": "Administer systems and organs · quản trị hệ thống và cơ quan",
}
SCHEMES: Final[dict[str, Any]] = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "client_id and client_secret, at the token endpoint only · chỉ dùng khi lấy token",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the gateway's `/oauth/token` · token do cổng cấp",
    },
    "oauth2": {
        "type": "oauth2",
        "description": "Client credentials; a token lasts one hour · token có hạn một giờ",
        "flows": {
            "clientCredentials": {
                "tokenUrl": f"http://127.0.0.1:{DEFAULT_PORTS['gateway']}/oauth/token",
                "scopes": SCOPES,
            }
        },
    },
}
_TEXT: Final = {"type": "string"}
HEADERS: Final[dict[str, Any]] = {
    "X-Request-Id": {
        "description": "Names this request in the hub's logs · mã của lần gọi trong nhật ký",
        "schema": _TEXT,
        "example": "0123456789abcdef",
    },
    "Retry-After": {
        "description": "Seconds to wait before the next try · số giây chờ trước khi gọi lại",
        "schema": {"type": "integer", "minimum": 0},
        "example": 2,
    },
    "WWW-Authenticate": {
        "description": "What the token lacks (RFC 6750) · token còn thiếu gì",
        "schema": _TEXT,
        "example": 'Bearer realm="lienthong"',
    },
    "Idempotency-Replayed": {
        "description": "`true` when this is the answer of before · `true` khi trả lại kết quả lần trước",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
    "ETag": {
        "description": "The present version, for `If-Match` and `If-None-Match` · phiên bản hiện tại",
        "schema": _TEXT,
        "example": '"7"',
    },
    "Location": {
        "description": "Where the new resource is read · địa chỉ đọc kết quả",
        "schema": {"type": "string", "format": "uri-reference"},
    },
}
IF_NONE_MATCH: Final[dict[str, Any]] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` seen; 304 while it is still so · ETag đã có",
    "schema": _TEXT,
}
NOT_MODIFIED: Final[dict[str, Any]] = {
    "description": "As it was when the `ETag` of `If-None-Match` was given · không thay đổi",
    "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in ("ETag", "X-Request-Id")},
}
OTHERS: Final = {
    "4XX": ("OtherRefusal", "request.method_not_allowed"),
    "5XX": ("OtherFailure", "system.failed"),
}
"""What any path may answer besides: refusals that no operation lists, and failures."""


def about(*, program: str, tags: Mapping[str, str]) -> Json:
    """What `Web.openapi` says of a program; tags by name, each described in English and Vietnamese."""
    port = DEFAULT_PORTS[program]
    variables = {
        "scheme": {"default": "http", "enum": ["http", "https"], "description": "https outside of one machine"},
        "host": {"default": "127.0.0.1", "description": "Where the program answers"},
        "port": {"default": str(port), "description": f"Local ports: {_local_ports(program)}"},
    }
    server = {"url": "{scheme}://{host}:{port}", "description": "One machine · một máy", "variables": variables}
    named = [{"name": name, "description": text} for name, text in tags.items()]
    return {"servers": [server], "openapi_tags": named, "license_info": LICENSE}


def _local_ports(program: str) -> str:
    shown = ("gateway",) if program == "gateway" else ("province", "district", "commune")
    return ", ".join(f"{name} {DEFAULT_PORTS[name]}" for name in shown)
