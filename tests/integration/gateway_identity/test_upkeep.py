"""The gateway changes its signing key by itself when it is old, once however many processes look after it."""

import asyncio
from datetime import timedelta

from sqlalchemy import text

from gateway.identity.upkeep import Upkeep
from services.kernel.database import Database
from services.kernel.idempotency import Answer, Fresh, Idempotency, Keyed, Replay
from tests.integration.gateway_identity.conftest import KEYRING, Gateway, StandingClock
from tests.integration.gateway_identity.test_systems import audit

DAYS = 90.0


def upkeep(database: Database, clock: StandingClock) -> Upkeep:
    return Upkeep(database, KEYRING, Idempotency(KEYRING), clock=clock, key_days=DAYS)


async def test_key_is_changed_when_it_is_old_and_not_before(gateway: Gateway, clock: StandingClock) -> None:
    worker = upkeep(gateway.database, clock)
    assert await worker.turn() is None
    clock.now += timedelta(days=DAYS)
    kids = [kid for kid in await asyncio.gather(*(upkeep(gateway.database, clock).turn() for _ in range(3))) if kid]
    assert len(kids) == 1
    assert await worker.turn() is None
    await gateway.follower.refresh()
    assert kids[0] in {key["kid"] for key in (await gateway.jwks())["keys"]}
    marks = await audit(gateway, action="key.rotated")
    assert [(mark["client_id"], mark["target"]["id"]) for mark in marks] == [("gateway", kids[0])]


async def test_runs_until_it_is_stopped(gateway: Gateway, clock: StandingClock) -> None:
    clock.now += timedelta(days=DAYS)
    stop = asyncio.Event()
    task = asyncio.create_task(upkeep(gateway.database, clock).run(stop))
    async with asyncio.timeout(20):
        while len((await gateway.jwks())["keys"]) < 2:
            await gateway.follower.refresh()
            await asyncio.sleep(0.02)
    stop.set()
    await task


async def test_answers_kept_for_repeats_are_forgotten_in_time(database: Database, clock: StandingClock) -> None:
    idempotency, keyed = Idempotency(KEYRING), Keyed.of("commune-a", "POST /v1/systems", "one", b"{}")
    async with database.transaction() as conn:
        await idempotency.begin(conn, keyed)
        await idempotency.finish(conn, keyed, Answer(201, b"{}"))
    await upkeep(database, clock).turn()
    async with database.transaction() as conn:
        assert isinstance(await idempotency.begin(conn, keyed), Replay)
        await conn.execute(text("UPDATE idempotency SET created_at = now() - interval '8 days'"))
    await upkeep(database, clock).turn()
    async with database.transaction() as conn:
        left = (await conn.execute(text("SELECT count(*) FROM idempotency"))).scalar_one()
        assert (left, isinstance(await idempotency.begin(conn, keyed), Fresh)) == (0, True)
