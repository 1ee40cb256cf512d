"""Asks offices to send again from a number on, at most once a second per subject and emitter.

That is also how a fact waits for another one it refers to: it is asked for again until the other came, for a minute.
"""

from collections import OrderedDict

from gateway.transfers.store import Identity
from gateway.work import Work
from services.kernel.clock import Clock

EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
REMEMBERED = 10_000


class Asking:
    """Forgets what was asked when the process ends: asking once more is harmless."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._waiting: OrderedDict[Identity, float] = OrderedDict()

    def may_wait(self, identity: Identity) -> bool:
        """True for a minute from when it was asked first about this fact."""
        now = self._clock.monotonic()
        since = self._waiting.setdefault(identity, now)
        while len(self._waiting) > REMEMBERED:
            self._waiting.popitem(last=False)
        return now - since < PATIENCE_SECONDS

    def ask(self, work: Work) -> None:
        """Turns the gaps of a chunk into `control.resend-requested` receipts."""
        now = self._clock.monotonic()
        for level, subject, emitter, first in sorted(work.asked):
            key = (subject, emitter)
            if now - self._asked.get(key, -EVERY_SECONDS) < EVERY_SECONDS:
                continue
            self._asked[key] = now
            self._asked.move_to_end(key)
            work.tell(level, "control.resend-requested", {"subject": subject, "emitter": emitter, "first": first})
        while len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
