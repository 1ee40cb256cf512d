"""Looks at everything when a run is over: transfers, inboxes, mirrors, repeated answers, and the gateway's table."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from sqlalchemy import text

from services.kernel.database import Database
from tests.chaos.checker import FINAL
from tests.chaos.client import Client, Json, Log
from tests.chaos.evidence import Fact, Item, Mirror, Shown

DRAIN_SECONDS = 120.0
PAGE = "500"
AT_ONCE = 8
REPLAYS = 150
T = TypeVar("T")
_DOSSIERS = text("SELECT subject, parties, status, custodian, epoch, version, offer FROM dossier")


class Sight:
    """Fills the evidence of a log. `clients`: one per organ, with all scopes."""

    def __init__(self, clients: Mapping[str, Client], log: Log) -> None:
        self._by_organ = {client.organ: client for client in clients.values()}
        self._log, self._seen = log, log.evidence
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def look(self, gateway_url: str, rng: random.Random) -> float:
        """Waits until every transfer is final or the time is up, then looks at the rest. Returns the seconds waited."""
        began = time.monotonic()
        await self._each(self._seen.facts, self._settle(began + DRAIN_SECONDS))
        waited = time.monotonic() - began
        await self._read_gateway(gateway_url)
        await self._await_mirrors(began + DRAIN_SECONDS)
        await self._each(self._by_organ.values(), self._read_inbox)
        posts = self._log.posts
        await self._each(rng.sample(posts, min(REPLAYS, len(posts))), lambda posted: posted.client.replay(posted))
        return waited

    def _settle(self, end: float) -> Callable[[Fact], Awaitable[None]]:
        async def settle(fact: Fact) -> None:
            sender = self._by_organ[fact.sender]
            while True:
                shown = await sender.get(f"/v1/transfers/{fact.transfer}")
                if shown:
                    self._seen.shown[fact.transfer] = _shown(shown)
                if (shown and shown["state"] in FINAL) or time.monotonic() > end:
                    return
                await asyncio.sleep(0.3)

        return settle

    async def _read_gateway(self, url: str) -> None:
        codes = {fact.subject for fact in self._seen.facts if fact.kind == "dossier"}
        database = Database(url, application_name="chaos", pool_size=1)
        try:
            async with database.read() as conn:
                for row in await conn.execute(_DOSSIERS):
                    if row.subject in codes:
                        offer = row.offer.partition(",")[0]
                        self._seen.gateway[row.subject] = Mirror(
                            status=row.status,
                            custodian=row.custodian,
                            epoch=row.epoch,
                            version=row.version,
                            offer=offer,
                        )
                        self._seen.parties[row.subject] = frozenset(row.parties.split(","))
        finally:
            await database.aclose()

    async def _await_mirrors(self, end: float) -> None:
        """A stamp may be on its way to a party when the last transfer is final; it must come, and come out equal."""

        async def mirror(key: tuple[str, str]) -> None:
            organ, code = key
            while True:
                shown = await self._by_organ[organ].dossier(code)
                if shown:
                    self._seen.mirrors[key] = _mirror(shown)
                    self._note_history(organ, shown)
                if self._seen.mirrors.get(key) == self._seen.gateway[code] or time.monotonic() > end:
                    return
                await asyncio.sleep(0.3)

        await self._each([(organ, code) for code, all_ in self._seen.parties.items() for organ in sorted(all_)], mirror)

    def _note_history(self, organ: str, dossier: Json) -> None:
        if organ == dossier["receiving_organ"]:
            steps = (each["transfer"] for each in dossier["history"] if not each.get("refused"))
            self._seen.histories[dossier["code"]] = tuple(steps)

    async def _read_inbox(self, client: Client) -> None:
        items: list[Item] = []
        cursor: str | None = None
        while True:
            page = await client.get("/v1/inbox", limit=PAGE, **({"cursor": cursor} if cursor else {}))
            if page is None or not page["items"]:
                break
            items += [
                Item(id=each["id"], kind=each["kind"], type=each["type"], subject=each["subject"], sender=each["from"])
                for each in page["items"]
            ]
            cursor = page["cursor"]
        self._seen.inboxes[client.organ] = items

    async def _each(self, things: Iterable[T], act: Callable[[T], Awaitable[None]]) -> None:
        async def one(thing: T) -> None:
            async with self._gate:
                await act(thing)

        async with asyncio.TaskGroup() as group:
            for thing in things:
                group.create_task(one(thing))


def _shown(transfer: Json) -> Shown:
    return Shown(
        state=transfer["state"],
        code=(transfer.get("verdict") or {}).get("code", ""),
        deliveries={each["organ"]: each["state"] for each in transfer["deliveries"]},
    )


def _mirror(dossier: Json) -> Mirror:
    return Mirror(
        status=dossier["status"],
        custodian=dossier["custodian"] or "",
        epoch=dossier["epoch"],
        version=dossier["version"],
        offer=(dossier.get("offer") or {}).get("id", ""),
    )
