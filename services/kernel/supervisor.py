"""Starts, watches and drains the workers of a process; one that fails is started again, ever more slowly."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from services.kernel.pause import pause

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
STEADY_SECONDS = 60.0  # a worker that ran this long starts with the first delay again

_log = structlog.get_logger(__name__)

Run = Callable[[asyncio.Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Part:
    """State of one part of the process; only a critical one makes the process not ready."""

    name: str
    ok: bool
    detail: str = ""
    critical: bool = True


@dataclass(slots=True)
class _Worker:
    name: str
    run: Run
    critical: bool
    state: Callable[[], Part] | None
    failed: str = ""
    restarts: int = 0
    running: bool = False
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Supervisor:
    """Workers are `async def run(stop)`: they return soon after `stop` is set, having finished what they began."""

    def __init__(self, *, drain_seconds: float = 8.0) -> None:
        self._drain_seconds = drain_seconds
        self._workers: list[_Worker] = []
        self._stop = asyncio.Event()

    def add(self, name: str, run: Run, *, critical: bool = False, state: Callable[[], Part] | None = None) -> None:
        """Registers a worker before `start`. `state` speaks for it while it runs."""
        self._workers.append(_Worker(name, run, critical, state))

    def start(self) -> None:
        for worker in self._workers:
            if worker.task is None:
                worker.task = asyncio.create_task(self._watch(worker), name=f"worker {worker.name}")

    async def stop(self) -> None:
        """Asks all to stop and waits; whoever has not finished at the deadline is cancelled."""
        self._stop.set()
        tasks = {worker.task for worker in self._workers if worker.task is not None}
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._drain_seconds)
        for task in late:
            _log.warning("worker.cancelled", worker=task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=2)

    def parts(self) -> list[Part]:
        """One part per worker."""
        return [self._part(worker) for worker in self._workers]

    def _part(self, worker: _Worker) -> Part:
        if worker.failed:
            return Part(worker.name, False, worker.failed, worker.critical)
        if not worker.running:
            return Part(worker.name, False, "not running", worker.critical)
        if worker.state is not None:
            return worker.state()
        return Part(worker.name, True, "running", worker.critical)

    async def _watch(self, worker: _Worker) -> None:
        delay = FIRST_DELAY
        while not self._stop.is_set():
            began = time.monotonic()
            worker.running = True
            try:
                await worker.run(self._stop)
                if not self._stop.is_set():
                    worker.failed = "ended by itself"
            except Exception as error:
                worker.failed = f"failed: {type(error).__name__}, restart {worker.restarts + 1}"
                _log.exception("worker.failed", worker=worker.name, restarts=worker.restarts)
            finally:
                worker.running = False
            if time.monotonic() - began > STEADY_SECONDS:
                delay = FIRST_DELAY
            if not await pause(self._stop, delay):
                worker.restarts += 1
                delay = min(delay * 2, LONGEST_DELAY)
                asyncio.get_running_loop().call_later(min(delay, 5.0), self._recovered, worker, worker.restarts)

    def _recovered(self, worker: _Worker, restarts: int) -> None:
        if worker.running and worker.restarts == restarts:
            worker.failed = ""
