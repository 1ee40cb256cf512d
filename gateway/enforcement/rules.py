"""One fact before the checks, and what the checks find out on their way. Plain values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.custody import Dossier, Move
from contracts.envelope import Envelope
from contracts.protocol import Verdict
from gateway.routing.rules import Choices
from gateway.subjects.rules import DocumentState, SubjectState
from gateway.work import Registry


@dataclass(slots=True, kw_only=True)
class Case:
    """Filled as the checks go: the payload once it is valid, the move, the dossier after it."""

    envelope: Envelope
    level: str
    """Level of the topic the fact came in by; `gateway` for the gateway's own doors (axis)."""
    state: SubjectState
    registry: Registry
    documents: Mapping[str, DocumentState] = field(default_factory=dict)
    """Documents of other subjects this fact refers to."""
    payload: dict[str, Any] = field(default_factory=dict)
    sender: str = ""
    recipients: tuple[str, ...] = ()
    move: Move | None = None
    after: Dossier | None = None

    @property
    def choices(self) -> Choices:
        return Choices(self.state.waiting, self.state.chosen, self.registry.decided)

    def refuse(self, step: str, code: str, pointer: str = "") -> Verdict:
        return Verdict(step=step, code=code, pointer=pointer, contract=self.envelope.contract)


Check = Callable[[Case], Verdict | None]
