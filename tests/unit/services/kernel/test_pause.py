"""Work that is made to end, also where something in it loses a cancellation."""

import asyncio

import pytest

from services.kernel import pause


async def test_a_task_that_loses_a_cancellation_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pause, "CANCEL_SECONDS", 0.01)
    lost = 0

    async def forgetful() -> None:
        nonlocal lost
        while lost < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
        await asyncio.Event().wait()

    tasks = [asyncio.ensure_future(forgetful()), asyncio.ensure_future(asyncio.Event().wait())]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await pause.end(*tasks)

    assert lost == 3
    assert all(task.cancelled() for task in tasks)


async def test_what_has_ended_already_keeps_its_result() -> None:
    done = asyncio.ensure_future(asyncio.sleep(0, "there"))
    await done

    await pause.end(done)

    assert done.result() == "there"
