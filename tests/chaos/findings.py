"""What the checker says: findings by kind, and the one line a run ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOLD = ("lost", "double", "disorder", "custody", "changed")
"""Kinds of the last line; an effect applied twice counts as double there."""
ALSO = ("effects", "unfinished", "refused", "mirrors", "failed")


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` leads to the history; empty when it is about none."""

    text: str
    subject: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Report:
    """Findings by kind; a sound run has none."""

    accepted: int
    findings: Mapping[str, Sequence[Finding]]

    @property
    def sound(self) -> bool:
        return not any(self.findings.values())

    def count(self, kind: str) -> int:
        return len(self.findings.get(kind, ()))

    def line(self, name: str, faults: int) -> str:
        counts = {kind: self.count(kind) for kind in TOLD}
        counts["double"] += self.count("effects")
        told = ", ".join(f"{kind} {count}" for kind, count in counts.items())
        return f"{name}: {faults} faults, {self.accepted} accepted, {told}"

    def others(self) -> str:
        """The kinds that the line does not name."""
        return ", ".join(f"{kind} {self.count(kind)}" for kind in ALSO)

    def details(self, most: int = 10) -> str:
        """The first findings of each kind, one a line."""
        return "\n".join(f"{kind}: {each}" for kind, found in self.findings.items() for each in found[:most])
