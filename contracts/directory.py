"""Which organ a code means at a date: aliases, validity, closed organs and their successors. Pure.

Filled from `registry.organ`. What becomes of the recipients of a message is the gateway's routing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Self, overload

from contracts.identifiers import organ_key
from contracts.messages.registry import OrganChanged

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Without daylight saving since 1975: the fixed offset needs no zone data on the machine."""

UNKNOWN = "recipient.unknown"
SUSPENDED = "recipient.suspended"
UNDECIDED = "recipient.undecided"

NOTHING_CHOSEN: Mapping[str, str] = MappingProxyType({})

OWN_CODE = 0
ALIAS = 1


def local_date(moment: datetime) -> date:
    """The day validity is judged by."""
    return moment.astimezone(VIETNAM).date()


@overload
def shown(moment: datetime) -> str: ...
@overload
def shown(moment: datetime | None) -> str | None: ...
def shown(moment: datetime | None) -> str | None:
    """RFC 3339 in Vietnamese time, as every answer tells a moment."""
    return None if moment is None else moment.astimezone(VIETNAM).isoformat(timespec="milliseconds")


def is_valid(organ: OrganChanged, on: date) -> bool:
    return _covers(organ.valid_from, organ.valid_to, on)


def is_closed(organ: OrganChanged, on: date) -> bool:
    return organ.valid_to is not None and organ.valid_to <= on


@dataclass(frozen=True, slots=True)
class Resolution:
    """`problem` is None or why nothing can be sent there.

    `organ` is who receives; the suspended organ; or, undecided, the closed organ whose successor must be chosen.
    It is None exactly when the recipient is unknown. `redirected_from` is the closed code written in its place.
    `passed` are the closed organs on the way, by their own codes.
    """

    organ: OrganChanged | None = None
    problem: str | None = None
    redirected_from: str | None = None
    passed: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class _Name:
    """One way to write an organ's code, from when (inclusive) to when (exclusive).

    `forever`: it was in use until the organ ended, so it goes on meaning the closed organ.
    """

    rank: int
    written: str
    organ: str
    valid_from: date | None
    valid_to: date | None
    forever: bool
    closed: bool = False

    @property
    def precedence(self) -> tuple[int, int, str]:
        """Total, so that the order organs arrive in never matters: own code, then the youngest alias."""
        return self.rank, -(self.valid_from or date.min).toordinal(), self.organ


class Directory:
    """Organs by code and alias. `copy` is cheap: change a copy and swap it in where others read meanwhile."""

    def __init__(self) -> None:
        self._organs: dict[str, OrganChanged] = {}
        self._names: dict[str, tuple[_Name, ...]] = {}

    @classmethod
    def from_organs(cls, organs: Iterable[OrganChanged]) -> Self:
        directory = cls()
        for organ in organs:
            directory.put(organ)
        return directory

    def copy(self) -> "Directory":
        twin = Directory()
        twin._organs = self._organs.copy()
        twin._names = self._names.copy()
        return twin

    def __len__(self) -> int:
        return len(self._organs)

    def __iter__(self) -> Iterator[OrganChanged]:
        return iter(self._organs.values())

    def put(self, organ: OrganChanged) -> bool:
        """Takes the organ when it is newer than the one held; tells whether it did."""
        key = organ_key(organ.code)
        held = self._organs.get(key)
        if held is not None and held.version >= organ.version:
            return False
        if held is not None:
            for written in {organ_key(name.written) for name in _names(held)}:
                self._drop(written, key)
        self._organs[key] = organ
        for name in _names(organ):
            written = organ_key(name.written)
            self._names[written] = tuple(sorted((*self._names.get(written, ()), name), key=_precedence))
        return True

    def find(self, code: str, on: date) -> OrganChanged | None:
        """Who the code means at the date, whether or not that organ exists then.

        A code and its organ's aliases keep their meaning after the organ closed, unless another organ bears the same
        code at the date; an alias given up earlier means nobody any more.
        """
        name = self._name(code, on)
        return None if name is None else self._organs[name.organ]

    def resolve(
        self,
        code: str,
        on: date,
        *,
        chosen: Mapping[str, str] = NOTHING_CHOSEN,
        decided: Mapping[str, str] = NOTHING_CHOSEN,
    ) -> Resolution:
        """Who receives what is written to this code at the date; follows the successors of closed organs.

        Successors that people chose, by the closed organ's own code: `chosen` ones go before the registry, `decided`
        ones count where it leaves the choice open, as long as they are among the heirs.
        """
        name = self._name(code, on)
        if name is None:
            return _NOBODY
        organ: OrganChanged | None = self._organs[name.organ]
        redirected_from = name.written if name.closed else None
        passed: tuple[str, ...] = ()
        while organ is not None and is_closed(organ, on):
            redirected_from = redirected_from or organ.code
            passed += (organ.code,)
            successor = chosen.get(organ.code) or _successor(organ) or self._heir(organ, decided.get(organ.code), on)
            if successor is None and organ.successors:
                before = None if redirected_from == organ.code else redirected_from
                return Resolution(organ, UNDECIDED, before, passed)
            organ = None if successor is None else self.find(successor, on)
            if organ is not None and organ.code in passed:
                return _NOBODY
        if organ is None or not is_valid(organ, on):
            return _NOBODY
        return Resolution(organ, SUSPENDED if organ.suspended else None, redirected_from, passed)

    def heirs(self, organ: OrganChanged, on: date) -> frozenset[str]:
        """Own codes of those who may receive in the organ's place: its successors and whom these lead to, or the organ
        itself when it exists at the date after all."""
        if is_valid(organ, on):
            return frozenset({organ.code})
        named = (self.find(code, on) for code in organ.successors)
        led_to = (self.resolve(code, on) for code in organ.successors)
        return frozenset({heir.code for heir in named if heir} | {heir.organ.code for heir in led_to if heir.organ}) - {
            organ.code
        }

    def _heir(self, organ: OrganChanged, code: str | None, on: date) -> str | None:
        return code if code is not None and code in self.heirs(organ, on) else None

    def superior(self, code: str, on: date) -> OrganChanged | None:
        """The registered superior at the date; the youngest entry when several overlap."""
        organ = self.find(code, on)
        if organ is None:
            return None
        valid = [fact for fact in organ.superiors if _covers(fact.valid_from, fact.valid_to, on)]
        if not valid:
            return None
        chosen = max(valid, key=lambda fact: (fact.valid_from or date.min, fact.organ))
        return self.find(chosen.organ, on)

    def _name(self, code: str, on: date) -> _Name | None:
        """The name valid at the date; else the one that ended with its organ; else an organ still to come."""
        ended: _Name | None = None
        coming: _Name | None = None
        for name in self._names.get(organ_key(code), ()):
            if _covers(name.valid_from, name.valid_to, on):
                return name
            if name.valid_to is not None and name.valid_to <= on:
                ended = ended or (name if name.forever else None)
            else:
                coming = coming or (name if name.rank == OWN_CODE else None)
        return ended or coming

    def _drop(self, written: str, organ: str) -> None:
        left = tuple(name for name in self._names.get(written, ()) if name.organ != organ)
        if left:
            self._names[written] = left
        else:
            self._names.pop(written, None)


_NOBODY = Resolution(problem=UNKNOWN)


def _precedence(name: _Name) -> tuple[int, int, str]:
    return name.precedence


def _covers(valid_from: date | None, valid_to: date | None, on: date) -> bool:
    return (valid_from is None or valid_from <= on) and (valid_to is None or on < valid_to)


def _names(organ: OrganChanged) -> Iterator[_Name]:
    """An alias means its organ at most as long as the organ exists."""
    key = organ_key(organ.code)
    start, end = organ.valid_from, organ.valid_to
    yield _Name(OWN_CODE, organ.code, key, start, end, forever=True)
    for alias in organ.aliases:
        begins = max(filter(None, (alias.valid_from, start)), default=None)
        ends = min(filter(None, (alias.valid_to, end)), default=None)
        yield _Name(ALIAS, alias.code, key, begins, ends, forever=ends == end, closed=alias.kind == "closed")


def _successor(organ: OrganChanged) -> str | None:
    """The one that takes over; None when there is none, or a person must choose."""
    if organ.default_successor is not None:
        return organ.default_successor
    distinct = {organ_key(code) for code in organ.successors}
    return organ.successors[0] if len(distinct) == 1 else None
