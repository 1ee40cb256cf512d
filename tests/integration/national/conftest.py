"""The stand-in of the national axis as a real process on a free port, and a client that talks to it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from deploy.local.ports import free_port
from gateway.national.client import AxisAccount, AxisClient

ROOT = Path(__file__).parents[3]
SYSTEM = "000.00.00.H28"
SECRET = "khoa-thu-cua-truc"
DEADLINE_SECONDS = 20.0

Found = TypeVar("Found")


class StandIn:
    """One folder and one port; the process may be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self._environment = {
            **os.environ,
            "LIENTHONG_LOCAL": "1",
            "LIENTHONG_HOME": str(home),
            "LIENTHONG_PORT_AXIS": str(self.port),
            "LIENTHONG_AXIS_SYSTEMID": SYSTEM,
            "LIENTHONG_AXIS_SECRET": SECRET,
            "LIENTHONG_AXIS_SYSTEMS": '{"H44.15": {"secrets": ["khoa-mau-1", "khoa-sau"]}}',
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.axis"], cwd=ROOT, env=self._environment, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not self._is_healthy():
            assert self._process.poll() is None, "the stand-in ended at once"
            assert time.monotonic() < deadline, "the stand-in did not come up"

    def kill(self) -> None:
        """Without any chance to tidy up."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=1).status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
            return False


@pytest.fixture
def axis(tmp_path: Path) -> Iterator[StandIn]:
    stand_in = StandIn(tmp_path)
    stand_in.start()
    try:
        yield stand_in
    finally:
        stand_in.stop()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def connect(axis: StandIn, http: httpx.AsyncClient) -> Callable[..., AxisClient]:
    """A client of the stand-in; by default the hub's own account."""

    def connected(system_id: str = SYSTEM, secret: str = SECRET, timeout_seconds: float = 20.0) -> AxisClient:
        account = AxisAccount(f"{axis.url}/vxp", system_id, secret)
        return AxisClient(http, account, clock=lambda: datetime.now(UTC), timeout_seconds=timeout_seconds)

    return connected


async def until(question: Callable[[], Awaitable[Found]], good: Callable[[Found], bool]) -> Found:
    """The first answer that is good; fails at the deadline with the last one."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = await question()
        if good(answer):
            return answer
        assert time.monotonic() < deadline, f"still {answer!r}"
        await asyncio.sleep(0.02)
