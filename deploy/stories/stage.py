"""The stage of a story: the systems by name, and the line shown for each step with its time."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deploy.client.credentials import read_credentials
from deploy.client.hub import Hub
from deploy.client.problems import HubProblem

SAMPLES = Path(__file__).resolve().parents[1] / "seed" / "samples"


class Unexpected(Exception):
    """The hub did otherwise than the story says."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: what, from whom, to whom, what became of it, in how many milliseconds."""

    what: str
    giver: str
    taker: str
    state: str
    milliseconds: float


class Stage:
    def __init__(self, systems: dict[str, Hub], axis_url: str, http: httpx.AsyncClient, tell: Callable[[Step], None]):
        self._systems, self.axis_url, self.http, self._tell = systems, axis_url, http, tell
        self.steps = 0

    def __getitem__(self, name: str) -> Hub:
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
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Stage({name: Hub(entry, http=http) for name, entry in credentials.items()}, axis_url, http, tell)


def check(condition: bool, what: str) -> None:
    """A story's own assertion."""
    if not condition:
        raise Unexpected(what)


async def refused(call: Awaitable[object], status: int, code: str) -> HubProblem:
    """The refusal of a call that must be refused just so, and with a remedy."""
    try:
        answer = await call
    except HubProblem as problem:
        check((problem.status, problem.code) == (status, code), f"refused otherwise than {status} {code}: {problem}")
        check(bool(problem.remedy.vi and problem.remedy.en), f"a refusal without remedy: {problem}")
        return problem
    raise Unexpected(f"taken, though {status} {code} was due: {answer}")
