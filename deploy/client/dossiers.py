"""Dossiers (hồ sơ): submitted, acted upon, handed on under custody, read and listed."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Unpack

from deploy.client.answers import Acted, ActFields, Dossier, DossierFilters, DossierLine, NewDossier, Offered, Submitted
from deploy.client.problems import HubProblem, problem_from, problem_of
from deploy.client.transport import Hand, matching, segment
from deploy.client.waiting import WAIT_SECONDS, until
from deploy.client.words import Action

PATH = "/v1/dossiers"
BATCH = 500
"""The most dossiers the hub takes at once."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one dossier of many; `index` is its place among all that were given."""

    index: int
    status: int
    body: Submitted | None = None
    problem: HubProblem | None = None


class Dossiers:
    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    async def submit(self, dossier: NewDossier, *, idempotency_key: str | None = None) -> Submitted:
        """The organ receives the dossier and becomes its custodian. When this returns it is stored durably.

        A key of your own (your record's id, say) makes even a repeat after a crash of your program count once.
        """
        answer: Submitted = await self._hand.post(PATH, dossier, key=idempotency_key)
        return answer

    async def submit_many(
        self, dossiers: Iterable[NewDossier], *, size: int = BATCH, idempotency_key: str | None = None
    ) -> AsyncIterator[Outcome]:
        """Many, in batches; tells what became of each, in order. A refused one does not hold up the others.

        When a batch as a whole fails this raises; what was yielded before is settled.
        """
        given, first = iter(dossiers), 0
        while batch := list(islice(given, min(size, BATCH))):
            key = f"{idempotency_key}-{first}" if idempotency_key else None
            for line in await self._submit(batch, key):
                problem = line.get("problem")
                status = line["status"]
                yield Outcome(
                    first + line["index"],
                    status,
                    line.get("body"),
                    problem_from(status, problem) if problem else None,
                )
            first += len(batch)

    async def _submit(self, batch: Sequence[NewDossier], key: str | None) -> Sequence[dict[str, Any]]:
        path = f"{PATH}:batch"
        answer = await self._hand.post_raw(path, {"items": batch}, key=key, also=(422,))
        body = answer.json() if answer.content else {}
        if not isinstance(body, dict) or "items" not in body:
            raise problem_of(answer)
        lines: Sequence[dict[str, Any]] = body["items"]
        return lines

    async def show(self, code: str) -> Dossier:
        """The dossier as the organ may see it, with its history."""
        dossier: Dossier = await self._hand.get(f"{PATH}/{segment(code)}")
        return dossier

    def list(self, **filters: Unpack[DossierFilters]) -> AsyncIterator[DossierLine]:
        """Newest first, page after page as they are asked for."""
        return self._hand.items(PATH, filters)

    async def act(
        self,
        code: str,
        action: Action,
        *,
        if_match: int | str | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[ActFields],
    ) -> Acted:
        """One act. With `if_match` only if the dossier still has the version seen, else `Conflict` (412)."""
        body = {"action": action, **fields}
        acted: Acted = await self._hand.post(
            f"{PATH}/{segment(code)}/actions", body, key=idempotency_key, headers=matching(if_match)
        )
        return acted

    async def transfer(
        self,
        code: str,
        to: str,
        reason: str,
        *,
        due_at: str | None = None,
        if_match: int | str | None = None,
        idempotency_key: str | None = None,
    ) -> Offered:
        """Offers custody to another organ; the dossier is frozen until that organ answers or the offer is recalled."""
        body = {"to": to, "reason": reason} | ({"due_at": due_at} if due_at else {})
        offered: Offered = await self._hand.post(
            f"{PATH}/{segment(code)}/transfers", body, key=idempotency_key, headers=matching(if_match)
        )
        return offered

    async def accept_custody(self, code: str) -> Acted:
        """Takes what is offered. `taking` instead of `held`: the hub has not decided yet, see `until_held`."""
        return await self.act(code, "accept_custody")

    async def refuse_custody(self, code: str, reason: str) -> Acted:
        """Leaves what is offered to the organ that offers it."""
        return await self.act(code, "refuse_custody", reason=reason)

    async def recall_custody(self, code: str) -> Acted:
        """Takes an own offer back, unless it was accepted first (`Conflict`)."""
        return await self.act(code, "recall_custody")

    async def until(
        self, code: str, holds: Callable[[Dossier], bool], what: str, *, seconds: float = WAIT_SECONDS
    ) -> Dossier:
        """Reads the dossier until it is so; raises `TimedOut`."""
        return await until(lambda: self.show(code), holds, f"{code}: {what}", self._hand.timing, seconds)

    async def until_held(self, code: str, *, seconds: float = WAIT_SECONDS) -> Dossier:
        """Until the organ has custody and nothing of it is on the way."""
        return await self.until(code, lambda dossier: dossier["custody"] == "held", "custody held", seconds=seconds)

    async def until_status(self, code: str, *statuses: int, seconds: float = WAIT_SECONDS) -> Dossier:
        told = " or ".join(map(str, statuses))
        return await self.until(code, lambda dossier: dossier["status"] in statuses, f"status {told}", seconds=seconds)
