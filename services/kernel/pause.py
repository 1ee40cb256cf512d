"""Waiting that ends at once when the process is asked to stop."""

import asyncio


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Waits `seconds`, or until `stop` is set; tells whether it is."""
    if not stop.is_set():
        waiting = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({waiting}, timeout=seconds)
        finally:
            waiting.cancel()
    return stop.is_set()
