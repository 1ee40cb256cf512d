"""Which faults a run does, when and for how long: drawn from a seed alone, so that the seed repeats them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

Form = Literal["short", "campaign"]
Card = tuple[str, str]
"""Kind and target."""
Span = tuple[float, float]

OFFICES: Final = ("province", "district", "commune")
PROGRAMS: Final = ("gateway", *OFFICES)
PARTS: Final = (*PROGRAMS, "postgres", "kafka", "axis")
DISKS: Final = PROGRAMS
TOPICS: Final = tuple(f"{leg}.{level}" for level in OFFICES for leg in ("ingest", "deliver"))
AXIS_FAULTS: Final = ("500", "hang", "twice", "lose_answer")
WIPES: Final = ("kafka", "kafka live")

KILLS_IN_A_DECK: Final = 3
DECKS_FOR_THE_REST: Final = 4
"""What is not a kill of a program or an outage is dealt over so many decks: an hour must hold enough kills."""
BESIDE_SHARE: Final = 0.2
"""Of those that can have another beside them; some cannot, so it is about one in six of all."""
TOGETHER: Final = "two at once"

_LASTING: Final = ("freeze", "outage")
_SHORT: Final[dict[str, Span]] = {
    "kill": (0.5, 2),
    "freeze": (2, 5),
    "outage": (5, 5),
    "wipe": (0.5, 2),
    "second": (0.5, 2),
    "second office": (0.5, 2),
    "full disk": (2, 3),
    "axis hang": (2, 4),
}
_OPENING: Final = _SHORT | {"kill": (0.5, 5), "freeze": (5, 12), "outage": (20, 45), "axis hang": (5, 15)}
_LATER: Final = _OPENING | {"freeze": (5, 40), "outage": (60, 180), "axis hang": (5, 70), "full disk": (2, 8)}
_AFTER_SHORT: Final = (2, 6)
_AFTER: Final = (5, 25)


@dataclass(frozen=True, slots=True)
class Fault:
    """`seconds`: how long the target is away, stopped or held; 0 where that has no meaning. `after`: facts to be
    accepted since the last recovery before it begins. `beside` begins while it holds and has no other beside it."""

    number: int
    kind: str
    target: str
    seconds: float
    after: int
    beside: Fault | None = None

    @property
    def parts(self) -> tuple[Fault, ...]:
        """Each by itself."""
        return (replace(self, beside=None), *((self.beside,) if self.beside else ()))

    @property
    def name(self) -> str:
        return " + ".join(part.alone for part in self.parts)

    @property
    def alone(self) -> str:
        lasting = self.kind in _LASTING or (self.kind, self.target) == ("axis", "hang")
        return f"{self.kind} {self.target} {self.seconds:g} s" if lasting else f"{self.kind} {self.target}"

    @property
    def group(self) -> str:
        """What recovery times are told by; two at once have a group of their own."""
        return TOGETHER if self.beside else f"{self.kind} {self.target}"


def plan(seed: str, *, form: Form) -> Iterator[Fault]:
    """`short`: every kind and target once. `campaign` never ends: every kind once, then decks in which each program is
    killed three times."""
    rng = random.Random(f"{seed} {form}")
    if form == "short":
        yield from _short(rng)
        return
    number = 0
    for fault in _dealt(rng, _opening(rng), _OPENING):
        number += 1
        yield replace(fault, number=number)
    while True:
        for deck in _decks(rng):
            for fault in _dealt(rng, deck, _LATER):
                number += 1
                yield replace(fault, number=number)


def _short(rng: random.Random) -> Iterator[Fault]:
    """Every kind and target once, most of them two by two: what does not touch the other begins beside it."""
    cards = _shuffled(rng, [*_kills(), *_servers(), *_rest(), ("outage", "kafka")])
    number = 0
    while cards:
        first = cards.pop(0)
        number += 1
        fault = replace(_fault(rng, first, _SHORT, _AFTER_SHORT), number=number)
        other = next((card for card in cards if _may_be_beside(first, card)), None)
        if other is not None:
            cards.remove(other)
            fault = replace(fault, beside=replace(_fault(rng, other, _SHORT, (0, 0)), number=number))
        yield fault


def _opening(rng: random.Random) -> list[Card]:
    """Every kind once; where a kind has several targets of a sort, one of them."""
    cards: list[Card] = [
        ("kill", "gateway"),
        ("kill", rng.choice(OFFICES)),
        *_servers(),
        ("kill", "axis"),
        ("freeze", rng.choice(PROGRAMS)),
        ("freeze", "postgres"),
        ("freeze", "kafka"),
        ("freeze", "axis"),
        ("outage", "kafka"),
        *(("wipe", target) for target in WIPES),
        ("second", "gateway"),
        ("second office", rng.choice(OFFICES)),
        *(("axis", target) for target in AXIS_FAULTS),
        ("full disk", rng.choice(DISKS)),
        *(("poison", f"{leg}.{rng.choice(OFFICES)}") for leg in ("ingest", "deliver")),
    ]
    return _shuffled(rng, cards)


def _decks(rng: random.Random) -> Iterator[list[Card]]:
    """A round: every kind and target in one of its decks, the kills of the programs and an outage in each."""
    rest = _shuffled(rng, [*_servers(), *_rest()])
    for place in range(DECKS_FOR_THE_REST):
        kills = [card for card in _kills() for _ in range(KILLS_IN_A_DECK)]
        yield _shuffled(rng, [*kills, ("outage", "kafka"), *rest[place::DECKS_FOR_THE_REST]])


def _kills() -> list[Card]:
    return [("kill", name) for name in PROGRAMS]


def _servers() -> list[Card]:
    return [("kill", "postgres"), ("kill", "kafka")]


def _rest() -> list[Card]:
    return [
        ("kill", "axis"),
        *(("freeze", name) for name in PARTS),
        *(("wipe", target) for target in WIPES),
        ("second", "gateway"),
        *(("second office", level) for level in OFFICES),
        *(("axis", target) for target in AXIS_FAULTS),
        *(("full disk", level) for level in DISKS),
        *(("poison", topic) for topic in TOPICS),
    ]


def _dealt(rng: random.Random, cards: Sequence[Card], spans: dict[str, Span]) -> Iterator[Fault]:
    """In this order; about one in six with another beside it, which comes on top of the deck."""
    for card in cards:
        fault = _fault(rng, card, spans, _AFTER)
        others = [other for other in [*_kills(), *_servers(), *_rest()] if _may_be_beside(card, other)]
        if others and rng.random() < BESIDE_SHARE:
            fault = replace(fault, beside=_fault(rng, rng.choice(others), spans, (0, 0)))
        yield fault


def _fault(rng: random.Random, card: Card, spans: dict[str, Span], after: tuple[int, int]) -> Fault:
    kind, target = card
    low, high = spans.get(kind, spans.get(f"{kind} {target}", (0.0, 0.0)))
    return Fault(0, kind, target, round(rng.uniform(low, high), 1), rng.randint(*after))


def _may_be_beside(card: Card, other: Card) -> bool:
    """Two that touch nothing in common; a second instance must come up, so it comes alone."""
    alone = ("second", "second office")
    if card[0] in alone or other[0] in (*alone, "outage", "wipe"):
        return False
    return not (_touched(card) & _touched(other))


def _touched(card: Card) -> frozenset[str]:
    kind, target = card
    match kind:
        case "wipe":
            return frozenset({"kafka", "gateway", "district"} if target == "kafka" else {"kafka"})
        case "poison":
            # it is put with a client of its own, and looked for in the database
            return frozenset({"kafka", "postgres", target})
        case "axis":
            return frozenset({"axis"})
        case "full disk":
            # it is shown by uploads, which need the whole office
            return frozenset({"postgres", target, f"disk {target}"})
        case _:
            return frozenset({target})


def _shuffled(rng: random.Random, cards: Sequence[Card]) -> list[Card]:
    return rng.sample(cards, len(cards))
