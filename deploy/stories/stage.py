"""The stage of a story: the systems by name, and the line shown for each step with its time."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deploy.agency import Agency, Unexpected, read_credentials

SAMPLES = Path(__file__).resolve().parents[1] / "seed" / "samples"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: what, from whom, to whom, what became of it, in how many milliseconds."""

    what: str
    giver: str
    taker: str
    state: str
    milliseconds: float


class Stage:
    def __init__(
        self, systems: dict[str, Agency], axis_url: str, http: httpx.AsyncClient, tell: Callable[[Step], None]
    ):
        self._systems, self.axis_url, self.http, self._tell = systems, axis_url, http, tell
        self.steps = 0

    def __getitem__(self, name: str) -> Agency:
        return self._systems[name]

    @asynccontextmanager
    async def step(self, what: str, giver: str, taker: str = "", state: str = "") -> AsyncIterator[dict[str, Any]]:
        """Times what happens inside; `seen["state"]` may be set when it is known."""
        seen: dict[str, Any] = {"state": state}
        began = time.perf_counter()
        yield seen
        self.steps += 1
        self._tell(Step(what, giver, taker, str(seen["state"]), (time.perf_counter() - began) * 1000))


@asynccontextmanager
async def open_stage(home: Path, axis_url: str, tell: Callable[[Step], None]) -> AsyncIterator[Stage]:
    """The stage for the hub whose credentials lie in `home`."""
    credentials = read_credentials(home)
    async with httpx.AsyncClient(timeout=httpx.Timeout(40.0, connect=5.0), trust_env=False) as http:
        yield Stage({name: Agency(entry, http) for name, entry in credentials.items()}, axis_url, http, tell)


def check(condition: bool, what: str) -> None:
    """A story's own assertion."""
    if not condition:
        raise Unexpected(what)
