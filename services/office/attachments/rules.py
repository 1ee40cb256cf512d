"""Who may use an attachment; what HTTP says about a download: which part of it, whether it changed, under what name.

Plain values.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntFlag
from urllib.parse import quote

from contracts.problems import HubError

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,40})-([0-9]{0,40})[ \t]*", re.ASCII | re.IGNORECASE)
_TAG = re.compile(r'[ \t]*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:,|$)')
_NAME_CHARACTERS = "!#$&+-.^_`|~"
"""Of RFC 8187, beside letters and digits."""


class Via(IntFlag):
    """Through what an organ has an attachment it did not put."""

    NOTHING = 0
    DOSSIER = 1
    DOCUMENT = 2


_SCOPES = {"dossier:read": Via.DOSSIER, "document:read": Via.DOCUMENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What an organ has of an attachment: it put it, or has it through something, or both."""

    size: int
    put: bool
    via: Via

    def is_open(self, scopes: Collection[str]) -> bool:
        """To a system of the organ with these scopes: what the organ put to each, other things to those that may read
        what brought them."""
        return self.put or any(via in self.via for scope, via in _SCOPES.items() if scope in scopes)


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from `first` to `last`, both included, of `size`."""

    first: int
    last: int
    size: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def content_range(self) -> str:
        return f"bytes {self.first}-{self.last}/{self.size}"


def span_of(header: str | None, size: int) -> Span | None:
    """The part a `Range` header asks for; None for the whole: no header, several ranges, or none that can be read.

    Raises `request.range_not_satisfiable` for a part that lies outside.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None:
        return None
    begin, end = found.groups()
    if not begin and not end:
        return None
    if not begin:
        if int(end) and not size:  # the last bytes of nothing: all of it
            return None
        first, last = max(size - int(end), 0), size - 1
    else:
        first, last = int(begin), int(end) if end else size - 1
        if end and last < first:
            return None
    if first >= size:
        raise HubError(
            "request.range_not_satisfiable", f"there are {size} bytes", headers={"Content-Range": f"bytes */{size}"}
        )
    return Span(first, min(last, size - 1), size)


def is_current(if_range: str | None, etag: str) -> bool:
    """Whether a part may be given: without `If-Range`, or when it names exactly what is here."""
    return if_range is None or if_range.strip() == etag


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller has it already."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in _TAG.findall(if_none_match)


def disposition(name: str | None, fallback: str) -> str:
    """`Content-Disposition` of a download, under the name or else the fallback; nothing of the name is left that could
    mean something to a header, a path or a reader's eye (controls, marks of direction)."""
    plain = f'attachment; filename="{fallback}"'
    if name is None:
        return plain
    kept = "".join("_" if each in "/\\" or unicodedata.category(each)[0] == "C" else each for each in name).strip(" .")
    return f"{plain}; filename*=UTF-8''{quote(kept, safe=_NAME_CHARACTERS)}" if kept else plain
