"""The barest endpoint that takes a dossier: FastAPI, pydantic, one INSERT and COMMIT a request, an afternoon's work.

`python -m tests.bench.bare PORT DSN`. Served as the programs of the hub are (loop, parser, no access log, no telemetry,
settled heap), by as many database connections with the same settings. It knows no caller, no rule and no repeat, and
tells nobody.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count
from typing import Any, Final, Literal

import asyncpg
import uvicorn
import uvloop
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from pydantic import BaseModel

from deploy.local.ports import free_port
from deploy.local.processes import LAUNCHER
from deploy.local.programs import ROOT
from services.kernel.database import driver_dsn, server_settings
from services.kernel.settings import Settings
from tests.bench import http

POOL_SIZE: Final[int] = Settings.model_fields["database_pool_size"].default
START_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.02
SESSION: Final = server_settings("bench-floor")
"""Durable, and otherwise too as ours."""
UNTOLD: Final = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)
TABLE: Final = """
    DROP TABLE IF EXISTS bare_dossier;
    CREATE TABLE bare_dossier (code text PRIMARY KEY, body jsonb NOT NULL)
"""
INSERT: Final = "INSERT INTO bare_dossier (code, body) VALUES ($1, $2)"


class Applicant(BaseModel):
    kind: Literal["citizen", "business", "household"]
    name: str
    id_number: str | None = None
    phone: str | None = None
    email: str | None = None
    address: str | None = None


class Attachment(BaseModel):
    sha256: str
    name: str
    media_type: str
    component: str | None = None


class Dossier(BaseModel):
    code: str | None = None
    procedure: str
    deciding_organ: str | None = None
    channel: int = 1
    applicant: Applicant
    summary: str | None = None
    due_at: datetime | None = None
    attachments: list[Attachment] = []
    note: str | None = None


class Issued(BaseModel):
    code: str


def build(pool: Any) -> FastAPI:
    """`POST /dossiers`; the pool is asyncpg's."""
    app = FastAPI(openapi_url=None, telemetry=UNTOLD)
    numbers = count(1)

    @app.post("/dossiers", status_code=201)
    async def post(dossier: Dossier) -> Issued:
        code = dossier.code or f"H28.1-20240603-{next(numbers):07}"
        await pool.execute(INSERT, code, dossier.model_dump_json(exclude_none=True))
        return Issued(code=code)

    return app


async def serve(port: int, dsn: str) -> None:
    """Until SIGTERM. The table is made anew."""
    async with asyncpg.create_pool(
        driver_dsn(dsn), min_size=POOL_SIZE, max_size=POOL_SIZE, server_settings=SESSION, reset=_as_it_was
    ) as pool:
        await pool.execute(TABLE)
        config = uvicorn.Config(
            build(pool),
            host="127.0.0.1",
            port=port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
        )
        gc.freeze()
        await uvicorn.Server(config).serve()


async def _as_it_was(_: Any) -> None:
    """One INSERT leaves nothing behind on a connection: the round trip to clear it would only make this slower."""


@asynccontextmanager
async def child(*words: str) -> AsyncIterator[Process]:
    """`python -m` these words, spoken to by its input and output; it ends with the block, and with this process."""
    tied = (str(LAUNCHER), str(os.getpid()), str(int(signal.SIGTERM)), "", "--")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", *tied, sys.executable, "-m", *words, cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def bare_endpoint(dsn: str) -> AsyncIterator[str]:
    """The URL to post dossiers to, once it answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/dossiers"
    async with child("tests.bench.bare", str(port), dsn) as process:
        async with asyncio.timeout(START_SECONDS):
            while not await _answers(url):
                assert process.returncode is None, "the bare endpoint ended"
                await asyncio.sleep(POLL_SECONDS)
        yield url


async def _answers(url: str) -> bool:
    try:
        async with http.connections(url, 1) as (connection,):
            await connection.ask(http.request("GET", url))
    except OSError:
        return False
    return True


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
