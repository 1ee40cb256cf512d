"""Faults a test can order from the stand-in of the national axis: each spoils the next calls of one verb."""

import asyncio
from collections import deque
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

FaultKind = Literal["500", "hang", "lose_answer", "twice"]


class Faults:
    """First ordered, first met. Not kept over a restart."""

    def __init__(self) -> None:
        self._pending: dict[str, deque[FaultKind]] = {}
        self._let_go: dict[str, asyncio.Event] = {}

    def order(self, verb: str, kind: FaultKind, count: int) -> None:
        """A count of 0 cancels what is pending for the verb and lets go of what hangs."""
        if count == 0:
            self._pending.pop(verb, None)
            self._let_go.pop(verb, asyncio.Event()).set()
        else:
            self._pending.setdefault(verb, deque()).extend([kind] * count)

    def take(self, verb: str) -> FaultKind | None:
        pending = self._pending.get(verb)
        return pending.popleft() if pending else None

    def pending(self) -> dict[str, list[FaultKind]]:
        return {verb: list(kinds) for verb, kinds in self._pending.items() if kinds}

    async def hang(self, verb: str, request: Request) -> None:
        """Until the caller has gone, or the faults of the verb are cancelled."""
        let_go = self._let_go.setdefault(verb, asyncio.Event())
        waiting = {asyncio.create_task(until_disconnected(request)), asyncio.create_task(let_go.wait())}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()


class LostAnswer(Response):
    """Breaks the connection in the middle of the answer: the work is done and the caller cannot know."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def until_disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
