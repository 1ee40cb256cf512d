"""Idempotency keys on a real database: first answers, concurrent repeats, answers that come after the commit."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from contracts.problems import HubError
from services.kernel.bulk import Writes
from services.kernel.connection import Connection
from services.kernel.crypto import Keyring
from services.kernel.database import Database
from services.kernel.idempotency import Answer, Fresh, Idempotency, Keyed, Replay
from tests.integration.kernel.scene import rolled_back

KEY = b"k" * 32


@pytest.fixture
def idempotency() -> Idempotency:
    return Idempotency(Keyring({"k1": KEY}, "k1"))


def keyed(key: str = "key-1", body: bytes = b"{}", *, client: str = "c", route: str = "POST /v1/dossiers") -> Keyed:
    return Keyed.of(client, route, key, body)


async def keep(idempotency: Idempotency, conn: Connection, answers: Sequence[tuple[Keyed, Answer]]) -> None:
    writes = Writes()
    idempotency.finish_many(writes, answers)
    await writes.run(conn)


async def test_a_repeat_gets_the_first_answer_and_says_so(idempotency: Idempotency, database: Database) -> None:
    answer = Answer(201, b'{"code": "a"}', {"Location": "/v1/dossiers/a"})
    async with database.transaction() as conn:
        assert await idempotency.begin(conn, keyed()) == Fresh()
        await idempotency.finish(conn, keyed(), answer)
    async with database.transaction() as conn:
        replay = await idempotency.begin(conn, keyed())
        assert isinstance(replay, Replay)
        assert (replay.status, replay.body) == (201, answer.body)
        assert replay.headers == {"Location": "/v1/dossiers/a", "Idempotency-Replayed": "true"}
        for other in (keyed(client="d"), keyed(route="POST /v1/documents"), keyed("key-2")):
            assert await idempotency.begin(conn, other) == Fresh()
        with pytest.raises(HubError, match="another body"):
            await idempotency.begin(conn, keyed(body=b"{} "))
    async with database.read() as conn:
        stored = (await conn.execute(text("SELECT answer FROM idempotency"))).scalar_one()
    assert b"code" not in stored


async def test_a_rolled_back_or_refused_request_keeps_nothing(idempotency: Idempotency, database: Database) -> None:
    async with rolled_back(database) as conn:
        await idempotency.begin(conn, keyed())
        await idempotency.finish(conn, keyed(), Answer(201, b"{}"))
    async with database.transaction() as conn:
        assert await idempotency.begin(conn, keyed()) == Fresh()
        await idempotency.finish(conn, keyed(), Answer(409, b"{}"))
    async with database.transaction() as conn:
        assert await idempotency.begin(conn, keyed()) == Fresh()


async def test_of_concurrent_requests_one_acts_and_the_others_wait(
    idempotency: Idempotency, database: Database
) -> None:
    acted = 0

    async def request() -> str:
        nonlocal acted
        try:
            async with database.transaction() as conn:
                begun = await idempotency.begin(conn, keyed())
                if isinstance(begun, Replay):
                    return "replay"
                acted += 1
                await conn.execute(text("SELECT pg_sleep(0.05)"))
                await idempotency.finish(conn, keyed(), Answer(201, b"{}"))
                return "fresh"
        except HubError as error:
            return f"{error.code}, again after {error.problem.retry_after_seconds} s"

    first: Sequence[str] = await asyncio.gather(*(request() for _ in range(8)))
    assert acted == 1
    assert {"fresh", "idempotency.in_progress, again after 1 s"} <= set(first)
    assert len(set(first) - {"replay"}) == 2
    assert await request() == "replay"


async def test_an_answer_that_comes_after_the_commit_is_held_back_meanwhile(
    idempotency: Idempotency, database: Database
) -> None:
    async with database.transaction() as conn:
        assert await idempotency.begin(conn, keyed()) == Fresh()
        await idempotency.finish(conn, keyed(), Answer(202, b"promised"), hold_seconds=30)
    async with database.transaction() as conn:
        with pytest.raises(HubError, match="being answered"):
            await idempotency.begin(conn, keyed())
        with pytest.raises(HubError, match="another body"):
            await idempotency.begin(conn, keyed(body=b"other"))
    async with database.transaction() as conn:
        await idempotency.finish(conn, keyed(), Answer(200, b"known"))
    async with database.transaction() as conn:
        replay = await idempotency.begin(conn, keyed())
        assert isinstance(replay, Replay)
        assert replay.body == b"known"


async def test_what_was_promised_is_answered_when_nobody_came_to_finish_it(
    idempotency: Idempotency, database: Database
) -> None:
    async with database.transaction() as conn:
        await idempotency.finish(conn, keyed("a"), Answer(202, b"promised"), hold_seconds=-1)
        await idempotency.finish(conn, keyed("b"), Answer(202, b"promised"), hold_seconds=30)
    async with database.transaction() as conn:
        await idempotency.finish(conn, keyed("b"), Answer(409, b""))
    async with database.transaction() as conn:
        replay = await idempotency.begin(conn, keyed("a"))
        assert isinstance(replay, Replay)
        assert replay.body == b"promised"
        assert await idempotency.begin(conn, keyed("b")) == Fresh()


async def test_an_answer_that_comes_after_the_hold_is_too_late(idempotency: Idempotency, database: Database) -> None:
    """A process that stood still may not change what repeats were told meanwhile."""
    async with database.transaction() as conn:
        assert await idempotency.finish(conn, keyed(), Answer(202, b"promised"), hold_seconds=30)
    async with database.transaction() as conn:
        await conn.execute(text("UPDATE idempotency SET held_until = now() - interval '1 second'"))
    async with database.transaction() as conn:
        assert not await idempotency.finish(conn, keyed(), Answer(200, b"known"))
        assert not await idempotency.drop(conn, keyed())
    async with database.transaction() as conn:
        replay = await idempotency.begin(conn, keyed())
        assert isinstance(replay, Replay)
        assert (replay.status, replay.body) == (202, b"promised")


async def test_many_at_once_keep_their_order_and_fold_equal_keys(idempotency: Idempotency, database: Database) -> None:
    async with database.transaction() as conn:
        await idempotency.begin_many(conn, [keyed("x")])
        await keep(idempotency, conn, [(keyed("x"), Answer(201, b"x")), (keyed("y"), Answer(422, b"y"))])
    async with database.transaction() as conn:
        outcomes = await idempotency.begin_many(
            conn, [keyed("y"), keyed("x"), keyed("y"), keyed("x", b"other"), keyed("z")]
        )
    kinds = [outcome.code if isinstance(outcome, HubError) else type(outcome).__name__ for outcome in outcomes]
    assert kinds == ["Fresh", "Replay", "idempotency.in_progress", "idempotency.in_progress", "Fresh"]


async def test_old_answers_are_forgotten(idempotency: Idempotency, database: Database) -> None:
    async with database.transaction() as conn:
        await keep(idempotency, conn, [(keyed(f"k{n}"), Answer(201, b"{}")) for n in range(5)])
        await conn.execute(text("UPDATE idempotency SET created_at = now() - interval '8 days'"))
        await idempotency.finish(conn, keyed("young"), Answer(201, b"{}"))
        assert await idempotency.begin(conn, keyed("k0")) == Fresh()
    assert await idempotency.purge(database, limit=2) == 5
    async with database.transaction() as conn:
        assert isinstance(await idempotency.begin(conn, keyed("young")), Replay)


async def test_nobody_is_told_the_promise_while_a_better_answer_is_on_its_way(
    idempotency: Idempotency, database: Database
) -> None:
    """The process may stand still between looking at the clock and its commit."""
    async with database.transaction() as conn:
        await idempotency.begin(conn, keyed())
        await idempotency.finish(conn, keyed(), Answer(202, b"promised"), hold_seconds=1000)
    async with database.transaction() as late:
        assert await idempotency.finish(late, keyed(), Answer(200, b"final"), late=True)
        async with database.transaction() as conn:
            with pytest.raises(HubError) as caught:
                await idempotency.begin(conn, keyed())
            assert caught.value.code == "idempotency.in_progress"
    async with database.transaction() as conn:
        outcome = await idempotency.begin(conn, keyed())
    assert isinstance(outcome, Replay)
    assert outcome.body == b"final"


@pytest.mark.parametrize("key", ["", "x" * 201, "é", "a\nb"])
def test_keys_must_be_short_and_printable(key: str) -> None:
    with pytest.raises(HubError, match="printable"):
        keyed(key)
