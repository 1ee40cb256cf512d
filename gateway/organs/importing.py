"""What a sheet would do to the directory, line by line: judged against the organs and against its other lines. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.identifiers import organ_key
from contracts.messages.registry import OrganChanged
from gateway.organs.rules import Fault, Scene, brought, canonical, judge, references
from gateway.organs.sheet import CellFault, Row, column_of, entry

MAX_REPORTED = 1000
MAX_ROUNDS = 20
"""Refusing a line may break another one. A sheet that goes on like that is refused in what is left."""

CREATED, CHANGED, UNCHANGED, REFUSED = "created", "changed", "unchanged", "refused"
LEANS = "names an organ of a line that is refused"


@dataclass(slots=True)
class Line:
    """One line and what becomes of it; `organ` is the entry it makes, absent when it cannot be read."""

    row: Row
    key: str
    held: OrganChanged | None = None
    organ: OrganChanged | None = None
    outcome: str = UNCHANGED
    faults: Sequence[CellFault] = ()

    def refuse(self, *faults: CellFault) -> None:
        self.outcome, self.faults = REFUSED, faults

    @property
    def stands(self) -> bool:
        return self.outcome != REFUSED


class Plan:
    """The lines, judged. With `partial` the good ones can be stored without the refused ones; else they are judged as
    if those were good, so that one mistake is told once."""

    def __init__(self, rows: Iterable[Row], organs: Iterable[OrganChanged], *, partial: bool) -> None:
        self._present = {organ_key(organ.code): organ for organ in organs}
        self._partial = partial
        self._before: Scene | None = None  # made when it is needed, which is seldom
        self.lines = [self._read(row) for row in rows]
        self._refuse_repeated()
        rounds = 0
        while self._judge() and partial:
            rounds += 1
            if rounds == MAX_ROUNDS:
                for line in self.lines:
                    if line.outcome in (CREATED, CHANGED):
                        line.refuse(CellFault("", "correct the refused lines first"))
                break

    @property
    def entries(self) -> list[OrganChanged]:
        """What is to be stored."""
        return [line.organ for line in self.lines if line.outcome in (CREATED, CHANGED) and line.organ is not None]

    @property
    def refused(self) -> int:
        return sum(not line.stands for line in self.lines)

    def report(self, *, dry_run: bool) -> dict[str, Any]:
        """Counts, and the lines that are refused or change something: the refused ones first, each kind in order."""
        counts = Counter(line.outcome for line in self.lines)
        told = [line for line in self.lines if line.outcome != UNCHANGED]
        told.sort(key=lambda line: line.stands)
        return {
            "dry_run": dry_run,
            "lines": len(self.lines),
            **{outcome: counts[outcome] for outcome in (CREATED, CHANGED, UNCHANGED, REFUSED)},
            "report": [_shown(line) for line in told[:MAX_REPORTED]],
            "omitted": max(0, len(told) - MAX_REPORTED),
        }

    def _read(self, row: Row) -> Line:
        key = organ_key(row.cells.get("code", ""))
        line = Line(row, key, self._present.get(key))
        if row.faults:
            line.refuse(*row.faults)
            return line
        made = entry(row, line.held)
        if isinstance(made, OrganChanged):
            line.organ = made
        else:
            line.refuse(*made)
        return line

    def _refuse_repeated(self) -> None:
        first: dict[str, Line] = {}
        for line in self.lines:
            if line.key and first.setdefault(line.key, line) is not line:
                line.organ = None
                line.refuse(CellFault("code", f"is in line {first[line.key].row.line} already"))

    def _judge(self) -> bool:
        """One look at every line that stands; tells whether any was refused."""
        standing = [line for line in self.lines if line.stands]
        scene = self._scene(standing)
        refused = False
        for line in standing:
            assert line.organ is not None
            line.organ = canonical(line.organ, scene)
            scene.organs[line.key] = line.organ
        for line in standing:
            assert line.organ is not None
            line.outcome = CREATED if line.held is None else UNCHANGED if line.organ == line.held else CHANGED
            if line.outcome != UNCHANGED and (faults := self._faults(line, line.organ, scene)):
                line.refuse(*(_cell(fault) for fault in faults))
                refused = True
        return (self._refuse_leaning() if self._partial else False) or refused

    def _faults(self, line: Line, organ: OrganChanged, scene: Scene) -> list[Fault]:
        faults = judge(organ, scene, line.held)
        if faults and line.held is not None:
            self._before = self._before or Scene(self._present.values())
            faults = brought(faults, organ, line.held, self._before)
        return faults

    def _scene(self, standing: Sequence[Line]) -> Scene:
        replaced = {line.key for line in standing}
        others = [organ for key, organ in self._present.items() if key not in replaced]
        promised = [line.key for line in self.lines if not line.stands]
        return Scene([*others, *(line.organ for line in standing if line.organ is not None)], promised)

    def _refuse_leaning(self) -> bool:
        """Lines that name an organ which is not to be, and those that name them, and so on."""
        naming: dict[str, list[Line]] = {}
        standing = {line.key for line in self.lines if line.stands}
        for line in self.lines:
            if line.stands and line.outcome != UNCHANGED and line.organ is not None:
                for key in references(line.organ):
                    naming.setdefault(key, []).append(line)
        missing = {line.key for line in self.lines if not line.stands and line.held is None} - standing
        waiting, refused = list(missing), False
        while waiting:
            for line in naming.get(waiting.pop(), ()):
                if line.stands:
                    line.refuse(CellFault("", LEANS))
                    refused = True
                    if line.held is None:
                        waiting.append(line.key)
        return refused


def _cell(fault: Fault) -> CellFault:
    return CellFault(column_of(fault.pointer.split("/")[1]), fault.problem)


def _shown(line: Line) -> dict[str, Any]:
    errors = [{"column": fault.column, "problem": fault.problem} for fault in line.faults]
    code = line.organ.code if line.organ else line.row.cells.get("code", "")[:40]
    return {"line": line.row.line, "code": code, "outcome": line.outcome, "errors": errors}
