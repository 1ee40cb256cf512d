"""Places in lists as callers hold them: opaque text that fits the list it was given out by, under the same filters.

Newest-first lists keep a time and a key that makes it unique; others what they like.
"""

import base64
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from contracts.problems import HubError

LONGEST = 200
"""Characters of a cursor; the limit of the query parameter."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MARK = 8


def scope(name: str, *filters: object) -> str:
    """What a cursor is bound to: the list and its filters, the same text for what means the same."""
    return "\n".join([name, *(_plain(each) for each in filters)])


def seal(place: str, scope: str) -> str:
    """The place as the caller is given it."""
    text = f"{_mark(scope)}{place}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unseal(cursor: str, scope: str) -> str:
    """Raises `request.malformed` for what `seal` did not make for this list and these filters."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        text = ""
    place = text[_MARK:]
    if not place or "\0" in place or seal(place, scope) != cursor:
        raise foreign()
    return place


def encode(at: datetime, key: str, scope: str) -> str:
    """The place behind the row of that time and key."""
    return seal(f"{(at - _EPOCH) // _MICROSECOND}:{key}", scope)


def decode(cursor: str | None, scope: str) -> tuple[datetime, str] | None:
    """None for the beginning; raises `request.malformed` for what `encode` did not make for this list and filters."""
    if cursor is None:
        return None
    micros, _, key = unseal(cursor, scope).partition(":")
    try:
        place = _EPOCH + int(micros) * _MICROSECOND, key
    except (ValueError, OverflowError):
        raise foreign() from None
    if not key or encode(*place, scope) != cursor:
        raise foreign()
    return place


def foreign() -> HubError:
    """The problem of a cursor that is none of this list."""
    return HubError(
        "request.malformed", "cursor: take it from an answer of this list with the same filters", pointer="/cursor"
    )


def _mark(scope: str) -> str:
    return sha256(scope.encode()).hexdigest()[:_MARK]


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, frozenset | set | tuple | list):
        return ",".join(sorted(str(each) for each in value))
    return "" if value is None else str(value)
