"""The inbox: what is addressed to the organ, item by item, acknowledged when the caller is done with it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from math import inf
from typing import TypedDict

from deploy.client.answers import Acknowledged, Item
from deploy.client.problems import ClientError, TimedOut
from deploy.client.transport import Hand
from deploy.client.waiting import WAIT_SECONDS
from deploy.client.words import Kind

PATH = "/v1/inbox"
POLL_SECONDS = 30.0
"""The longest the hub holds a poll open."""
GRACE_SECONDS = 15.0
ACK_SECONDS = 5.0
"""What is done is acknowledged this soon, with the next item, even when there are few."""
ACK_ITEMS = 1000
CLOSE_SECONDS = 3.0
EMPTY_SECONDS = 1.0
"""An empty answer that comes at once (the hub stops, or no kind may be seen) is not asked for again at once."""


class Page(TypedDict):
    """What is not acknowledged, oldest first; `cursor` reads on behind it."""

    items: list[Item]
    cursor: str | None


class Inbox:
    """Called, it reads: `async for item in hub.inbox(kinds=["dossier"]): …`."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    async def __call__(
        self,
        kinds: Iterable[Kind] = (),
        *,
        follow: bool = True,
        ack: bool = True,
        limit: int = 100,
    ) -> AsyncGenerator[Item, None]:
        """Items, oldest first; waits for more unless `follow` is off. Each comes once in a run.

        An item counts as done when the next one is asked for, that is when the body of the loop came to its end
        without an exception, and is then acknowledged, several together. So each item is seen at least once: after a
        crash those not acknowledged come again. With `ack=False` call `hub.inbox.ack(…)` yourself. Restarts of the hub
        are waited out however long they take. Cancelling, or `contextlib.aclosing`, ends it and acknowledges what is
        done.
        """
        patient, kinds = self._hand.within(inf), tuple(kinds)
        done = _Done(patient, enabled=ack)
        cursor: str | None = None
        try:
            while True:
                page = await self._page(patient, kinds, cursor, wait=POLL_SECONDS if follow else 0.0, limit=limit)
                for item in page["items"]:
                    yield item
                    await done.add(item["id"])
                await done.flush()
                if not page["items"] and not follow:
                    return
                cursor = page["cursor"] or cursor
        finally:
            await done.close(self._hand.within(0))

    async def read(self, kinds: Iterable[Kind] = (), *, limit: int = 100, cursor: str | None = None) -> Page:
        """One page, at once; nothing is acknowledged."""
        return await self._page(self._hand, kinds, cursor, wait=0.0, limit=limit)

    async def ack(self, *ids: str) -> Acknowledged:
        """These are done with, for this system; doing it again is harmless."""
        taken: list[str] = []
        unknown: list[str] = []
        for first in range(0, len(ids), ACK_ITEMS):
            answer = await self._hand.post(f"{PATH}/ack", {"ids": ids[first : first + ACK_ITEMS]})
            taken += answer["acknowledged"]
            unknown += answer["unknown"]
        return {"acknowledged": taken, "unknown": unknown}

    async def wait_for(
        self,
        matches: Callable[[Item], bool],
        kinds: Iterable[Kind] = (),
        *,
        what: str = "the expected inbox item",
        seconds: float = WAIT_SECONDS,
    ) -> Item:
        """The first item that matches, acknowledged; all others are left alone. Raises `TimedOut`."""
        timing, kinds = self._hand.timing, tuple(kinds)
        end, cursor = timing.now() + seconds, None
        while (left := end - timing.now()) > 0:
            page = await self._page(self._hand, kinds, cursor, wait=min(left, POLL_SECONDS), limit=500)
            for item in page["items"]:
                if matches(item):
                    await self.ack(item["id"])
                    found: Item = item
                    return found
            cursor = page["cursor"] or cursor
        raise TimedOut(what, seconds)

    async def _page(self, hand: Hand, kinds: Iterable[Kind], cursor: str | None, *, wait: float, limit: int) -> Page:
        query = {"kind": ",".join(kinds) or None, "wait": f"{wait:g}", "limit": limit, "cursor": cursor}
        began = hand.timing.now()
        page: Page = await hand.get(PATH, query, answer_seconds=wait + GRACE_SECONDS)
        early = min(wait, EMPTY_SECONDS) - (hand.timing.now() - began)
        if not page["items"] and early > 0:
            await hand.timing.sleep(early)
        return page


class _Done:
    """Ids whose items were dealt with and are not acknowledged yet."""

    def __init__(self, hand: Hand, *, enabled: bool) -> None:
        self._hand, self._enabled = hand, enabled
        self._ids: list[str] = []
        self._since = 0.0

    async def add(self, id_: str) -> None:
        now = self._hand.timing.now()
        self._since = self._since if self._ids else now
        self._ids.append(id_)
        if len(self._ids) >= ACK_ITEMS or now - self._since >= ACK_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        if self._enabled and self._ids:
            await Inbox(self._hand).ack(*self._ids)
        self._ids.clear()

    async def close(self, hurried: Hand) -> None:
        """At the end, in one short try: what it does not reach is shown again."""
        self._hand = hurried
        with suppress(ClientError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.flush()
