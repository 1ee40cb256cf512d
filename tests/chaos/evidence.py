"""What a chaos run leaves behind for its checker: what was accepted, what was seen, what went wrong. Plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CENTRAL = "G22"
"""The organ behind the national axis: it has no inbox at the hub, the axis itself tells what it got."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An accepted transfer. `to`: the organs it is due to by the story, not by what the hub says.

    Facts of one `chain` reach every recipient in the order of `place`. Of the facts of one `race` at most one may
    take effect; one that is not in a race may not be refused. `document` is the DocumentId of what a document's fact
    is about, `code` that of a status.
    """

    transfer: str
    subject: str
    sender: str
    kind: str
    type: str
    to: frozenset[str]
    chain: str
    place: int
    race: str = ""
    document: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Unnamed:
    """An act of a race that may have taken effect though no answer named its transfer (the answer was lost with the
    program, or came as a refusal because the act itself had been done before)."""

    subject: str
    type: str
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """A document the central organ sent down to an organ: no transfer names it, its DocumentId does."""

    organ: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message the national axis took from the hub, as the axis tells it. `code` is that of a status; `copies`: how
    often the axis carried it to the central organ (twice, when it errs itself), which answers each of them."""

    kind: str
    sender: str
    document: str
    code: str = ""
    copies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A transfer as its sender sees it at the end; `deliveries`: organ → state, `answers`: organ → codes."""

    state: str
    code: str = ""
    deliveries: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One inbox item of an organ. `document` is the DocumentId it names, `code` that of a status."""

    id: str
    kind: str
    type: str
    subject: str
    sender: str
    document: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """State of a dossier, at a party or at the gateway."""

    status: int
    custodian: str
    epoch: int
    version: int
    offer: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """An organ was seen to hold a dossier in an epoch, at any time of the run."""

    code: str
    epoch: int
    organ: str


@dataclass(frozen=True, slots=True)
class Replay:
    """The first answer to a key and a later one: status and digest of the body."""

    request: str
    first: tuple[int, str]
    again: tuple[int, str]
    texts: tuple[str, str] = ("", "")
    """Both bodies, when they differ."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a loader met that must not happen; `subject` when it is about one."""

    what: str
    subject: str = ""

    def __str__(self) -> str:
        return self.what


@dataclass(slots=True, kw_only=True)
class Evidence:
    """`inboxes`: organ → items, oldest first; an item shown again after it was acknowledged is there twice.
    `mirrors` and `words` (who holds it: held, offered, taking, none): (organ, code). `histories`: code → the effective
    transfers as the receiving organ's history lists them. `letters` is None when nobody asked the axis."""

    facts: list[Fact] = field(default_factory=list)
    unnamed: list[Unnamed] = field(default_factory=list)
    outside: list[Outside] = field(default_factory=list)
    letters: list[Letter] | None = None
    shown: dict[str, Shown] = field(default_factory=dict)
    inboxes: dict[str, list[Item]] = field(default_factory=dict)
    gateway: dict[str, Mirror] = field(default_factory=dict)
    parties: dict[str, frozenset[str]] = field(default_factory=dict)
    mirrors: dict[tuple[str, str], Mirror] = field(default_factory=dict)
    words: dict[tuple[str, str], str] = field(default_factory=dict)
    histories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sightings: set[Sighting] = field(default_factory=set)
    replays: list[Replay] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


@dataclass(slots=True)
class Course:
    """How the run went, for its report: what it was told, the faults done, answers by method and status."""

    run: dict[str, Any] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    ends: dict[str, float] = field(default_factory=dict)
    """When load and looking ended, seconds after the start."""

    @property
    def count(self) -> int:
        """Of the faults done; two at once are two."""
        return sum(each["parts"] for each in self.faults)
