"""Places in newest-first lists as callers hold them: opaque text of a time and a key that makes it unique."""

import base64
from datetime import UTC, datetime, timedelta

from contracts.problems import HubError

LONGEST = 200
"""Characters of a cursor; the limit of the query parameter."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def encode(at: datetime, key: str) -> str:
    """The place behind the row of that time and key."""
    text = f"{(at - _EPOCH) // _MICROSECOND}:{key}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str | None) -> tuple[datetime, str] | None:
    """None for the beginning; raises `request.malformed` for what `encode` did not make."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        micros, _, key = text.partition(":")
        place = _EPOCH + int(micros) * _MICROSECOND, key
    except (ValueError, OverflowError):
        place = None
    if place is None or not key or "\0" in key or encode(*place) != cursor:
        raise HubError("request.malformed", "cursor: take it from an answer", pointer="/cursor")
    return place
