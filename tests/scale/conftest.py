"""Hubs of several processes and brokers, each in a temporary home and on free ports."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local.hub import Hub
from deploy.local.processes import await_condition, log_tail
from deploy.local.programs import OWNERS
from tests.scale.stand import FIRST, SECOND, Stand, open_stand

READY_SECONDS = 90.0


@asynccontextmanager
async def running(*, brokers: int = 1, **settings: str) -> AsyncIterator[Hub]:
    with tempfile.TemporaryDirectory(prefix="lienthong-scale-", ignore_cleanup_errors=True) as folder:
        hub = Hub(Path(folder) / "hub", brokers=brokers, environment={**os.environ, **settings})
        try:
            await asyncio.to_thread(hub.start)
            yield hub
        finally:
            await asyncio.to_thread(hub.stop)


def await_second(hub: Hub, name: str) -> None:
    assert await_condition(lambda: hub.is_ready(name, instance=SECOND), READY_SECONDS), log_tail(
        hub.log_file(name, instance=SECOND)
    )


@pytest.fixture(scope="module")
async def pair() -> AsyncIterator[Stand]:
    """Two processes of every program. A test that kills one starts it again. Nothing is sent again because an answer
    took long, so that what is sent twice was sent by two."""
    async with running(LIENTHONG_RETRY_SCALE="20") as hub:
        for name in OWNERS:
            await asyncio.to_thread(hub.start_program, name, instance=SECOND)
        for name in OWNERS:
            await asyncio.to_thread(await_second, hub, name)
        async with open_stand(hub, instances=(FIRST, SECOND)) as stand:
            yield stand


@pytest.fixture
async def trio() -> AsyncIterator[Stand]:
    """One process of every program on three brokers."""
    async with running(brokers=3) as hub, open_stand(hub, instances=(FIRST,)) as stand:
        yield stand


@pytest.fixture(autouse=True)
def said(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Measured seconds are shown whatever the test comes to."""
    name = next(name for name in ("pair", "trio") if name in request.fixturenames)
    stand: Stand = request.getfixturevalue(name)
    yield
    with capsys.disabled():
        print("".join(f"\n  {line}" for line in stand.told))
    stand.told.clear()
