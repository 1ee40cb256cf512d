"""How many records may be buried for reasons nobody expected before the consumer stops instead.

A bad release fails on nearly everything: it must stop, not empty a topic. Single poison records must not stop it.
"""

from collections import deque

ALLOWED = 20
SHARE = 0.1
WINDOW_SECONDS = 600.0


class TooManyDeadLetters(Exception):
    """The consumer stops: most of what it reads fails in a way nobody expected."""


class DeadLetterLimit:
    """Counts over a sliding window; trips above `allowed` burials that are also above `share` of all records."""

    def __init__(self, *, allowed: int = ALLOWED, share: float = SHARE, window_seconds: float = WINDOW_SECONDS) -> None:
        self._allowed = allowed
        self._share = share
        self._window = window_seconds
        self._done: deque[tuple[float, int]] = deque()
        self._buried: deque[float] = deque()

    def count_done(self, records: int, now: float) -> None:
        if self._buried or self._done:
            self._forget(now)
        self._done.append((now, records))

    def count_buried(self, now: float) -> None:
        """Call before burying; raises `TooManyDeadLetters` when this one would be too many."""
        self._forget(now)
        if self.tripped(now):
            raise TooManyDeadLetters(f"{len(self._buried)} unexpected errors in {self._window:.0f} s")
        self._buried.append(now)

    def tripped(self, now: float) -> bool:
        self._forget(now)
        buried = len(self._buried)
        total = buried + sum(records for _, records in self._done)
        return buried >= self._allowed and buried > self._share * total

    def _forget(self, now: float) -> None:
        while self._buried and self._buried[0] < now - self._window:
            self._buried.popleft()
        while self._done and self._done[0][0] < now - self._window:
            self._done.popleft()
