"""Two processes of every program share one Kafka and one PostgreSQL: the work is divided, each sending happens once,
and one of them carries on alone when the other is killed, stopped or frozen."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.topology import TOPICS
from deploy.local.processes import log_tail
from deploy.local.programs import OWNERS
from deploy.stories import dossier
from services.kernel.quotas import BURST_SECONDS
from services.office.inbox.polling import POLL_SECONDS
from tests.chaos.load import Load
from tests.scale.stand import BOTH, FACT_TOPICS, FIRST, SECOND, Stand, transfers_of, until

pytestmark = [pytest.mark.more, pytest.mark.timeout(600), pytest.mark.xdist_group("scale")]

LEAST_FACTS = 60
LOAD_SECONDS = 12.0
SUSPENDED_SECONDS = 6.0
"""Two are promised; slow machines take longer."""
QUOTA, RUSH = 2, 20
ELSEWHERE_SECONDS = 30.0
"""A member that was killed is missed after its session of 6 s, its lease ends after 5 s; slow machines take longer."""


async def test_the_work_is_shared_and_each_sending_happens_once(pair: Stand) -> None:
    took = await until(pair.shared, "every program reads in both processes and sends in one")
    pair.tell(f"shared after {took:.1f} s")
    async with pair.loaded("two", workers=4) as load:
        end = time.monotonic() + LOAD_SECONDS
        await until(lambda: time.monotonic() > end and load.accepted >= LEAST_FACTS, "a load of some weight")
        assert await pair.shared(), "one stands by under load"
    await pair.judged(load)
    await _none_twice(pair, load, since=0)
    assert all(pair.doors.served[port] for port in _ports(pair))
    assert not pair.doors.errors
    for program in OWNERS[1:]:
        for organ, items, positions, last in await pair.rows(program, _POSITIONS):
            assert items == positions == last, f"{program}: {organ}"


_POSITIONS = """
    SELECT i.organ, count(*), count(DISTINCT i.position), c.last FROM inbox_item i JOIN inbox_counter c USING (organ)
     GROUP BY i.organ, c.last
"""


async def test_both_processes_give_the_same_answers(pair: Stand) -> None:
    """A key used at one is known at the other, and a long poll at either sees what any of them applied."""
    http, hub, sender = pair.http, pair.hub, pair.systems["commune-a"]
    doors = [hub.address("commune", instance=each) for each in BOTH]
    key = {"Authorization": f"Bearer {await sender.token()}", "Idempotency-Key": str(uuid4())}
    first, again = [await http.post(f"{door}/v1/dossiers", json=dossier.body(), headers=key) for door in doors]
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    reader = pair.systems["stranger"]
    mine = {"Authorization": f"Bearer {await reader.token()}"}
    polls = [await _from_the_end(http, door, mine) for door in doors]
    waiting = [asyncio.create_task(http.get(url, params={"wait": 20, **at}, headers=mine)) for url, at in polls]
    rng, load = random.Random("poll"), Load(pair.clients, pair.log, "poll")
    began = time.monotonic()
    posted = await load.issue(pair.clients["commune-a"], [pair.clients["stranger"]], rng)
    for answer in await asyncio.gather(*waiting):
        assert [item["subject"] for item in answer.json()["items"]] == [posted.body["id"]]
    took = time.monotonic() - began
    pair.tell(f"long polls at both were answered after {took:.2f} s")
    assert took < POLL_SECONDS, "the bell rings in the other process too"


async def test_who_is_suspended_or_bounded_is_so_at_both(pair: Stand) -> None:
    """Suspended at the gateway, a system is refused by both processes of its office with the token it holds; a quota
    is kept by each of them for itself."""
    http, hub, victim = pair.http, pair.hub, pair.systems["stranger"]
    systems, id_ = pair.systems["administrator"].systems, victim.credentials.client_id
    doors = [hub.address("commune", instance=each) for each in BOTH]
    mine = {"Authorization": f"Bearer {await victim.token()}"}

    async def told(door: str) -> tuple[int, str]:
        answer = await http.get(f"{door}/v1/inbox", params={"limit": 1}, headers=mine)
        return answer.status_code, answer.json().get("code", "")

    async def all_tell(status: int, code: str) -> bool:
        return [await told(door) for door in doors] == [(status, code)] * len(doors)

    assert await all_tell(HTTPStatus.OK, "")
    try:
        await systems.suspend(id_, "Khóa bị lộ")
        took = await until(lambda: all_tell(HTTPStatus.FORBIDDEN, "system.suspended"), "suspended at both")
    finally:
        await systems.resume(id_, "Đã đổi khóa")
    pair.tell(f"suspended at both after {took:.2f} s")
    assert took < SUSPENDED_SECONDS
    await until(lambda: all_tell(HTTPStatus.OK, ""), "let in again at both")
    try:
        await systems.change(id_, {"quota": {"requests_per_second": QUOTA}}, reason="Thử hạn mức")
        for door in doors:
            await until(partial(_refused, partial(told, door)), f"bounded at {door}")
            began, served = time.monotonic(), RUSH - await _refused(partial(told, door))
            assert served <= QUOTA * (BURST_SECONDS + time.monotonic() - began) + 1
    finally:
        await systems.change(id_, {"quota": None}, reason="Thử xong")
    await until(lambda: all_tell(HTTPStatus.OK, ""), "not bounded at both")


async def _refused(ask: Callable[[], Awaitable[tuple[int, str]]]) -> int:
    """How many of a rush of calls are beyond the quota; the others are served."""
    answers = Counter(await asyncio.gather(*(ask() for _ in range(RUSH))))
    refused = answers.pop((HTTPStatus.TOO_MANY_REQUESTS, "quota.exceeded"), 0)
    assert set(answers) <= {(HTTPStatus.OK, "")}
    return refused


@pytest.mark.parametrize(
    "programs",
    [pytest.param(OWNERS[:1], id="gateway"), pytest.param(OWNERS[1:], id="offices")],
)
async def test_one_of_two_takes_over_when_the_other_is_killed(pair: Stand, programs: Sequence[str]) -> None:
    rng = random.Random(f"killed {programs[0]}")
    await until(pair.shared, "shared before the kills")
    async with pair.loaded(f"killed {programs[0]}", workers=3) as load:
        for program in programs:
            victim = (await pair.leaders(program))[0]
            began = time.monotonic()
            await asyncio.to_thread(pair.hub.kill, program, instance=victim)
            canary = await pair.canary(load, rng)
            await _taken_over(pair, program, _other(victim))
            took = time.monotonic() - began
            pair.tell(f"kill -9 {program}-{victim}: canary {canary:.1f} s, all of it taken over after {took:.1f} s")
            assert took < ELSEWHERE_SECONDS
            await _back(pair, program, victim)
    await pair.judged(load)


async def test_a_leader_that_stood_still_is_followed_by_the_other(pair: Stand) -> None:
    """It comes back believing that it leads, and what it then writes is fenced."""
    rng = random.Random("frozen")
    await until(pair.shared, "shared before")
    async with pair.loaded("frozen", workers=2) as load:
        for program in ("gateway", "commune"):
            frozen = (await pair.leaders(program))[0]
            fence = await pair.rows(program, _FENCE)
            began = time.monotonic()
            pair.hub.freeze(program, instance=frozen)
            try:
                await _taken_over(pair, program, _other(frozen))
                took = time.monotonic() - began
            finally:
                pair.hub.thaw(program, instance=frozen)
            assert await pair.rows(program, _FENCE) > fence
            await until(pair.shared, f"{program}-{frozen} has its share again")
            assert await pair.leaders(program) == [_other(frozen)]
            canary = await pair.canary(load, rng)
            pair.tell(f"{program}-{frozen} frozen: taken over after {took:.1f} s; thawed, canary {canary:.1f} s")
    await pair.judged(load)


_FENCE = "SELECT fence FROM lease WHERE name = 'relay'"


async def test_a_rolling_restart_is_seen_by_nobody(pair: Stand) -> None:
    """Each process is stopped in good order and started again while the other goes on."""
    hub, errors = pair.hub, len(pair.doors.errors)
    await until(pair.shared, "shared before the restart")
    since = len(pair.log.evidence.facts)
    rng = random.Random("rolling")
    async with pair.loaded("rolling", workers=2) as load:
        for program in OWNERS:
            for instance in BOTH:
                began = time.monotonic()
                await asyncio.to_thread(hub.stop_program, program, instance=instance)
                stopped = time.monotonic() - began
                canary = await pair.canary(load, rng)
                back = await _back(pair, program, instance)
                pair.tell(f"stop {program}-{instance}: {stopped:.1f} s, canary {canary:.1f} s, back {back:.1f} s")
    await pair.judged(load)
    assert pair.doors.errors[errors:] == []
    await _none_twice(pair, load, since=since)


async def _none_twice(stand: Stand, load: Load, *, since: int) -> None:
    found = await stand.sendings(transfers_of(load, since))
    assert len({id_ for _, _, id_ in found}) == len(load.log.evidence.facts) - since
    twice = {fact: count for fact, count in found.items() if count > 1}
    stand.tell(f"{load.seed}: {sum(found.values())} sendings, {len(twice)} facts twice in a topic")
    assert not twice


async def _from_the_end(http: httpx.AsyncClient, door: str, headers: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """A question for what comes after everything that is there."""
    at: dict[str, Any] = {"limit": 500}
    while (page := (await http.get(f"{door}/v1/inbox", params=at, headers=headers)).json())["items"]:
        at["cursor"] = page["cursor"]
    return f"{door}/v1/inbox", at


async def _taken_over(stand: Stand, program: str, instance: int) -> None:
    """The instance leads, and reads every partition."""
    topics = [topic for topic in TOPICS.values() if program in topic.consumers and topic.name in FACT_TOPICS]
    wanted = sum(topic.partitions["local"] for topic in topics)

    async def has_all() -> bool:
        return bool(await stand.leaders(program, [instance])) and await stand.partitions(program, instance) == wanted

    await until(has_all, f"{program}-{instance} leads and reads {wanted} partitions")


def _other(instance: int) -> int:
    return SECOND if instance == FIRST else FIRST


async def _back(stand: Stand, program: str, instance: int) -> float:
    """Started again, until the two share the work."""
    began = time.monotonic()
    await asyncio.to_thread(stand.hub.start_again, program, instance=instance)
    tail = log_tail(stand.hub.log_file(program, instance=instance))
    await until(lambda: stand.hub.is_ready(program, instance=instance), f"{program}-{instance} ready: {tail}")
    await until(stand.shared, f"{program}-{instance} shares the work")
    return time.monotonic() - began


def _ports(stand: Stand) -> list[int]:
    return [
        int(stand.hub.address(program, instance=each).rpartition(":")[2]) for program in OWNERS[1:] for each in BOTH
    ]
