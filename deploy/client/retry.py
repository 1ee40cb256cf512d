"""When a call is repeated and how long it waits before: pure but for the clock it is given."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

from deploy.client.problems import ClientError

_log = logging.getLogger("lienthong.client")

AGAIN = frozenset({429, 502, 503, 504, 507})
CONFLICT = 409
LEAST_SECONDS = 10.0
"""What a single try may take however late it is: taking custody alone may wait half of it at the hub."""
JITTER = 0.5
"""Share of a pause that is left to chance, so that many clients do not come back at once."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Clock, pause and chance; tests hand in their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Retry:
    """Pauses grow from `first_seconds` twofold up to `cap_seconds`; no try begins after `deadline_seconds`.

    A single try may take `answer_seconds`, towards the deadline only what is left, yet never less than ten.
    """

    deadline_seconds: float = 60.0
    first_seconds: float = 0.2
    cap_seconds: float = 10.0
    answer_seconds: float = 40.0
    connect_seconds: float = 5.0

    def pause(self, tries: int, chance: float) -> float:
        """After so many tries without an answer."""
        whole = min(self.cap_seconds, self.first_seconds * 2.0 ** min(tries - 1, 30))
        return whole * (1 - JITTER + JITTER * chance)


class Attempts:
    """The tries of one call. `again` either pauses or, when the time is up, raises the failure it is given."""

    def __init__(self, retry: Retry, timing: Timing) -> None:
        self._retry, self._timing = retry, timing
        self._end = timing.now() + retry.deadline_seconds
        self._tries = 0
        self._renewed = False

    def renews(self) -> bool:
        """Whether a refused token may be replaced: once in a call."""
        first, self._renewed = not self._renewed, True
        return first

    async def again(self, failure: ClientError, *, at_least: float | None = None) -> None:
        """`at_least` is what the hub asked to wait; it is kept, or the call ends at once when there is not the time."""
        self._tries += 1
        pause = self._retry.pause(self._tries, self._timing.chance())
        if at_least is not None:
            pause = max(pause, at_least + self._retry.first_seconds * self._timing.chance())
        if self._timing.now() + pause > self._end:
            raise failure
        _log.info("again in %.1f s: %s", pause, failure)
        await self._timing.sleep(pause)

    def progressed(self) -> None:
        """Something came through: the time and the pauses begin anew."""
        self._end = self._timing.now() + self._retry.deadline_seconds
        self._tries = 0

    def time_out(self, answer_seconds: float | None = None) -> httpx.Timeout:
        """For the next try."""
        left = max(self._end - self._timing.now(), LEAST_SECONDS)
        seconds = min(self._retry.answer_seconds, left) if answer_seconds is None else answer_seconds
        return httpx.Timeout(seconds, connect=self._retry.connect_seconds)


def is_temporary(answer: httpx.Response) -> bool:
    """Whether the same call may well succeed later."""
    return answer.status_code in AGAIN or (answer.status_code == CONFLICT and "Retry-After" in answer.headers)


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds the answer asks to wait, from its seconds or its date."""
    text = answer.headers.get("Retry-After", "").strip()
    try:
        if text.isdigit():
            return float(text)
        later = parsedate_to_datetime(text) - parsedate_to_datetime(answer.headers["Date"])
    except (ValueError, TypeError, KeyError):
        return None
    return max(later.total_seconds(), 0.0)
