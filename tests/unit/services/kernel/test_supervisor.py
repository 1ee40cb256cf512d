"""Workers that fail, end, hang and drain."""

import asyncio

import pytest

from services.kernel import supervisor as module
from services.kernel.pause import pause
from services.kernel.supervisor import Part, Supervisor


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.01)


async def turn(condition: asyncio.Event) -> None:
    await asyncio.wait_for(condition.wait(), 5)


async def test_a_worker_that_raises_is_started_again_and_shows_it() -> None:
    runs = 0
    again = asyncio.Event()

    async def work(stop: asyncio.Event) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise RuntimeError("first time")
        again.set()
        await stop.wait()

    supervisor = Supervisor()
    supervisor.add("work", work, critical=True)
    assert supervisor.parts() == [Part("work", False, "not running", True)]
    supervisor.start()
    await turn(again)
    part = supervisor.parts()[0]
    assert not part.ok
    assert part.critical
    assert "RuntimeError" in part.detail
    await supervisor.stop()
    assert runs == 2


async def test_a_running_worker_speaks_for_itself() -> None:
    began = asyncio.Event()

    async def work(stop: asyncio.Event) -> None:
        began.set()
        await stop.wait()

    supervisor = Supervisor()
    supervisor.add("one", work, state=lambda: Part("one", False, "broker away", critical=False))
    supervisor.add("two", work)
    supervisor.start()
    await turn(began)
    await asyncio.sleep(0)
    assert supervisor.parts() == [Part("one", False, "broker away", False), Part("two", True, "running", False)]
    await supervisor.stop()


async def test_stopping_waits_for_what_was_begun_and_cancels_what_hangs() -> None:
    finished: list[str] = []
    began = asyncio.Event()

    async def orderly(stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(0)
        finished.append("orderly")

    async def hanging(_stop: asyncio.Event) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            finished.append("cancelled")

    supervisor = Supervisor(drain_seconds=0.05)
    supervisor.add("orderly", orderly)
    supervisor.add("hanging", hanging)
    supervisor.start()
    await turn(began)
    await supervisor.stop()
    assert sorted(finished) == ["cancelled", "orderly"]


async def test_a_pause_ends_at_once_when_asked_to_stop() -> None:
    stop = asyncio.Event()
    assert not await pause(stop, 0.001)
    waiting = asyncio.create_task(pause(stop, 60))
    await asyncio.sleep(0)
    stop.set()
    assert await asyncio.wait_for(waiting, 1)
    assert await pause(stop, 60)
