"""Parts of the hub killed and started again, from a test's event loop."""

from __future__ import annotations

import asyncio

from deploy.local.hub import Hub
from deploy.local.programs import PROGRAMS


async def kill(hub: Hub, name: str) -> None:
    """kill -9."""
    await asyncio.to_thread(hub.kill, name)


async def start_again(hub: Hub, name: str) -> None:
    """Returns when the part is ready."""
    await asyncio.to_thread(hub.start_again, name)
    if name in PROGRAMS:
        await asyncio.to_thread(hub.await_ready, [name])
