"""What a request may be before anything is read of its body: bounds of address and headers, addresses that decode."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from contracts.problems import HubError
from services.kernel.settings import Settings

_WANTED = frozenset(
    {
        b"traceparent",
        b"content-encoding",
        b"content-length",
        b"transfer-encoding",
        b"accept-encoding",
        b"if-none-match",
    }
)
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Settings of the same names; those of a body's size are by route."""

    max_url_bytes: int = 8 * 1024
    max_query_parameters: int = 100
    max_headers: int = 100
    max_header_bytes: int = 32 * 1024
    max_json_depth: int = 64
    body_pause_seconds: float = 30.0
    body_grace_seconds: float = 10.0
    body_bytes_per_second: int = 10_000
    """A body may take the grace and its size at this rate."""


def limits_of(settings: Settings) -> Limits:
    return Limits(**{each.name: getattr(settings, each.name) for each in fields(Limits)})


class Head:
    """The header fields the edge works with, by lower-case name (of repeated ones the list), and how much came."""

    __slots__ = ("count", "fields", "size")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        wanted: dict[bytes, bytes] = {}
        size = count = 0
        for name, value in headers:
            count += 1
            size += len(name) + len(value)
            if name in _WANTED:
                wanted[name] = wanted[name] + b", " + value if name in wanted else value
        self.fields = wanted
        self.size = size
        self.count = count

    def text(self, name: bytes) -> str | None:
        value = self.fields.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def declared_bytes(self) -> int | None:
        """The body's `Content-Length`."""
        value = self.fields.get(b"content-length", b"")
        return int(value) if value.isdigit() else None


def uri_too_long(limits: Limits) -> HubError:
    return HubError("request.uri_too_long", f"an address may have {limits.max_url_bytes} bytes")


def refusal(scope: Scope, head: Head, limits: Limits) -> HubError | None:
    """Why the request is not looked at any further, without parsing what is too large."""
    path, query = scope.get("raw_path") or b"", scope["query_string"]
    if len(path) + len(query) > limits.max_url_bytes:
        return uri_too_long(limits)
    if head.count > limits.max_headers or head.size > limits.max_header_bytes:
        bounds = f"{limits.max_headers} headers, {limits.max_header_bytes} bytes together"
        return HubError("request.headers_too_large", f"a request may have {bounds}")
    if b"%" in path and not _is_text(path, path=True):
        return HubError("request.malformed", "the path is not percent-encoded UTF-8 without control characters")
    if query:
        if query.count(b"&") >= limits.max_query_parameters:
            detail = f"a query may have {limits.max_query_parameters} parameters"
            return HubError("request.malformed", detail)
        if not _is_text(query, path=False):
            return HubError("request.malformed", "the query is not percent-encoded UTF-8 without NUL")
    return None


def _is_text(raw: bytes, *, path: bool) -> bool:
    if not raw.isascii() or _BROKEN.search(raw):
        return False
    if b"%" not in raw:
        return True
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return False
    return "\x00" not in text and not (path and _CONTROL.search(text))
