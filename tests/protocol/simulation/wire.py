"""What travels in the simulated log: plain values, never changed once sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from contracts.custody import Move, Refusal
from contracts.protocol import DeliveryState, Stamp

SUBMIT = "submit"
VOID = "void"
PAPER = "paper"

States = tuple[tuple[str, DeliveryState], ...]


class Mistake(StrEnum):
    """Rules left out on purpose, each of which the checks must find."""

    SILENT_DUPLICATE = "skip a duplicate without answering"
    PARKED_GAP = "park a gap"
    VERSIONLESS_STAMP = "take the stamp that arrived last"
    UNLOCKED_HOP = "draw hop numbers without the lock"
    SINGLE_RESEND = "resend entry by entry"
    BARE_SNAPSHOT = "trust the giver's snapshot alone"
    DEAF_CLOSE = "leave a closed delivery closed, whatever its office did"
    HASTY_CLOSE = "tell the sender of a closed delivery before its hop is receipted"
    ENDLESS_GUARD = "wait for a reader that never committed anything"
    STARTLESS_GUARD = "wait for what expired before it was read"
    OVERTAKING = "send what comes once the registry has decided past what still waits for a person"
    UNSORTED_LOCKS = "take row locks in order of arrival"


class Violation(AssertionError):
    """A promise of the protocol was broken."""

    def __init__(self, promise: str, seen: object) -> None:
        super().__init__(f"{promise}: {seen}")
        self.promise = promise


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the giver of a dossier tells an organ new to it: who takes part, and the facts known to be accepted."""

    receiver: str
    parties: tuple[str, ...]
    history: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """`action` is one of the dossier's, SUBMIT, VOID, or PAPER: a fact about a document, which names its recipients."""

    id: str
    source: str
    subject: str
    sender: str
    sequence: int
    action: str
    move: Move | None = None
    deciding: str = ""
    recipients: tuple[str, ...] = ()
    readable: bool = True
    sendable: bool = True
    snapshot: Snapshot | None = None

    @property
    def emitter(self) -> str:
        return f"{self.source}|{self.sender}"

    def digest(self) -> bytes:
        return f"{self.id}{self.action}{self.move}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """One hop's record on its way to an office; without organs it is `delivery.voided`."""

    subject: str
    office: str
    hop: int
    fact: Fact
    organs: tuple[str, ...]
    stamp: Stamp | None


@dataclass(frozen=True, slots=True)
class Handed:
    """An office's receipt for one hop: a result per organ it applied the record to."""

    office: str
    subject: str
    hop: int
    results: States


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The gateway's receipt on one transfer. `routed` lists every delivery, `handed-over` only those that changed."""

    source: str
    id: str
    subject: str
    kind: str
    deliveries: States = ()
    refusal: Refusal | None = None
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Receipts to one office in one record."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """`control.resend-requested`: everything of (subject, emitter) from this number on; emitter is an office's name
    when the hops to it are asked for."""

    subject: str
    emitter: str
    first: int


Message = Fact | Carried | Handed | Batch | Ask


def subjects_of(messages: Iterable[Message]) -> list[str]:
    """Subjects whose rows a transaction over these messages locks, in order of arrival."""
    found: dict[str, None] = {}
    for message in messages:
        parts = message.answers if isinstance(message, Batch) else (message,)
        found |= dict.fromkeys(part.subject for part in parts)
    return list(found)
