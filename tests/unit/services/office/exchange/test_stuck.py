"""One stuck hop that fails in a way nobody expected stays stuck for that reason and holds up none of the others."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from contracts.problems import HubError
from services.kernel.messaging.records import Record
from services.office.exchange import store
from services.office.exchange.store import RETRY_PARTITION, Stuck
from services.office.exchange.stuck import StuckWork

NOW = datetime(2024, 6, 3, tzinfo=UTC)
WHEN = {"hopsequence": 1, "since": NOW, "attempts": 2}


class Database:
    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    read = transaction


class Door:
    """Applies what does not raise."""

    def __init__(self, errors: dict[str, BaseException]) -> None:
        self._errors = errors
        self.applied: list[str] = []
        self.buried: list[tuple[str, str]] = []

    async def prepare(self, records: Sequence[Record]) -> None:
        if error := self._errors.get(records[0].key):
            raise error

    async def apply(self, conn: object, records: Sequence[Record]) -> None:
        self.applied += [record.key for record in records]

    async def bury(self, conn: object, record: Record, error: Exception) -> None:
        if isinstance(error, KeyError):
            raise HubError("system.storage_unavailable")
        self.buried.append((record.key, type(error).__name__))

    def committed(self, records: Sequence[Record]) -> None:
        return


class Exchange:
    waits = (1.0,)

    async def tell_stuck(self, conn: object, stuck: Sequence[Stuck]) -> None:
        return


class Clock:
    def machine_now(self) -> datetime:
        return NOW


@pytest.fixture
def due(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has these subjects due."""

    def be_due(*subjects: str) -> None:
        found = [
            (Stuck(subject=subject, reason="", **WHEN), Record("", RETRY_PARTITION, place, subject, b"", ()))
            for place, subject in enumerate(subjects)
        ]

        async def claim_due(*_: Any) -> list[tuple[Stuck, Record]]:
            return found

        async def count_stuck(*_: Any) -> tuple[int, datetime]:
            return len(found), NOW

        monkeypatch.setattr(store, "claim_due", claim_due)
        monkeypatch.setattr(store, "count_stuck", count_stuck)

    return be_due


def work(door: Door) -> StuckWork:
    return StuckWork(cast(Any, Database()), cast(Any, door), cast(Any, Exchange()), cast(Any, Clock()))


async def test_an_unexpected_error_is_kept_as_the_reason_and_the_next_one_is_tried(due: Callable[..., None]) -> None:
    due("A", "B", "C", "D")
    errors = {"A": ValueError("content"), "B": HubError("attachment.unavailable"), "C": KeyError("x")}
    door = Door(errors)

    await work(door).retry()

    assert door.applied == ["D"]
    assert door.buried == [("A", "ValueError")], "an expected one keeps its own reason; what cannot be noted can wait"


async def test_the_end_of_the_worker_is_no_failure_of_a_hop(due: Callable[..., None]) -> None:
    due("A", "B")
    door = Door({"A": asyncio.CancelledError()})
    with pytest.raises(asyncio.CancelledError):
        await work(door).retry()
    assert (door.applied, door.buried) == ([], [])
