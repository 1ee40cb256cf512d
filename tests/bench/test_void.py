"""A figure never counts when what was accepted is not what was handed over: each measurement is given a run in which
one dossier is lost, or one comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.local.hub import Hub
from tests.bench import journey, outage, posts, spread, stage, stored
from tests.bench.bench import Bench, await_all_handed_over, lost
from tests.bench.figure import Figure
from tests.bench.floors import Sent, Shape, Written
from tests.bench.ground import DECIDING, SENDER, Caller, Ground
from tests.bench.http import Run

AT = datetime(2024, 6, 3, 8, tzinfo=UTC)
SHAPE = Shape(
    commune=Written(5, 900),
    gateway=Written(7, 500),
    province=Written(3, 900),
    ingest_commune=Sent(1, 2_048),
    deliver_province=Sent(1, 2_048),
    ingest_province=Sent(0.02, 4_000),
    deliver_commune=Sent(2, 200),
)
RUN = Run(seconds=1.0, latencies=[0.01] * 100)

Measure = Callable[[Bench], Awaitable[list[Figure]]]


class Told(Ground):
    """Answers every question with the next of these numbers, and the last one for ever."""

    __slots__ = ("answers",)

    def __init__(self, answers: list[int]) -> None:
        deeds = ("stop_program", "start_again", "await_ready", "kill", "freeze", "thaw")
        hub = SimpleNamespace(bootstrap="", database_url=lambda _: "", **dict.fromkeys(deeds, _nothing))
        callers = {name: Caller(name, "token", "http://127.0.0.1:1", "organ") for name in (SENDER, DECIDING)}
        super().__init__(cast(Hub, hub), callers)
        self.answers = answers

    async def vacuum(self) -> None:
        pass

    async def sql(self, owner: str, query: str, **values: Any) -> list[Any]:
        return [(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0],)]

    def memory_mebibytes(self, names: Any = ()) -> dict[str, float]:
        return {"commune": 100.0}


def _nothing(*_: object) -> None:
    pass


def given(value: Any) -> Callable[..., Awaitable[Any]]:
    async def answer(*_: object, **__: object) -> Any:
        return value

    return answer


async def test_all_are_waited_for() -> None:
    assert await await_all_handed_over(Told([3, 7, 10]), AT, 10, seconds=5.0, every=0.001) == 0


@pytest.mark.parametrize(("handed_over", "missing"), [(9, 1), (0, 10), (11, -1)])
async def test_what_is_missing_or_too_much_when_time_is_over_is_told(handed_over: int, missing: int) -> None:
    assert await await_all_handed_over(Told([handed_over]), AT, 10, seconds=0.01, every=0.001) == missing


def ride(missing: int) -> journey.Ride:
    return journey.Ride(accepted=100, rate=50.0, missing=missing, memory={"commune": 1.0}, shape=SHAPE)


def of_journey(monkeypatch: pytest.MonkeyPatch, missing: int) -> Measure:
    monkeypatch.setattr(journey, "sustained", given(ride(missing)))
    monkeypatch.setattr(journey, "latencies", given(journey.Latencies([10.0], missing)))
    monkeypatch.setattr(journey, "made_database", given(""))
    monkeypatch.setattr(journey, "journey", given(100.0))
    return journey.measure


def of_posts(monkeypatch: pytest.MonkeyPatch, missing: int) -> Measure:
    @asynccontextmanager
    async def bare_endpoint(_: str) -> AsyncIterator[str]:
        yield "http://127.0.0.1:1"

    monkeypatch.setattr(posts, "bare_endpoint", bare_endpoint)
    monkeypatch.setattr(posts, "closed_loop", given(RUN))
    monkeypatch.setattr(posts, "made_database", given(""))
    monkeypatch.setattr(posts, "unnest", given(1_000.0))
    monkeypatch.setattr(posts, "await_all_sent", given(None))
    monkeypatch.setattr(posts, "await_all_handed_over", given(missing))
    return posts.measure


def of_stage(monkeypatch: pytest.MonkeyPatch, missing: int) -> Measure:
    later = AT + timedelta(seconds=2)
    decided = stage.Decided(all=500, first=AT, last=later, at_first=10, gone=later)
    monkeypatch.setattr(stage, "_once", given((decided, missing)))
    monkeypatch.setattr(stage, "pipe", given(1_000.0))
    return stage.measure


def of_spread(monkeypatch: pytest.MonkeyPatch, missing: int) -> Measure:
    monkeypatch.setattr(spread, "_recipients", given(["organ"]))
    monkeypatch.setattr(spread, "closed_loop", given(RUN))
    monkeypatch.setattr(spread, "await_all_handed_over", given(missing))
    return spread.measure


def of_outage(monkeypatch: pytest.MonkeyPatch, missing: int) -> Measure:
    async def arrived(_url: str, act: Any, **_: object) -> Run:
        for number in range(3):
            await act(None, number)
        return RUN

    caught = outage.CatchUp(backlog=3, handed_over=3, seconds=1.0, first_seconds=0.1)
    monkeypatch.setattr(outage, "open_loop", arrived)
    monkeypatch.setattr(outage, "post_dossier", lambda _: given(None))
    monkeypatch.setattr(outage, "BEFORE_SECONDS", 0.0)
    monkeypatch.setattr(outage, "_without_kafka", given(1.0))
    monkeypatch.setattr(outage, "_catch_up", given(caught))
    monkeypatch.setattr(outage, "accepted", given(3))
    monkeypatch.setattr(outage, "await_all_handed_over", given(missing))
    return outage.measure


def of_stored(monkeypatch: pytest.MonkeyPatch, missing: int) -> Measure:
    monkeypatch.setattr(stored, "fill", given(None))
    monkeypatch.setattr(stored, "sustained", given(ride(missing)))
    return stored.measure


ALL = [of_journey, of_posts, of_stage, of_spread, of_outage, of_stored]


@pytest.mark.parametrize("prepare", ALL)
@pytest.mark.parametrize("missing", [1, -1])
async def test_no_figure_counts_when_one_is_lost_or_comes_twice(
    monkeypatch: pytest.MonkeyPatch, prepare: Callable[..., Measure], missing: int
) -> None:
    figures = await prepare(monkeypatch, missing)(bench())

    assert figures
    assert {each.void for each in figures} == {lost(missing)}
    assert {each.verdict for each in figures} == {"void"}


@pytest.mark.parametrize("prepare", ALL)
async def test_the_same_figures_count_when_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, prepare: Callable[..., Measure]
) -> None:
    assert {each.void for each in await prepare(monkeypatch, 0)(bench())} == {""}


async def test_arrivals_that_were_not_accepted_void_the_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    measure = of_outage(monkeypatch, 0)
    monkeypatch.setattr(outage, "accepted", given(2))

    (figure,) = await measure(bench())

    assert figure.void == "3 were sent, 3 answered with 201, 2 stored"


async def test_one_lost_in_any_repeat_is_not_outweighed_by_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    of_stored(monkeypatch, 0)
    rides = iter([ride(missing) for missing in (0, 1, 0, 0, 0, -1, 0, 0)])

    async def sustained(*_: object) -> journey.Ride:
        return next(rides)

    monkeypatch.setattr(stored, "sustained", sustained)

    (figure,) = await stored.measure(bench())

    assert figure.void == lost(1)


def bench() -> Bench:
    return Bench(quick=False, repeats=3, say=_nothing, ground=Told([0]))
