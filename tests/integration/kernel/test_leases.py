"""Leading: turns while the lease is held, by one at a time, and let go however it ends."""

import asyncio

import pytest
from sqlalchemy import text

from services.kernel.database import Database
from services.kernel.leases import Lease, LeaseLost, Leases

TTL = 0.6


@pytest.fixture
def leases(database: Database) -> Leases:
    return Leases(database, "one", ttl_seconds=TTL)


@pytest.fixture
def other(database: Database) -> Leases:
    return Leases(database, "two", ttl_seconds=TTL)


async def test_turns_are_taken_until_stopped_and_renewed_meanwhile(leases: Leases, other: Leases) -> None:
    stop, held = asyncio.Event(), []

    async def turn(lease: Lease) -> None:
        held.append(lease.fence)
        assert not await other.lead("work", stop, turn), "one at a time"
        await asyncio.sleep(TTL / 4)
        if len(held) == 8:
            stop.set()

    assert await leases.lead("work", stop, turn)
    assert held == [1] * 8, "twice as long as a lease lasts"
    assert await other.acquire("work") == Lease("work", 2), "let go at the end"


async def test_a_lease_that_was_taken_ends_the_turns(leases: Leases, database: Database) -> None:
    turns = 0

    async def turn(lease: Lease) -> None:
        nonlocal turns
        turns += 1
        async with database.transaction() as conn:
            await conn.execute(text("UPDATE lease SET holder = 'two', fence = fence + 1 WHERE holder = 'one'"))
        await asyncio.sleep(TTL / 10)

    with pytest.raises(LeaseLost):
        await leases.lead("work", asyncio.Event(), turn)
    assert 1 <= turns < 10


async def test_an_error_in_a_turn_lets_the_lease_go(leases: Leases, other: Leases) -> None:
    async def turn(lease: Lease) -> None:
        raise LookupError("work")

    with pytest.raises(LookupError):
        await leases.lead("work", asyncio.Event(), turn)
    assert await other.acquire("work") is not None
