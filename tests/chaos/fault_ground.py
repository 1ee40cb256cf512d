"""What every kind of fault stands on: the hub, the load's count, the canaries, and work that is never half done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from deploy.client import hub as client
from deploy.client.credentials import read_credentials
from deploy.local.errors import LocalError
from deploy.local.hub import Hub
from deploy.local.processes import descendants, log_tail, start_mark
from tests.chaos.log import StoryEnded

RECOVERY_SECONDS = 90.0
LOOK_SECONDS = 0.05
ANSWER_SECONDS = 30.0
START_TRIES = 3
SYSTEMS = {"province": "department-a", "district": "district-a", "commune": "commune-a"}
"""A system with an office of the level."""

T = TypeVar("T")
Count = Callable[[], int]
Canary = Callable[[], Awaitable[None]]


async def reached(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


async def surely(work: Callable[..., T], *args: Any, **named: Any) -> T:
    """Runs in a thread and, even if cancelled, returns only when the thread is done."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **named))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({running})
        raise


async def recovers(canary: Awaitable[None], fault: str) -> None:
    try:
        await canary
    except StoryEnded as error:
        raise AssertionError(f"{fault}: no recovery: {error}") from error


@dataclass(frozen=True, slots=True)
class Ground:
    """`count`: facts accepted so far. `canary` returns when its document is handed over at every level, `axis_canary`
    when one to the central organ is. `note` keeps a recovery within a fault: name, time away, time to recover."""

    hub: Hub
    count: Count
    canary: Canary
    axis_canary: Canary
    note: Callable[[str, float, float], None]

    async def start_again(self, name: str) -> None:
        """Tried some times: on a busy machine a server may need longer than its start waits."""
        for left in reversed(range(START_TRIES)):
            try:
                await surely(self.hub.start_again, name)
                return
            except LocalError:
                if not left:
                    raise

    async def ready(self, name: str, *, instance: int = 1) -> None:
        hub = self.hub
        end = time.monotonic() + RECOVERY_SECONDS
        while not await surely(hub.is_ready, name, instance=instance):
            tail = log_tail(hub.log_file(name, instance=instance))
            assert hub.alive(name, instance=instance), f"{name} {instance} ended by itself: {tail}"
            assert time.monotonic() < end, f"{name} {instance} is not ready: {tail}"
            await asyncio.sleep(LOOK_SECONDS)

    def processes(self, name: str, *, instance: int = 1) -> dict[int, str]:
        """Those of a program or a server: number and mark."""
        hub = self.hub
        servers: dict[str, Any] = {"postgres": hub.postgres, "kafka": hub.kafka}
        pid = servers[name].pid if name in servers else hub.pid(name, instance=instance)
        return {each: mark for each in (pid, *descendants(pid)) if (mark := start_mark(each))}

    @asynccontextmanager
    async def caller(self, level: str) -> AsyncIterator[httpx.AsyncClient]:
        """Asks the office of the level directly, and repeats nothing."""
        credentials = read_credentials(self.hub.home)[SYSTEMS[level]]
        async with client.Hub(credentials) as system:
            headers = {"Authorization": f"Bearer {await system.token()}"}
            timeout = httpx.Timeout(ANSWER_SECONDS)
            url = self.hub.address(level)
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout, trust_env=False) as http:
                yield http
