"""Runs one process: uvicorn with the app and, by role, the workers; SIGTERM drains both.

A process without the API role answers /healthz, /readyz and /metrics all the same.
"""

import asyncio
import gc
import logging
import resource
import signal
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog
import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI
from starlette.routing import Route

from services.kernel.app import Web, build_app
from services.kernel.hot import Hot
from services.kernel.limits import limits_of
from services.kernel.settings import Settings
from services.kernel.supervisor import Part, Supervisor
from services.kernel.wire import Wire

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Process:
    """A program as its `main` joined it; `supervisor` holds the workers that this role runs."""

    settings: Settings
    web: Web
    routers: Sequence[APIRouter]
    plain: Sequence[Route] = ()
    hot: Sequence[Hot] = ()
    supervisor: Supervisor
    stopping: asyncio.Event
    """Set at the signal, before connections are drained: long polls should end."""


def build(process: Process) -> FastAPI:
    """The app of this process, with the workers started and drained by its lifespan."""

    async def parts() -> Sequence[Part]:
        return process.supervisor.parts()

    async def start() -> None:
        process.supervisor.start()
        gc.freeze()  # what start-up made stays; full collections need not walk it

    async def stop() -> None:
        process.stopping.set()
        await process.supervisor.stop()

    web = replace(
        process.web,
        max_body_bytes=process.settings.max_body_bytes,
        max_requests=process.settings.max_requests,
        limits=limits_of(process.settings),
        stopping=process.stopping,
        checks=[*process.web.checks, parts],
        started=[*process.web.started, start],
        stopped=[stop, *process.web.stopped],
    )
    if process.settings.role == "worker":
        return build_app(web, [])
    return build_app(web, process.routers, plain=process.plain, hot=process.hot)


def run_program(program: Coroutine[None, None, None]) -> None:
    """The program, from its first step, on the loop of its server: a quarter less CPU than asyncio's own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(program)


async def serve(app: FastAPI, settings: Settings, stopping: asyncio.Event) -> None:
    """Until SIGINT or SIGTERM; a second signal ends it at once."""
    allow_files()
    server = server_of(app, settings, stopping)
    _log.info("program.started", host=settings.host, port=settings.port, role=settings.role)
    await server.serve()
    _log.info("program.stopped")


def server_of(app: FastAPI, settings: Settings, stopping: asyncio.Event) -> uvicorn.Server:
    # its warnings are about requests it cannot parse, and are told by the protocol as refusals
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="none",
        http=Wire,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing asks for the caller's address
        timeout_graceful_shutdown=int(settings.stop_seconds),
        timeout_keep_alive=30,
    )
    return _Server(config, stopping)


def allow_files() -> None:
    """As many connections as the system lets this process have: one file each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Server(uvicorn.Server):
    """Tells of the signal before connections are drained, and returns afterwards instead of dying of it."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._signalled, number)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _signalled(self, number: int) -> None:
        self._stopping.set()
        self.force_exit = self.should_exit
        self.should_exit = True
