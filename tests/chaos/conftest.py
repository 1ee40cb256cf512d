"""A fresh hub for each run of the chaos: whole, in a temporary home, on free ports."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.hub import Hub


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    with tempfile.TemporaryDirectory(prefix="lienthong-chaos-", ignore_cleanup_errors=True) as folder:
        hub = Hub(Path(folder) / "hub")
        try:
            await asyncio.to_thread(hub.start)
            yield hub
        finally:
            await asyncio.to_thread(hub.stop)
