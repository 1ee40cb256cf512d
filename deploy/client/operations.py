"""The gateway for operators (scope `ops`): transfers, routes, what is stuck and what to do about it; for administrators
(`admin`): audit and keys."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Unpack

from deploy.client.answers import Transfer, TransferFilters
from deploy.client.problems import Conflict, HubProblem, Invalid, NotFound
from deploy.client.registers import (
    Closed,
    DeadLetter,
    DeadLetterFilters,
    Decision,
    Redelivered,
    Route,
    Stuck,
    StuckFilters,
    Undecided,
)
from deploy.client.transport import Hand, segment

ACTS_PER_SECOND = 20.0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one of many: the hub's answer, or why it refused."""

    id: str
    body: Mapping[str, Any] | None = None
    problem: HubProblem | None = None


class Operations:
    """Acts take a `reason` (3 to 500 characters), which is kept with who acted; `dry_run` tells what would happen and
    changes nothing."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    # what is on its way ---------------------------------------------------------------------------------------------

    def transfers(self, **filters: Unpack[TransferFilters]) -> AsyncIterator[Transfer]:
        """All transfers of the hub that fit, newest first."""
        return self._hand.items("/v1/transfers", filters, at="gateway")

    async def transfer(self, id_: str) -> Transfer:
        """One transfer with every delivery, whoever sent it."""
        transfer: Transfer = await self._hand.get(f"/v1/transfers/{segment(id_)}", at="gateway")
        return transfer

    async def routes(self) -> list[Route]:
        """How it goes from level to level: what is open and since when, how much passes, what failed."""
        routes: list[Route] = await self._hand.get("/v1/routes", at="gateway")
        return routes

    async def watch_routes(self, seconds: float) -> AsyncGenerator[list[Route], None]:
        """The routes now and again after each pause, without end; a hub that is away is waited for."""
        patient = Operations(self._hand.within(inf))
        while True:
            yield await patient.routes()
            await self._hand.timing.sleep(seconds)

    # what is stuck --------------------------------------------------------------------------------------------------

    def stuck(self, **filters: Unpack[StuckFilters]) -> AsyncIterator[Stuck]:
        """Deliveries that do not come to an end, the oldest first."""
        return self._hand.items("/v1/stuck", filters, at="gateway")

    async def redeliver(self, delivery: str, reason: str, *, dry_run: bool = False) -> Redelivered:
        """Sends an open delivery again now, whatever its schedule says."""
        sent: Redelivered = await self._act(f"/v1/deliveries/{segment(delivery)}:redeliver", reason, dry_run)
        return sent

    async def close(self, delivery: str, reason: str, *, dry_run: bool = False) -> Closed:
        """Gives an open delivery up for good: its organ does not get the message, and the sender is told."""
        closed: Closed = await self._act(f"/v1/deliveries/{segment(delivery)}:close", reason, dry_run)
        return closed

    async def each(
        self,
        ids: Iterable[str],
        act: Callable[[str], Awaitable[Mapping[str, Any]]],
        *,
        per_second: float = ACTS_PER_SECOND,
    ) -> AsyncGenerator[Result, None]:
        """The act upon one after the other, so many in a second; one that is refused does not hold up the others.

        What concerns all (no answer, no right to act) raises; what was yielded before is settled.
        """
        timing = self._hand.timing
        due = timing.now()
        for id_ in ids:
            if (early := due - timing.now()) > 0:
                await timing.sleep(early)
            due = max(due, timing.now()) + 1 / per_second
            try:
                result = Result(id_, await act(id_))
            except (Conflict, Invalid, NotFound) as problem:
                result = Result(id_, problem=problem)
            yield result

    # what could not be read -----------------------------------------------------------------------------------------

    def dead_letters(self, **filters: Unpack[DeadLetterFilters]) -> AsyncIterator[DeadLetter]:
        """Records that were put aside by the gateway or an office, newest first; headers and verdict only."""
        return self._hand.items("/v1/dead-letters", filters, at="gateway")

    async def close_dead_letter(self, id_: str, reason: str, *, dry_run: bool = False) -> DeadLetter:
        """It was looked into and needs nothing more."""
        closed: DeadLetter = await self._act(f"/v1/dead-letters/{segment(id_)}:close", reason, dry_run)
        return closed

    # whom a closed organ's messages go to ---------------------------------------------------------------------------

    def undecided(self, *, limit: int | None = None) -> AsyncIterator[Undecided]:
        """Closed organs with several successors whose messages wait for a decision."""
        return self._hand.items("/v1/undecided", {"limit": limit}, at="gateway")

    async def decide(
        self, organ: str, successor: str, reason: str, *, subject: str | None = None, dry_run: bool = False
    ) -> Decision:
        """Whom the messages to a closed organ go to: all that wait and all to come, or those of one `subject`. Many are
        still being carried out when this returns."""
        more = {"successor": successor} | ({"subject": subject} if subject else {})
        decision: Decision = await self._act(f"/v1/undecided/{segment(organ)}:decide", reason, dry_run, more)
        return decision

    # administration -------------------------------------------------------------------------------------------------

    def audit(self, **filters: str | int | bool | None) -> AsyncIterator[dict[str, Any]]:
        """Who changed what and when, newest first; the filters are those of `GET /v1/audit`."""
        return self._hand.items("/v1/audit", filters, at="gateway")

    async def keys(self) -> Any:
        """The keys tokens are signed with, public parts only."""
        return await self._hand.get("/v1/keys", at="gateway")

    async def rotate_keys(self, reason: str) -> Any:
        """Publishes a new key; it signs as soon as every office can know it."""
        return await self._hand.post("/v1/keys:rotate", {"reason": reason}, at="gateway")

    async def _act(self, path: str, reason: str, dry_run: bool, more: dict[str, str] | None = None) -> Any:
        body = {**(more or {}), "reason": reason} | ({"dry_run": True} if dry_run else {})
        return await self._hand.post(path, body, at="gateway")
