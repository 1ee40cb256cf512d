"""What all measurements share: how long they may be, whom they load, and whether what was accepted was handed over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final, TypeVar

from services.kernel.partitions import id_bound
from tests.bench import bodies
from tests.bench.ground import DECIDING, SENDER, Caller, Ground
from tests.bench.http import Act, Answer, Connection, request

SENDING_OFFICE: Final = "commune"
ENDLESS: Final = "~"
"""Above every id."""
BATCH: Final = 100
SEND_SECONDS: Final = 60.0
OCTETS: Final = "application/octet-stream"

T = TypeVar("T")


class Refused(RuntimeError):
    """The hub did not answer the load as it should: there is nothing to measure."""


class Late(RuntimeError):
    """What was waited for did not come in time."""


@dataclass(slots=True)
class Bench:
    quick: bool
    repeats: int
    say: Callable[[str], None]
    ground: Ground
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    """For bodies: no two of a run are alike."""

    def sized(self, full: T, quick: T) -> T:
        return quick if self.quick else full


def now() -> datetime:
    """A moment between what was sent before and what is sent after."""
    return datetime.now(UTC)


def expect(answer: Answer, *statuses: int) -> None:
    """Raises `Refused` unless it is one of these."""
    if answer.status not in statuses:
        raise Refused(f"{answer.status}: {answer.body[:500].decode(errors='replace')}")


async def submit(bench: Bench, connection: Connection, papers: Sequence[dict[str, Any]] = ()) -> Answer:
    """A dossier of the sender, to be decided at another level, with these attachments."""
    sender, deciding = bench.ground.callers[SENDER], bench.ground.callers[DECIDING].organ
    body = bodies.dossier(next(bench.numbers), deciding=deciding, attachments=papers)
    answer = await connection.ask(request("POST", f"{sender.url}/v1/dossiers", body, token=sender.token))
    expect(answer, 201)
    return answer


def post_dossier(bench: Bench) -> Act:
    """Single dossiers, one after the other."""

    async def act(connection: Connection, _: int) -> None:
        await submit(bench, connection)

    return act


async def put_file(connection: Connection, caller: Caller, sha256: str, content: bytes) -> None:
    """An attachment the caller's office does not have."""
    url = f"{caller.url}/v1/attachments/{sha256}"
    expect(await connection.ask(request("PUT", url, content, token=caller.token, media_type=OCTETS)), 201)


def post_batch(bench: Bench) -> Act:
    """The same, a hundred at once; every single one must be accepted."""
    sender, deciding = bench.ground.callers[SENDER], bench.ground.callers[DECIDING].organ

    async def act(connection: Connection, _: int) -> None:
        body = bodies.batch([bodies.dossier(next(bench.numbers), deciding=deciding) for _ in range(BATCH)])
        answer = await connection.ask(request("POST", f"{sender.url}/v1/dossiers:batch", body, token=sender.token))
        expect(answer, 201)
        if answer.body.count(b'"status":201') != BATCH:
            raise Refused(f"not all of a batch: {answer.body[:500].decode(errors='replace')}")

    return act


async def accepted(ground: Ground, since: datetime, *, until: datetime | None = None) -> int:
    """What the sender sent in that time: transfers its office holds durably."""
    ((found,),) = await ground.sql(
        SENDING_OFFICE,
        "SELECT count(*) FROM transfer WHERE id >= :since AND id < :until AND holder = :organ AND role = 'sender'",
        since=id_bound(since),
        until=id_bound(until) if until else ENDLESS,
        organ=ground.callers[SENDER].organ,
    )
    return int(found)


async def handed_over(ground: Ground, since: datetime, *, until: datetime | None = None) -> int:
    """Deliveries of what the sender sent in that time which it sees as handed over. Of a dossier there is one."""
    ((found,),) = await ground.sql(
        SENDING_OFFICE,
        "SELECT count(*) FROM transfer_delivery WHERE transfer >= :since AND transfer < :until"
        " AND holder = :organ AND state = 'handed_over'",
        since=id_bound(since),
        until=id_bound(until) if until else ENDLESS,
        organ=ground.callers[SENDER].organ,
    )
    return int(found)


async def await_all_handed_over(
    ground: Ground, since: datetime, expected: int, *, seconds: float, every: float = 0.1
) -> int:
    """How many of so many deliveries are missing when all were handed over, or at the latest after so long. Not 0:
    the figure is void. Below 0: something was sent twice."""
    missing = expected

    async def none_missing() -> bool:
        nonlocal missing
        missing = expected - await handed_over(ground, since)
        return missing <= 0

    with suppress(Late):
        await until(none_missing, "all are handed over", seconds=seconds, every=every)
    return missing


async def until(holds: Callable[[], Awaitable[bool]], what: str, *, seconds: float, every: float = 0.1) -> None:
    """Raises `Late` when it does not come to hold."""
    end = time.perf_counter() + seconds
    while not await holds():
        if time.perf_counter() > end:
            raise Late(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(every)


async def await_all_sent(ground: Ground) -> None:
    """Until the sender's office has nothing left to put into the log: it does no more work."""

    async def all_sent() -> bool:
        ((unsent,),) = await ground.sql(SENDING_OFFICE, "SELECT count(*) FROM outbox WHERE pending")
        return not unsent

    await until(all_sent, "the office has sent all it holds", seconds=SEND_SECONDS)


def lost(missing: int) -> str:
    """For `Figure.void`: nothing when nothing is missing."""
    if missing < 0:
        return f"{-missing} were handed over that were not accepted"
    return f"{missing} of those accepted were not handed over" if missing else ""
