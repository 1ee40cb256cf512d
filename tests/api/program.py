"""A program in a process of its own, on a real socket, with a database server that can be stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import orjson
from pydantic import SecretStr

from deploy.local.ports import free_port
from services.kernel.messaging.records import Ack, Outgoing
from services.kernel.messaging.topics import ensure
from services.kernel.settings import DEFAULT_PORTS, Settings
from tests.api.office import OfficeStage
from tests.integration.office.stage import settings_for, until

START_SECONDS = 60.0
AnyLive = TypeVar("AnyLive", bound="Live")


class Live:
    """A process, and a client of it; what it logs is kept in a file."""

    def __init__(self, process: Process, port: int, http: httpx.AsyncClient, log: Path) -> None:
        self.process = process
        self.port = port
        self.http = http
        self._log = log

    @property
    def log(self) -> bytes:
        return self._log.read_bytes()

    def errors(self) -> list[str]:
        """Lines of level error, and what is no line of a log: a stack trace."""
        lines = self.log.splitlines()
        return [line.decode() for line in lines if not line.startswith(b"{") or b'"level":"error"' in line]

    async def ready(self) -> bool:
        try:
            return (await self.http.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def alive(self) -> bool:
        return self.process.returncode is None


class Program(Live):
    """The commune's office; `stage` signs tokens for it."""

    stage: OfficeStage

    def headers(self, system: str = "everything", **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.stage.token(system)}", **more}


@asynccontextmanager
async def office_program(
    url: str, bootstrap: str, home: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Program]:
    """The commune's office, ready; `url` is a migrated database, `environment` more settings."""
    port = free_port()
    ports = {**DEFAULT_PORTS, "commune": port, "gateway": free_port({port})}
    settings = settings_for(
        url, bootstrap, home, port=port, ports=ports, retry_scale=1000.0, database_url=SecretStr(url)
    )
    stage = OfficeStage(settings)
    await _publish(stage)
    given = _environment(settings) | (environment or {})
    async with _running("services.commune.main", given, port, home, Program) as program:
        program.stage = stage
        yield program


@asynccontextmanager
async def gateway_program(settings: Settings) -> AsyncIterator[Live]:
    """The gateway, ready; its database is migrated and seeded."""
    async with _running("gateway.main", _environment(settings), settings.port, settings.home, Live) as program:
        yield program


def _environment(settings: Settings) -> dict[str, str]:
    ports = {f"LIENTHONG_PORT_{name.upper()}": str(port) for name, port in settings.ports.items()}
    return ports | {
        "LIENTHONG_HOME": str(settings.home),
        "LIENTHONG_HUB": settings.hub,
        "LIENTHONG_LOCAL": "true",
        f"LIENTHONG_DATABASE_URL_{settings.program.upper()}": settings.database_url.get_secret_value(),
        "LIENTHONG_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "LIENTHONG_TOPIC_PREFIX": settings.topic_prefix,
        "LIENTHONG_RETRY_SCALE": str(settings.retry_scale),
    }


@asynccontextmanager
async def _running(
    module: str, environment: Mapping[str, str], port: int, home: Path, kind: type[AnyLive]
) -> AsyncIterator[AnyLive]:
    """Until the block ends, then stopped as an operator would."""
    log = home / f"{module}.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, env={**os.environ, **environment}, stdout=out, stderr=out
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            live = kind(process, port, http, log)
            await until(live.ready, seconds=START_SECONDS, what=f"{module} to be ready")
            yield live
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _publish(stage: OfficeStage) -> None:
    """What the gateway would tell: organs, systems and the key."""
    try:
        await ensure(stage.admin, stage.settings)
        told = [
            Outgoing(topic=topic, key=name, value=orjson.dumps(value), headers=())
            for topic, name, value in stage.registries()
        ]
        results = await stage.producer.send(told)
        assert all(isinstance(result, Ack) for result in results), results
    finally:
        await stage.producer.aclose()
        await stage.admin.aclose()
        await stage.office.close()
