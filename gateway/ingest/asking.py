"""Asks offices to send again from a number on, at most once a second per subject and emitter."""

from collections import OrderedDict

from gateway.work import Work
from services.kernel.clock import Clock

EVERY_SECONDS = 1.0
REMEMBERED = 10_000


class Asking:
    """Forgets what was asked when the process ends: asking once more is harmless."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: OrderedDict[tuple[str, str], float] = OrderedDict()

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
