"""Plans who gets a message and by which way: a function of recipients, date and organ registry. Pure.

Direct delivery is the rule: one hop to the office of each recipient's level. Stores and sends nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from contracts.directory import SUSPENDED, UNDECIDED, UNKNOWN, Directory, Resolution
from contracts.identifiers import organ_key
from contracts.levels import OFFICE_LEVELS, Level
from contracts.messages.registry import OrganChanged

Via = Literal["office", "axis", "vxp"]


@dataclass(frozen=True, slots=True)
class Choices:
    """Closed organs of a subject beyond the registry: for which something waits, whom people chose for this subject,
    and whom for everything of the organ."""

    waiting: Collection[str] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)
    decided: Mapping[str, str] = field(default_factory=dict)


NO_CHOICES = Choices()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """The way to one organ. `organ` is its canonical code; for an unknown recipient the code as written.

    `written` keeps what the sender wrote, every spelling that led here. Undecided: `organ` is the closed one whose
    successor a person must choose, and the way is not known yet. `level` is None only when the recipient is unknown.
    """

    written: tuple[str, ...]
    organ: str
    level: Level | None = None
    via: Via = "office"
    redirected_from: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One record to the office of one level."""

    level: Level
    legs: tuple[Leg, ...]

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(leg.organ for leg in self.legs)


@dataclass(frozen=True, slots=True)
class Route:
    """Every recipient once, in the order first written; together the properties give each leg exactly once."""

    sender: str
    legs: tuple[Leg, ...]

    @property
    def hops(self) -> tuple[Hop, ...]:
        """Legs to offices, a hop a level, from the province down."""
        grouped = {level: self._open("office", level) for level in OFFICE_LEVELS}
        return tuple(Hop(level, legs) for level, legs in grouped.items() if legs)

    @property
    def axis(self) -> tuple[Leg, ...]:
        return self._open("axis")

    @property
    def undecided(self) -> tuple[Leg, ...]:
        """These wait for a person; they are not refused."""
        return tuple(leg for leg in self.legs if leg.problem == UNDECIDED)

    @property
    def refused(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.legs if leg.problem not in (None, UNDECIDED))

    def _open(self, via: Via, level: Level | None = None) -> tuple[Leg, ...]:
        chosen = (leg for leg in self.legs if leg.problem is None and leg.via == via)
        return tuple(leg for leg in chosen if level is None or leg.level == level)


def route(
    sender: str,
    recipients: Iterable[str],
    on: date,
    directory: Directory,
    *,
    offices_only: bool = False,
    choices: Choices = NO_CHOICES,
) -> Route:
    """Recipients that turn out to be one organ are one leg. A dossier goes to offices only, whatever the home.

    What goes to a closed organ for which something of this subject waits goes behind it, whatever the registry says
    by now: it would overtake.
    """
    legs: dict[str, Leg] = {}
    for written in recipients:
        found = directory.resolve(written, on, chosen=choices.chosen, decided=choices.decided)
        leg = _held_up(written, found, on, directory, choices) or _leg(written, found, offices_only=offices_only)
        key = organ_key(leg.organ)
        legs[key] = _fold(legs[key], leg) if key in legs else leg
    from_organ = directory.find(sender, on)
    return Route(from_organ.code if from_organ else sender.strip(), tuple(legs.values()))


def lead(organ: str, successor: str, on: date, directory: Directory, *, offices_only: bool = False) -> Leg | None:
    """The way to the successor chosen for a closed organ, with its problem if it cannot be reached; None when the
    registry does not have it among those who may receive in the organ's place."""
    closed, heir = directory.find(organ, on), directory.find(successor, on)
    if closed is None or heir is None or heir.code not in directory.heirs(closed, on):
        return None
    leg = _leg(organ, directory.resolve(heir.code, on), offices_only=offices_only)
    return replace(leg, redirected_from=None if leg.organ == closed.code else closed.code)


def _held_up(written: str, found: Resolution, on: date, directory: Directory, choices: Choices) -> Leg | None:
    codes = (*found.passed, *((found.organ.code,) if found.organ else ()))
    held = next((code for code in codes if code in choices.waiting), None)
    organ = None if held is None else directory.find(held, on)
    if organ is None:
        return None
    before = found.passed[0] if found.passed and found.passed[0] != organ.code else None
    return _leg(written, Resolution(organ, UNDECIDED, before), offices_only=True)


def _leg(written: str, resolution: Resolution, *, offices_only: bool) -> Leg:
    organ = resolution.organ
    if organ is None:
        return Leg(written=(written,), organ=written.strip(), problem=resolution.problem)
    via = _via(organ, offices_only=offices_only or resolution.problem == UNDECIDED)
    return Leg(
        written=(written,),
        organ=organ.code,
        level=organ.level,
        via=via,
        redirected_from=resolution.redirected_from,
        problem=resolution.problem or _unreachable(organ.level, via),
    )


def _via(organ: OrganChanged, *, offices_only: bool) -> Via:
    if offices_only:
        return "office"
    return "axis" if organ.level not in OFFICE_LEVELS else organ.home


def _unreachable(level: Level, via: Via) -> str | None:
    """There is no mailbox for `vxp` and no office of the central level to hand anything to."""
    if via == "vxp":
        return SUSPENDED
    return UNKNOWN if via == "office" and level not in OFFICE_LEVELS else None


def _fold(first: Leg, second: Leg) -> Leg:
    """The redirect note is kept, so that a sender who wrote the closed code learns who got it."""
    return replace(
        first,
        written=tuple(dict.fromkeys(first.written + second.written)),
        redirected_from=first.redirected_from or second.redirected_from,
    )
