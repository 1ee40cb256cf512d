"""A full disk under the attachments of one program: uploads are told so, nothing half written is kept, and when there
is room again all goes on. Needs a hub whose command is that of `tests.chaos.program`."""

from __future__ import annotations

import asyncio
import hashlib
import time
from http import HTTPStatus
from uuid import uuid4

import httpx
import orjson

from tests.chaos.fault_ground import ANSWER_SECONDS, LOOK_SECONDS, RECOVERY_SECONDS, Ground, reached, recovers
from tests.chaos.plan import Fault
from tests.chaos.program import full_disk as marker_of
from tests.chaos.program import met

FULL = "system.disk_full"


async def full_disk(ground: Ground, fault: Fault, begun: asyncio.Event) -> float:
    """`ENOSPC` at every write. An office is uploaded to; the gateway keeps what it sends to the axis."""
    if fault.target == "gateway":
        return await _at_gateway(ground, fault, begun)
    async with ground.caller(fault.target) as http:
        content = uuid4().bytes * 1_000
        try:
            _fill(ground, fault)
            begun.set()
            end = time.monotonic() + fault.seconds
            while time.monotonic() < end:
                answer = await _upload(http, content)
                told = (answer.status_code, _code(answer))
                assert told == (HTTPStatus.INSUFFICIENT_STORAGE, FULL), f"{fault.alone}: {told} {answer.text[:300]}"
                await asyncio.sleep(0.3)
        finally:
            _empty(ground, fault)
        undone = time.monotonic()
        answer = await _upload(http, content)
        assert answer.status_code == HTTPStatus.CREATED, f"{fault.alone}: afterwards {answer.text[:300]}"
    return undone


async def _at_gateway(ground: Ground, fault: Fault, begun: asyncio.Event) -> float:
    canary = asyncio.ensure_future(ground.axis_canary())
    try:
        try:
            _fill(ground, fault)
            begun.set()
            found = await reached(met(ground.hub.home, fault.target).exists, RECOVERY_SECONDS)
            assert found, f"{fault.alone}: nothing was written"
            await asyncio.sleep(fault.seconds)
        finally:
            _empty(ground, fault)
        undone = time.monotonic()
        await recovers(canary, fault.alone)
    finally:
        canary.cancel()
        await asyncio.wait({canary})
    return undone


def _fill(ground: Ground, fault: Fault) -> None:
    marker = marker_of(ground.hub.home, fault.target)
    marker.parent.mkdir(exist_ok=True)
    met(ground.hub.home, fault.target).unlink(missing_ok=True)
    marker.touch()


def _empty(ground: Ground, fault: Fault) -> None:
    marker_of(ground.hub.home, fault.target).unlink(missing_ok=True)


async def _upload(http: httpx.AsyncClient, content: bytes) -> httpx.Response:
    """An answer; the office may be starting yet."""
    end = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return await http.put(f"/v1/attachments/{hashlib.sha256(content).hexdigest()}", content=content)
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(LOOK_SECONDS)


def _code(answer: httpx.Response) -> str:
    return str(orjson.loads(answer.content).get("code", "")) if answer.is_error else ""
