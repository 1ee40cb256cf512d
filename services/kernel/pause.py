"""Waiting that ends at once when the process is asked to stop."""

import asyncio
from collections.abc import Coroutine
from typing import Any


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
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
    if working.cancelled():
        return False
    working.result()
    return True
