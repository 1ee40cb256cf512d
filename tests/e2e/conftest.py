"""One whole hub for all end-to-end tests: every program and the axis stand-in in a temporary home, on free ports."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.hub import Hub
from deploy.stories.stage import Stage, open_stage
from tests.e2e.topics import Topics


@pytest.fixture(scope="session")
async def hub() -> AsyncIterator[Hub]:
    """A test that kills a part of it starts that part again."""
    with tempfile.TemporaryDirectory(prefix="lienthong-e2e-", ignore_cleanup_errors=True) as folder:
        hub = Hub(Path(folder) / "hub")
        try:
            await asyncio.to_thread(hub.start)
            yield hub
        finally:
            await asyncio.to_thread(hub.stop)


@pytest.fixture(scope="session")
async def stage(hub: Hub) -> AsyncIterator[Stage]:
    """The local systems, ready to play; steps are not shown. All have their token while the gateway is there."""
    async with open_stage(hub.home, hub.address("axis"), lambda step: None) as stage:
        for name in hub.credentials():
            await stage[name].token()
        yield stage


@pytest.fixture
async def topics(hub: Hub) -> AsyncIterator[Topics]:
    topics = Topics(hub.bootstrap)
    try:
        yield topics
    finally:
        await topics.aclose()
