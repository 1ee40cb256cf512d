"""A hub under load whose programs have several addresses, and what is measured of it from the outside."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
from sqlalchemy import text

from deploy.client import hub as client
from deploy.client.credentials import read_credentials
from deploy.local.hub import Hub
from deploy.local.programs import OWNERS
from services.kernel.database import Database
from tests.chaos.checker import FINAL, judge
from tests.chaos.client import Client, Log
from tests.chaos.load import OFFICES, SENDERS, Load
from tests.chaos.sight import Sight
from tests.e2e.topics import Topics, header
from tests.scale.doors import Doors

FIRST, SECOND = 1, 2
BOTH = (FIRST, SECOND)
WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.05
WORKERS = 5
FACT_TOPICS = tuple(
    f"{kind}.{level}" for kind in ("ingest", "deliver") for level in ("province", "district", "commune")
)


async def until(condition, what: str, *, seconds: float = WAIT_SECONDS) -> float:  # type: ignore[no-untyped-def]
    """Seconds until the condition, which may be awaitable, came true."""
    began = time.monotonic()
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return time.monotonic() - began
        assert time.monotonic() - began < seconds, f"not in {seconds:.0f} s: {what}"
        await asyncio.sleep(LOOK_SECONDS)


@dataclass(slots=True)
class Stand:
    """One log for all loads of a hub, so that whatever lies in an inbox is accounted for."""

    hub: Hub
    doors: Doors
    http: httpx.AsyncClient
    """Goes to the address it is given, past the doors."""
    systems: Mapping[str, client.Hub]
    clients: Mapping[str, Client]
    log: Log
    told: list[str] = field(default_factory=list)

    def tell(self, line: str) -> None:
        self.told.append(line)

    @asynccontextmanager
    async def loaded(self, seed: str, *, workers: int = WORKERS, pause: float = 0.2) -> AsyncIterator[Load]:
        """Under load inside; outside all its stories have ended."""
        load = Load(self.clients, self.log, seed, pause=pause)
        stop = asyncio.Event()
        running = asyncio.create_task(load.run(stop, workers=workers))
        try:
            yield load
        finally:
            stop.set()
            await running
        assert load.ended == load.begun, self.log.evidence.failures

    async def canary(self, load: Load, rng: random.Random) -> float:
        """Seconds a document takes from a commune to an organ of each level, handed over at all of them."""
        sender, recipients = self.clients["commune-a"], ("commune-b", "district-a", "department-a")
        began = time.monotonic()
        posted = await load.issue(sender, [self.clients[name] for name in recipients], rng)
        path = f"/v1/transfers/{posted.body['transfers'][0]}"
        await sender.until(lambda: sender.get(path), _is_final, "canary handed over", seconds=WAIT_SECONDS)
        return time.monotonic() - began

    async def judged(self, load: Load) -> None:
        """Everything accepted so far is in its place, once and in order."""
        sight = Sight({name: self.clients[name] for name in OFFICES}, self.log)
        drained = await sight.look(self.hub.database_url("gateway"), random.Random(load.seed))
        report = judge(self.log.evidence)
        self.tell(f"{load.seed}: {load.ended} stories, {report.accepted} accepted so far, drained {drained:.1f} s")
        assert report.sound, report.details()

    # what the programs say ------------------------------------------------------------------------------------------

    async def part(self, program: str, instance: int, name: str) -> str:
        """The detail of one part in /readyz; empty when there is none or nobody answers."""
        with suppress(httpx.TransportError):
            answer = await self.http.get(f"{self.hub.address(program, instance=instance)}/readyz")
            parts = answer.json()["parts"]
            return next((part["detail"] for part in parts if part["name"].partition(" ")[0] == name), "")
        return ""

    async def leaders(self, program: str, instances: Iterable[int] = BOTH) -> list[int]:
        """Instances whose relay leads."""
        return [each for each in instances if (await self.part(program, each, "relay")).startswith("leading")]

    async def partitions(self, program: str, instance: int) -> int:
        """How many partitions the instance reads."""
        detail = await self.part(program, instance, "consumer")
        return int(detail.split()[-2]) if detail.endswith("partitions") else 0

    async def shared(self) -> bool:
        """Both processes of every program read, and the relay of one of them leads."""
        for program in OWNERS:
            if not all([await self.partitions(program, each) for each in BOTH]):
                return False
            if len(await self.leaders(program)) != 1:
                return False
        return True

    # what lies in the log and in the tables -------------------------------------------------------------------------

    async def sendings(self, transfers: Collection[str]) -> Counter[tuple[str, str, str]]:
        """How often each of these facts stands in each topic."""
        topics = Topics(self.hub.bootstrap)
        try:
            async with topics.reading(*FACT_TOPICS) as found:
                records = await found.to_end()
        finally:
            await topics.aclose()
        facts = ((record.topic, header(record, "ce_source"), header(record, "ce_id")) for record in records)
        return Counter(fact for fact in facts if fact[2] in transfers)

    async def rows(self, program: str, query: str) -> list[tuple[object, ...]]:
        database = Database(self.hub.database_url(program), application_name="scale", pool_size=1)
        try:
            async with database.read() as conn:
                return [tuple(row) for row in await conn.execute(text(query))]
        finally:
            await database.aclose()


def _is_final(transfer: Mapping[str, object]) -> bool:
    return transfer["state"] in FINAL


def transfers_of(load: Load, since: int) -> set[str]:
    """Ids of the facts accepted since there were so many."""
    return {fact.transfer for fact in load.log.evidence.facts[since:]}


@asynccontextmanager
async def open_stand(hub: Hub, *, instances: Iterable[int]) -> AsyncIterator[Stand]:
    """All systems have their token, so that the gateway may be away later."""
    kept = tuple(instances)
    ports = {hub.ports[name]: [_port(hub, name, each) for each in kept] for name in OWNERS}
    doors, log = Doors(ports), Log()
    patience = httpx.Timeout(20.0, connect=5.0)
    async with (
        httpx.AsyncClient(transport=doors, timeout=patience) as http,
        httpx.AsyncClient(timeout=patience, trust_env=False) as plain,
    ):
        systems = {name: client.Hub(entry, http=http) for name, entry in read_credentials(hub.home).items()}
        clients = {name: Client(systems[name], http, log, seed="scale") for name in SENDERS}
        for name in SENDERS:
            await systems[name].token()
        yield Stand(hub, doors, plain, systems, clients, log)


def _port(hub: Hub, name: str, instance: int) -> int:
    return int(hub.address(name, instance=instance).rpartition(":")[2])
