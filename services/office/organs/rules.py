"""Whom a caller acts for. Plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from contracts.directory import Directory, is_valid
from contracts.identifiers import organ_key
from contracts.messages.registry import OrganChanged
from contracts.problems import HubError


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """An organ, and the system that speaks for it in this request, with what that system may do."""

    organ: str
    system: str
    traceparent: str = ""
    scopes: frozenset[str] = frozenset()


def choose(organs: Sequence[str], wanted: str | None, directory: Directory, on: date) -> OrganChanged:
    """The organ meant by `X-Organ`, or the only one the system has; `organs` are those of its token."""
    if wanted is None and len(organs) > 1:
        raise HubError("organ.ambiguous")
    if not organs:
        raise HubError("organ.forbidden", "the system has no organ")
    code = organs[0] if wanted is None else wanted
    organ = directory.find(code, on)
    if organ is None:
        raise HubError("organ.forbidden" if wanted else "sender.unknown")
    if wanted is not None and not _speaks_for(organs, organ.code, directory, on):
        raise HubError("organ.forbidden")
    return organ


def require_active(organ: OrganChanged, on: date) -> None:
    """Only an organ that exists at the date and is not suspended writes."""
    if not is_valid(organ, on):
        raise HubError("sender.unknown")
    if organ.suspended:
        raise HubError("sender.suspended")


def _speaks_for(organs: Sequence[str], code: str, directory: Directory, on: date) -> bool:
    key = organ_key(code)
    if any(organ_key(each) == key for each in organs):
        return True
    aliases = (directory.find(each, on) for each in organs)
    return any(each is not None and organ_key(each.code) == key for each in aliases)
