"""How the exchange speaks with the slices: each slice whose facts travel is one `Door`, joined in `assembly.py`."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from contracts.envelope import Envelope
from contracts.protocol import Stamp, Verdict
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that came by Kafka; `payload` fits its contract. `envelope.recipients` are the organs it is for here."""

    envelope: Envelope
    payload: Mapping[str, Any]

    @property
    def organs(self) -> tuple[str, ...]:
        return self.envelope.recipients


class Addressee(NamedTuple):
    """One effect: effects are keyed by transfer and organ."""

    transfer: str
    organ: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the gateway told about an own fact. `routed`: it was accepted; `verdict`: it was refused; a stamp may come
    with either. The same may be told again, later, or in another order."""

    transfer: str
    subject: str
    holder: str
    type: str
    routed: bool = False
    verdict: Verdict | None = None
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An officer's act on what was handed over; `answer` is the id of the transfer that brought it."""

    transfer: str
    holder: str
    organ: str
    answer: str
    code: str
    at: datetime
    description: str | None = None


Answers = Callable[[Iterable[Answer]], None]
"""Takes officers' acts on own transfers to where these are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a chunk is about, known before anything is read: the subjects of its facts and of what is told, and the
    (subject, transfer) pairs of what is told."""

    subjects: Collection[str]
    told: Collection[tuple[str, str]]


class Visit(Protocol):
    """A slice during one chunk: it reads once and writes once, with all others. Subjects are locked by the caller, in
    sorted order, before the read and until the commit."""

    async def receive(self, conn: Connection, facts: Sequence[Fact], now: datetime) -> Mapping[Addressee, str]:
        """Takes facts in order. Returns the code of refusal of each addressee that cannot take it; transfers, inbox
        items and receipts of all others are written by the exchange."""
        ...

    def mirror(self, stamps: Mapping[str, Stamp]) -> None:
        """Brings what is held of these subjects up to what the gateway made of facts that nobody here receives."""
        ...

    async def take_word(self, conn: Connection, told: Sequence[Told]) -> None:
        """Brings the slice's rows up to what the gateway told about own facts; comes after all facts."""
        ...

    def write(self, writes: Writes) -> None:
        """What became of it all, as far as it is not written yet."""
        ...


class Door(Protocol):
    """A slice as the exchange sees it."""

    types: Collection[str]
    """The message types this slice takes."""

    def kind(self, message_type: str) -> str:
        """Kind of the inbox item: dossier, document or status."""
        ...

    def href(self, subject: str) -> str:
        """Path of the subject in the office API."""
        ...

    def digests(self, fact: Fact) -> Collection[str]:
        """Attachments that must lie in this office before the fact is receipted."""
        ...

    def visit(self, reads: Reads, about: About, answers: Answers) -> Visit:
        """For one chunk; `reads` are run before anything else is asked of the visit."""
        ...

    async def lacking(self, conn: Connection, facts: Sequence[Fact]) -> Mapping[Addressee, str]:
        """Of facts that were answered long ago: the code of refusal of each addressee that holds nothing of the
        subject."""
        ...
