"""Waiting that ends at once when the process is asked to stop, and work that is made to end."""

import asyncio
from collections.abc import Coroutine
from typing import Any

CANCEL_SECONDS = 2.0


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Waits `seconds`, or until `stop` is set; tells whether it is."""
    if not stop.is_set():
        waiting = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({waiting}, timeout=seconds)
        finally:
            waiting.cancel()
    return stop.is_set()


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Carries out `work`, or drops it as soon as `stop` is set; tells whether it was finished."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        await end(working)
    if working.cancelled():
        return False
    working.result()
    return True


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancels these and returns when all have ended. They are told again and again: before Python 3.12 `wait_for`,
    by which the Kafka client waits, loses a cancellation that comes when its own time is up."""
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=CANCEL_SECONDS)
