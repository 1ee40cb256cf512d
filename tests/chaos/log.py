"""What all clients of a run share: the evidence and its file, how patient they are, how fast they may go."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.chaos.evidence import Course, Evidence, Failure
from tests.chaos.history import History, line, take

if TYPE_CHECKING:
    from tests.chaos.client import Posted

BURST_SECONDS = 2.0


class StoryEnded(Exception):
    """Something is noted as a failure, and the story cannot go on."""


@dataclass(frozen=True, slots=True)
class Patience:
    """`answer`: for one request through all its tries; `state`: for what others do; `poll`: the longest pause between
    two looks. Pauses between tries grow up to tenfold by `growing`."""

    answer: float = 90.0
    state: float = 120.0
    poll: float = 0.8
    growing: float = 0.0


LONG = Patience(answer=420.0, state=900.0, poll=5.0, growing=0.3)
"""For faults that last minutes, two at a time."""


@dataclass(slots=True)
class Pace:
    """At most `rate` a second in the long run, whoever comes early waits; 0 for no limit. What was not used is
    forgotten after a moment."""

    rate: float = 0.0
    _next: float = 0.0

    async def turn(self) -> None:
        if self.rate <= 0:
            return
        now = time.monotonic()
        self._next = max(self._next, now - BURST_SECONDS) + 1 / self.rate
        if self._next > now:
            await asyncio.sleep(self._next - now)


@dataclass(slots=True)
class Log:
    """Shared by all clients of a run."""

    evidence: Evidence = field(default_factory=Evidence)
    posts: list[Posted] = field(default_factory=list)
    repeats: int = 0
    """Requests that had to be sent again."""
    history: History | None = None
    course: Course = field(default_factory=Course)
    patience: Patience = Patience()
    pace: Pace = field(default_factory=Pace)
    began: float = field(default_factory=time.monotonic)

    def note(self, record: dict[str, Any]) -> None:
        """To the evidence, and to the file if there is one."""
        take(self.evidence, self.course, record)
        if self.history is not None:
            self.history.write(record)

    def fail(self, what: str, subject: str = "") -> StoryEnded:
        self.note(line("failure", Failure(what, subject)))
        return StoryEnded(what)

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.began
