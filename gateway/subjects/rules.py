"""State of one subject while a chunk is decided: counters, dossier or document. Plain values."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from contracts.custody import Dossier


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentState:
    """What the document rules need: who sent it, to whom it is due, and the transfer that issued it."""

    sender: str
    document_id: str
    issued_source: str
    issued_id: str
    recipients: tuple[str, ...]
    code: str = ""
    promulgated_on: str = ""

    def reaching(self, organs: Iterable[str]) -> "DocumentState":
        """The document with these among its recipients. Nobody is ever taken off: who is to give it back answers."""
        return replace(self, recipients=tuple(dict.fromkeys([*self.recipients, *organs])))


@dataclass(slots=True, kw_only=True)
class SubjectState:
    """Mutable on purpose: a chunk's facts change it in order, then it is saved once."""

    subject: str
    emitters: dict[str, int] = field(default_factory=dict)
    hops: dict[str, int] = field(default_factory=dict)
    dossier: Dossier | None = None
    document: DocumentState | None = None
    waiting: dict[str, int] = field(default_factory=dict)
    """Closed organs whose successor a person must choose, with the last place in the subject's line of what waits."""
    chosen: dict[str, str] = field(default_factory=dict)
    """Successors that were chosen for this subject, by the closed organ."""
    changed: set[str] = field(default_factory=set)

    def last(self, emitter: str) -> int:
        return self.emitters.get(emitter, 0)

    def take(self, emitter: str, sequence: int) -> None:
        self.emitters[emitter] = sequence
        self.changed.add("emitters")

    def next_hop(self, office: str) -> int:
        """Gapless per (subject, office); sound because the subject's row is locked while a chunk is decided."""
        self.hops[office] = self.hops.get(office, 0) + 1
        self.changed.add("hops")
        return self.hops[office]

    def wait(self, organ: str) -> int:
        """The next place in the subject's line; in order of the ledger, since the row is locked."""
        self.waiting[organ] = max(self.waiting.values(), default=0) + 1
        return self.waiting[organ]

    def set_dossier(self, dossier: Dossier) -> None:
        self.dossier = dossier
        self.changed.add("dossier")

    def set_document(self, document: DocumentState) -> None:
        self.document = document
        self.changed.add("document")
