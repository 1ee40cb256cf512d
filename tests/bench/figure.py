"""A figure beside its floor: plain values, and the median of repeats."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Value:
    """The median of several measurements, and how far they lie apart."""

    all: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.all)

    @property
    def spread(self) -> float:
        """Half of the range, as a share of the median; 0 of a single measurement."""
        return (max(self.all) - min(self.all)) / 2 / self.median if self.median else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a ratio or an absolute value should be. `least`: short of it something is wrong. `low`: less is better."""

    target: float
    least: float
    stretch: float
    low: bool = False

    def judge(self, value: float) -> str:
        """`stretch`, `target`, `short_of_target` (but not of the least) or `short_of_least`."""
        if self._met(value, self.stretch):
            return "stretch"
        if self._met(value, self.target):
            return "target"
        return "short_of_target" if self._met(value, self.least) else "short_of_least"

    def _met(self, value: float, goal: float) -> bool:
        return value <= goal if self.low else value >= goal


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. The ratio is ours ÷ floor; a figure without a floor is judged by itself. `void` says why
    it does not count. `unit` is that of ours and floor; `more` are further numbers worth keeping, by name."""

    name: str
    title: str
    unit: str
    ours: Value
    floor: Value | None = None
    goal: Goal | None = None
    more: dict[str, float] = field(default_factory=dict)
    void: str = ""

    @property
    def ratio(self) -> float | None:
        if self.floor is None or not self.floor.median:
            return None
        return self.ours.median / self.floor.median

    @property
    def judged(self) -> float:
        """The ratio, or the value itself."""
        return self.ours.median if self.ratio is None else self.ratio

    @property
    def unit_judged(self) -> str:
        return self.unit if self.floor is None else "×"

    @property
    def verdict(self) -> str:
        if self.void:
            return "void"
        return self.goal.judge(self.judged) if self.goal else ""


async def repeated(times: int, measure: Callable[[], Awaitable[float]]) -> Value:
    return Value([await measure() for _ in range(times)])
