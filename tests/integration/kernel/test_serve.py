"""A process under uvicorn: ready, roles, and a signal that loses no request and drains the workers."""

import asyncio
import json
import os
import resource
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from sqlalchemy import text

from deploy.local.ports import free_port
from services.kernel.database import Database
from services.kernel.serve import allow_files
from tests.integration.kernel.scene import until


@asynccontextmanager
async def program(database_url: str, role: str) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    port = free_port()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.kernel.program",
        stdout=PIPE,
        env={
            **os.environ,
            "LIENTHONG_DATABASE_URL": database_url,
            "LIENTHONG_PORT_COMMUNE": str(port),
            "LIENTHONG_ROLE": role,
        },
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            await until(lambda: ready(client))
            yield child, client
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def test_a_signal_drains_requests_and_workers(database_url: str, database: Database) -> None:
    async with program(database_url, "all") as (child, client):
        asking = asyncio.create_task(client.post("/slow"))
        await until(lambda: running(database))
        child.send_signal(signal.SIGTERM)
        answer = await asking
        out, _ = await asyncio.wait_for(child.communicate(), 10)
        assert answer.status_code == 201
        assert child.returncode == 0
    *lines, last = out.decode().splitlines()
    assert last == "closed"
    events = [json.loads(line) for line in lines]
    assert {event["program"] for event in events} == {"commune"}
    assert [event["event"] for event in events] == ["program.started", "request.answered", "program.stopped"]
    async with database.read() as conn:
        found = (await conn.execute(text("SELECT record FROM effect ORDER BY n"))).scalars().all()
    assert sorted(found) == ["drained", "slow"]


async def running(database: Database) -> bool:
    async with database.read() as conn:
        asked = await conn.execute(text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"))
        return bool(asked.scalar_one())


@pytest.mark.parametrize(("role", "status"), [("api", 201), ("worker", 404)])
async def test_roles_decide_who_answers(database_url: str, role: str, status: int) -> None:
    async with program(database_url, role) as (child, client):
        assert (await client.post("/slow")).status_code == status
        assert (await client.get("/healthz")).status_code == 200
        assert "lienthong_http_request_seconds" in (await client.get("/metrics")).text
        child.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(child.wait(), 10) == 0


def test_a_process_takes_all_the_files_it_may_have() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lower = before[1] - 1
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lower, before[1]))
        allow_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
