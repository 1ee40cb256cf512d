"""What a system may be granted, and when signing keys take over from one another. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from contracts.messages.registry import KeyPublished

TOKEN_SECONDS = 3600
CLOCK_SKEW = timedelta(minutes=5)
"""How far the clocks of the programs may be apart."""
PUBLISH_AHEAD = timedelta(minutes=30)
"""A new key is published this long before the first token is signed with it, so that every office knows it."""

SCOPES = frozenset(
    {
        "dossier:read",
        "dossier:write",
        "document:read",
        "document:write",
        "inbox:read",
        "event:read",
        "ops",
        "admin",
    }
)


def expand(scopes: Iterable[str]) -> frozenset[str]:
    """Write includes read."""
    held = set(scopes)
    return frozenset(held | {scope.replace(":write", ":read") for scope in held})


def granted(held: Sequence[str], asked: Sequence[str]) -> list[str] | None:
    """The scopes of a token: all the system holds, or those asked for; None when one of them is not held."""
    if not asked:
        return list(held)
    return list(dict.fromkeys(asked)) if expand(held).issuperset(asked) else None


def signing_key(keys: Iterable[KeyPublished], now: datetime) -> KeyPublished | None:
    """The youngest key in use; a token signed with it now does not outlive it."""
    in_use = [key for key in keys if key.valid_from <= now and _outlives(key, now)]
    return max(in_use, key=lambda key: (key.valid_from, key.kid), default=None)


def last_day(successor_from: datetime) -> datetime:
    """Until when a replaced key must verify: until the last token signed with it has run out everywhere."""
    return successor_from + timedelta(seconds=TOKEN_SECONDS) + CLOCK_SKEW


def _outlives(key: KeyPublished, now: datetime) -> bool:
    return key.valid_to is None or key.valid_to >= now + timedelta(seconds=TOKEN_SECONDS)
