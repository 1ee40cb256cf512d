"""The bell inside one process, without its connection."""

import asyncio

from services.kernel import bell as module
from services.kernel.bell import Bell


async def test_a_ring_between_look_and_wait_is_not_lost() -> None:
    bell = Bell("postgresql://nobody@/nothing")
    ticket = bell.ticket("outbox")
    bell.ring("outbox")
    assert await bell.wait_since(ticket, 0)
    assert not await bell.wait_since(bell.ticket("outbox"), 0)
    bell.ring("other")
    assert not await bell.wait_since(bell.ticket("outbox"), 0)


async def test_all_who_wait_are_woken() -> None:
    bell = Bell("postgresql://nobody@/nothing")
    waiting = [asyncio.create_task(bell.wait("outbox", 5)) for _ in range(3)]
    await asyncio.sleep(0)
    bell.ring("outbox")
    assert await asyncio.gather(*waiting) == [True, True, True]


async def test_names_are_forgotten_only_towards_waking_too_often(monkeypatch: object) -> None:
    bell = Bell("postgresql://nobody@/nothing")
    ticket = bell.ticket("first")
    for number in range(module.REMEMBERED_NAMES + 5):
        bell.ring(f"name-{number}")
    assert len(bell._rung) == module.REMEMBERED_NAMES
    assert await bell.wait_since(ticket, 0), "it may have rung"
    assert not await bell.wait_since(bell.ticket("first"), 0)


async def test_a_name_kept_in_wakes_this_process_alone() -> None:
    bell = Bell("postgresql://nobody@/nothing")
    bell.connected = True  # as far as telling others goes
    bell.keep_in("outbox")
    ticket = bell.ticket("outbox")
    bell.ring("outbox", "inbox")
    assert await bell.wait_since(ticket, 0)
    assert bell._unsent == {"inbox"}
    bell.let_out("outbox")
    bell.ring("outbox")
    assert bell._unsent == {"inbox", "outbox"}
