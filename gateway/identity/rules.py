"""What a system may be granted, and when signing keys take over from one another. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from contracts.directory import Directory
from contracts.messages.registry import KeyPublished, SystemChanged
from contracts.problems import HubError
from contracts.scopes import SCOPES

TOKEN_SECONDS = 3600
CLOCK_SKEW = timedelta(minutes=5)
"""How far the clocks of the programs may be apart."""
PUBLISH_AHEAD = timedelta(minutes=30)
"""A new key is published this long before the first token is signed with it, so that every office knows it."""

HUB_SCOPES = frozenset({"ops", "admin"})
"""For those who keep the hub itself. They speak for no organ, so that keeping the hub opens no dossier."""
ADMIN = "admin"
RESERVED = frozenset({"me", "gateway", "seed"})
"""Client ids that mean something else in addresses and in the audit."""


def canonical(system: SystemChanged, directory: Directory, on: date) -> SystemChanged:
    """The system with its organs by their canonical codes; refuses organs and scopes that do not exist or do not fit
    together. Organs that ended may be named: what they hold can still be read."""
    organs = []
    for place, code in enumerate(system.organs):
        organ = directory.find(code, on)
        if organ is None:
            raise HubError("request.invalid", "no such organ", pointer=f"/organs/{place}")
        if organ.level != system.level:
            raise HubError("request.invalid", "the organ is of another level", pointer=f"/organs/{place}")
        if organ.home == "axis":
            raise HubError("request.invalid", "the organ is reached over the national axis", pointer=f"/organs/{place}")
        organs.append(organ.code)
    for place, scope in enumerate(system.scopes):
        if scope not in SCOPES:
            raise HubError("request.invalid", "no such scope", pointer=f"/scopes/{place}")
        if scope in HUB_SCOPES and organs:
            raise HubError("request.invalid", "not together with organs", pointer=f"/scopes/{place}")
    changed = {"organs": list(dict.fromkeys(organs)), "scopes": list(dict.fromkeys(system.scopes))}
    return system.model_copy(update=changed)


def administers(system: SystemChanged) -> bool:
    return ADMIN in system.scopes and not system.suspended


def key_is_due(keys: Iterable[KeyPublished], now: datetime, age: timedelta) -> bool:
    """True when the youngest key, also one that is still to come, began so long ago."""
    youngest = max((key.valid_from for key in keys), default=None)
    return youngest is None or youngest + age <= now


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
