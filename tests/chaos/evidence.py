"""What a chaos run leaves behind for its checker: what was accepted, what was seen, what went wrong. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An accepted transfer. `to`: the organs it is due to by the story, not by what the hub says.

    Facts of one `chain` reach every recipient in the order of `place`. Of the facts of one `race` at most one may
    take effect; one that is not in a race may not be refused.
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


@dataclass(frozen=True, slots=True)
class Unnamed:
    """An act of a race that may have taken effect though no answer named its transfer (the answer was lost with the
    program, or came as a refusal because the act itself had been done before)."""

    subject: str
    type: str
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A transfer as its sender sees it at the end; `deliveries`: organ → state."""

    state: str
    code: str = ""
    deliveries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One inbox item of an organ."""

    id: str
    kind: str
    type: str
    subject: str
    sender: str


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
    """The first answer to a key and a later one, status and body."""

    request: str
    first: tuple[int, bytes]
    again: tuple[int, bytes]


@dataclass(slots=True, kw_only=True)
class Evidence:
    """`inboxes`: organ → items, oldest first. `mirrors`: (organ, code). `histories`: code → the effective transfers
    as the receiving organ's history lists them. `failures` are what loaders met that must not happen."""

    facts: list[Fact] = field(default_factory=list)
    unnamed: list[Unnamed] = field(default_factory=list)
    shown: dict[str, Shown] = field(default_factory=dict)
    inboxes: dict[str, list[Item]] = field(default_factory=dict)
    gateway: dict[str, Mirror] = field(default_factory=dict)
    parties: dict[str, frozenset[str]] = field(default_factory=dict)
    mirrors: dict[tuple[str, str], Mirror] = field(default_factory=dict)
    histories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sightings: set[Sighting] = field(default_factory=set)
    replays: list[Replay] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
