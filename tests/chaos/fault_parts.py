"""Programs and servers killed, halted, away for long, emptied, and joined by a second of their kind."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus

import httpx

from deploy.local.kafka import cluster_of
from deploy.local.processes import log_tail, start_mark
from services.kernel.database import CONNECT_SECONDS, GIVE_UP_SECONDS, POOL_WAIT_SECONDS
from tests.chaos.fault_ground import Ground, recovers, surely
from tests.chaos.plan import Fault

SECOND = 2
LEFT_TO_PROGRAMS = 3.0
BOUND_SECONDS = CONNECT_SECONDS + POOL_WAIT_SECONDS + GIVE_UP_SECONDS + LEFT_TO_PROGRAMS
"""The longest a program may be silent on a database that stands still."""
LEAVERS = ("district", "gateway")
"""Killed before the log is emptied, so that there are unread records to be lost on both legs."""


async def kill(ground: Ground, fault: Fault, begun: asyncio.Event) -> float:
    """kill -9 of all its processes, and a start."""
    try:
        await _killed(ground, fault.target)
        begun.set()
        await asyncio.sleep(fault.seconds)
    finally:
        await ground.start_again(fault.target)
    return time.monotonic()


async def outage(ground: Ground, fault: Fault, begun: asyncio.Event) -> float:
    """Away for long; what is told to the offices meanwhile is accepted."""
    before = ground.count()
    undone = await kill(ground, fault, begun)
    assert ground.count() > before, f"{fault.alone}: nothing was accepted meanwhile"
    return undone


async def freeze(ground: Ground, fault: Fault, begun: asyncio.Event) -> float:
    """SIGSTOP, and SIGCONT; what stands still says nothing, and a program before a still database says so in time."""
    hub, name = ground.hub, fault.target
    if name == "postgres":
        return await _freeze_postgres(ground, fault, begun)
    try:
        await surely(hub.freeze, name)
        begun.set()
        asked = surely(_broker_speaks, hub.ports[name]) if name == "kafka" else surely(hub.is_ready, name)
        spoke, _ = await asyncio.gather(asked, asyncio.sleep(fault.seconds))
    finally:
        await surely(hub.thaw, name)
    assert not spoke, f"{fault.alone}: it went on working"
    return time.monotonic()


async def wipe(ground: Ground, fault: Fault, begun: asyncio.Event) -> float:
    """Every record, offset and topic is gone, and the cluster is another one."""
    hub, kafka = ground.hub, ground.hub.kafka
    assert kafka is not None
    readers = () if fault.target.endswith("live") else LEAVERS
    before = await asyncio.to_thread(cluster_of, hub.ports["kafka"])
    try:
        for reader in readers:
            await _killed(ground, reader)
            await asyncio.sleep(fault.seconds)
        await surely(kafka.wipe)
        begun.set()
        await asyncio.sleep(fault.seconds)
    finally:
        for part in ("kafka", *reversed(readers)):
            await ground.start_again(part)
    after = await asyncio.to_thread(cluster_of, hub.ports["kafka"])
    assert after != before, f"{fault.alone}: the cluster is the same"
    return time.monotonic()


async def second(ground: Ground, fault: Fault, begun: asyncio.Event) -> float:
    """It joins, carries on alone while the first is killed, and leaves as an operator would have it."""
    hub, name = ground.hub, fault.target
    try:
        since = time.monotonic()
        await surely(hub.start_program, name, instance=SECOND)
        begun.set()
        await ground.ready(name, instance=SECOND)
        await recovers(ground.canary(), f"{fault.alone} joins")
        ground.note(f"{fault.alone} joins", 0.0, time.monotonic() - since)
        try:
            await _killed(ground, name)
            await _takes_over(ground, fault)
            await asyncio.sleep(fault.seconds)
        finally:
            await ground.start_again(name)
        await ground.ready(name)
        tail = log_tail(hub.log_file(name, instance=SECOND))
        assert hub.alive(name, instance=SECOND), f"the second {name} ended by itself: {tail}"
    finally:
        await surely(hub.stop_program, name, instance=SECOND)
    return time.monotonic()


async def _takes_over(ground: Ground, fault: Fault) -> None:
    """The canary's sender asks the first commune office, which is away: there the load must wait."""
    if fault.target == "commune":
        return
    since = time.monotonic()
    await recovers(ground.canary(), f"{fault.alone} takes over")
    ground.note(f"{fault.alone} takes over", 0.0, time.monotonic() - since)


async def _killed(ground: Ground, name: str) -> None:
    marks = await surely(ground.processes, name)
    assert marks, f"{name} was not running"
    await surely(ground.hub.kill, name)
    left = [pid for pid, mark in marks.items() if start_mark(pid) == mark]
    assert not left, f"{name} is still there after kill -9: {left}"


async def _freeze_postgres(ground: Ground, fault: Fault, begun: asyncio.Event) -> float:
    hub = ground.hub
    calls: list[asyncio.Task[tuple[int, float]]] = []
    async with ground.caller("commune") as commune, ground.caller("district") as district:
        try:
            await surely(hub.freeze, "postgres")
            begun.set()
            calls = [asyncio.create_task(_answered(http)) for http in (commune, district)]
            await asyncio.sleep(fault.seconds)
        finally:
            await surely(hub.thaw, "postgres")
            undone = time.monotonic()
            answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise AssertionError(f"{fault.alone}: no answer: {answer!r}") from answer
        status, seconds = answer
        assert seconds < BOUND_SECONDS, f"{fault.alone}: {status} came after {seconds:.1f} s"
        allowed = (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)
        assert status in (allowed if seconds > fault.seconds else allowed[1:]), f"{fault.alone}: answered {status}"
    return undone


async def _answered(http: httpx.AsyncClient) -> tuple[int, float]:
    since = time.monotonic()
    answer = await http.get("/v1/dossiers", params={"limit": "1"})
    return answer.status_code, time.monotonic() - since


def _broker_speaks(port: int) -> bool:
    return cluster_of(port) is not None
