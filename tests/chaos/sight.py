"""Looks at everything when a run is over: transfers, inboxes, mirrors, the axis, answers, the gateway's table."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import text

from services.kernel.database import Database
from tests.chaos.central import Axis
from tests.chaos.checker import FINAL
from tests.chaos.client import Client, Json, Log, StoryEnded
from tests.chaos.evidence import CENTRAL, Fact, Mirror, Shown
from tests.chaos.history import line
from tests.chaos.live import Reader, item_of
from tests.chaos.outside import ANSWERS, ISSUED

DRAIN_SECONDS = 120.0
FACTS_A_SECOND = 25.0
"""The time to drain grows with the run."""
PAGE = "500"
AT_ONCE = 16
ROUND_SECONDS = 0.5
REPLAYS = 150
T = TypeVar("T")
_DOSSIERS = text("SELECT subject, parties, status, custodian, epoch, version, offer FROM dossier")


class Sight:
    """Fills the evidence of a log. `clients`: one per organ, with all scopes. The inbox of an organ with a reader has
    been read by it; the others are read whole. With `axis`, it is asked for what it got."""

    def __init__(
        self,
        clients: Mapping[str, Client],
        log: Log,
        *,
        readers: Iterable[Reader] = (),
        axis: Axis | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._by_organ = {client.organ: client for client in clients.values()}
        self._readers = {reader.client.organ: reader for reader in readers}
        self._log, self._seen, self._axis, self._say = log, log.evidence, axis, say

    async def look(self, gateway_url: str, rng: random.Random) -> float:
        """Waits until every transfer is final or the time is up, then looks at the rest. Returns the seconds waited."""
        began = time.monotonic()
        end = began + DRAIN_SECONDS + len(self._seen.facts) / FACTS_A_SECOND
        self._say(f"xem {len(self._seen.facts)} chuyến · looking at the transfers")
        await self._rounds(self._seen.facts, self._settled, end)
        waited = time.monotonic() - began
        self._log.note({"e": "end", "of": "drained", "after": round(self._log.seconds, 1)})
        self._say("xem hồ sơ, câu trả lời, hộp đến · looking at dossiers, answers, inboxes")
        await self._read_gateway(gateway_url)
        parties = [(organ, code) for code, all_ in self._seen.parties.items() for organ in sorted(all_)]
        await self._rounds(parties, self._mirrored, max(end, time.monotonic() + ROUND_SECONDS))
        await self._read_axis()
        answered = [fact for fact in self._seen.facts if fact.type.endswith(ISSUED)]
        await self._rounds(answered, self._answered, max(end, time.monotonic() + ROUND_SECONDS))
        await self._each(self._by_organ.values(), self._read_inbox)
        posts = self._log.posts
        await self._each(rng.sample(posts, min(REPLAYS, len(posts))), lambda posted: posted.client.replay(posted))
        self._log.note({"e": "end", "of": "seen", "after": round(self._log.seconds, 1)})
        return waited

    async def _settled(self, fact: Fact) -> bool:
        shown = await self._by_organ[fact.sender].get(f"/v1/transfers/{fact.transfer}")
        if shown:
            told = _shown(shown)
            if self._seen.shown.get(fact.transfer) != told:
                self._log.note(line("shown", told, transfer=fact.transfer))
        return bool(shown and shown["state"] in FINAL)

    async def _answered(self, fact: Fact) -> bool:
        """Once more, for the answers that came since: those of the central organ have no transfer to wait for."""
        if not await self._settled(fact):
            return False
        shown = self._seen.shown[fact.transfer]
        return CENTRAL not in fact.to or shown.state == "refused" or set(shown.answers.get(CENTRAL, ())) >= set(ANSWERS)

    async def _read_gateway(self, url: str) -> None:
        codes = {fact.subject for fact in self._seen.facts if fact.kind == "dossier"}
        database = Database(url, application_name="chaos", pool_size=1)
        try:
            async with database.read() as conn:
                for row in await conn.execute(_DOSSIERS):
                    if row.subject in codes:
                        self._note_truth(row)
        finally:
            await database.aclose()

    def _note_truth(self, row: Any) -> None:
        truth = Mirror(
            status=row.status,
            custodian=row.custodian,
            epoch=row.epoch,
            version=row.version,
            offer=row.offer.partition(",")[0],
        )
        self._log.note(line("gateway", truth, subject=row.subject))
        self._log.note({"e": "parties", "subject": row.subject, "organs": sorted(row.parties.split(","))})

    async def _mirrored(self, key: tuple[str, str]) -> bool:
        """A stamp may be on its way to a party when the last transfer is final; it must come, and come out equal."""
        organ, code = key
        shown = await self._by_organ[organ].dossier(code)
        if shown is None:
            return False
        mirror = _mirror(shown)
        if self._seen.mirrors.get(key) != mirror or self._seen.words.get(key) != shown["custody"]:
            self._log.note(line("mirror", mirror, organ=organ, subject=code))
            self._log.note({"e": "word", "organ": organ, "subject": code, "word": shown["custody"]})
        self._note_history(organ, shown)
        return mirror == self._seen.gateway[code]

    def _note_history(self, organ: str, dossier: Json) -> None:
        if organ == dossier["receiving_organ"]:
            steps = tuple(each["transfer"] for each in dossier["history"] if not each.get("refused"))
            if self._seen.histories.get(dossier["code"]) != steps:
                self._log.note({"e": "steps", "subject": dossier["code"], "steps": list(steps)})

    async def _read_axis(self) -> None:
        if self._axis is not None:
            letters = await asyncio.to_thread(lambda axis: list(axis.letters()), self._axis)
            self._log.note({"e": "axis"})
            for letter in letters:
                self._log.note(line("letter", letter))

    async def _read_inbox(self, client: Client) -> None:
        if (reader := self._readers.get(client.organ)) is not None:
            await reader.drain()
            return
        self._log.note({"e": "inbox", "organ": client.organ})
        cursor: str | None = None
        while True:
            page = await client.get("/v1/inbox", limit=PAGE, **({"cursor": cursor} if cursor else {}))
            if page is None or not page["items"]:
                break
            for each in page["items"]:
                self._log.note(line("item", item_of(each), organ=client.organ))
            cursor = page["cursor"]

    async def _rounds(self, things: Sequence[T], look: Callable[[T], Awaitable[bool]], end: float) -> None:
        """Looks at all of them again and again, until each is as it should be or the time is up."""
        left = list(things)
        while left:
            kept: list[T] = []

            async def one(thing: T, kept: list[T] = kept) -> None:
                if not await look(thing):
                    kept.append(thing)

            await self._each(left, one)
            left = kept
            if not left or time.monotonic() > end:
                return
            await asyncio.sleep(ROUND_SECONDS)

    async def _each(self, things: Iterable[T], act: Callable[[T], Awaitable[None]]) -> None:
        """A bounded number at once; what cannot be looked at is noted, and the others are."""
        waiting = iter(things)

        async def work() -> None:
            for thing in waiting:
                with suppress(StoryEnded):
                    await act(thing)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())


def _shown(transfer: Json) -> Shown:
    return Shown(
        state=transfer["state"],
        code=(transfer.get("verdict") or {}).get("code", ""),
        deliveries={each["organ"]: each["state"] for each in transfer["deliveries"]},
        answers={
            each["organ"]: tuple(answer["code"] for answer in each["answers"])
            for each in transfer["deliveries"]
            if each.get("answers")
        },
    )


def _mirror(dossier: Json) -> Mirror:
    return Mirror(
        status=dossier["status"],
        custodian=dossier["custodian"] or "",
        epoch=dossier["epoch"],
        version=dossier["version"],
        offer=(dossier.get("offer") or {}).get("id", ""),
    )
