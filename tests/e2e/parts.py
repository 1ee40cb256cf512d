"""What several stories do: parts of the hub killed and started again, a letter to an organ registered just now."""

from __future__ import annotations

import asyncio
import time

from deploy.client.answers import Sent
from deploy.client.problems import HubProblem
from deploy.local.hub import Hub
from deploy.local.programs import PROGRAMS
from deploy.stories.document import letter
from deploy.stories.stage import Stage

KNOWN_SECONDS = 30.0
POLL_SECONDS = 0.1


async def kill(hub: Hub, name: str) -> None:
    """kill -9."""
    await asyncio.to_thread(hub.kill, name)


async def start_again(hub: Hub, name: str) -> None:
    """Returns when the part is ready."""
    await asyncio.to_thread(hub.start_again, name)
    if name in PROGRAMS:
        await asyncio.to_thread(hub.await_ready, [name])


async def sent_once_known(stage: Stage, to: str) -> Sent:
    """From commune-a; its office knows the organ as soon as its copy of the registry does."""
    end = time.monotonic() + KNOWN_SECONDS
    while True:
        try:
            return await stage["commune-a"].documents.send(letter([to]))
        except HubProblem as problem:
            if problem.code != "recipient.unknown" or time.monotonic() > end:
                raise
        await asyncio.sleep(POLL_SECONDS)
