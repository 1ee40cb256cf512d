"""Reading until something holds: for what other offices do, which takes its time."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from deploy.client.problems import TimedOut
from deploy.client.retry import Timing

WAIT_SECONDS = 60.0
FIRST_SECONDS, CAP_SECONDS, GROWTH = 0.1, 1.0, 1.3

Shown = TypeVar("Shown")


async def until(
    read: Callable[[], Awaitable[Shown]], holds: Callable[[Shown], bool], what: str, timing: Timing, seconds: float
) -> Shown:
    """What was read when it held; `TimedOut` when that did not come. Errors of reading pass through."""
    end, pause = timing.now() + seconds, FIRST_SECONDS
    while True:
        shown = await read()
        if holds(shown):
            return shown
        if timing.now() + pause > end:
            raise TimedOut(what, seconds)
        await timing.sleep(pause)
        pause = min(pause * GROWTH, CAP_SECONDS)
