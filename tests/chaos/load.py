"""Loaders: many small stories at once from several systems. What they do is valid, so nothing may be refused."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from contracts.envelope import TYPE_PREFIX
from tests.chaos.central import Axis
from tests.chaos.client import Client, Json, Log, Posted, StoryEnded
from tests.chaos.evidence import Unnamed
from tests.chaos.history import line
from tests.chaos.notes import COMMUNES, OFFICES, SENDERS, Notes
from tests.chaos.papers import Papers

__all__ = ["COMMUNES", "OFFICES", "SENDERS", "Case", "Load"]

DOSSIER_SHARE = 0.6
PROCEDURE = "1.001612"
CLOSED = "custody.offer_closed"
RACERS = {"recall_custody": "dossier.custody-recalled", "accept_custody": "dossier.custody-accepted"}
TYPES = {
    "accept": "dossier.status-changed",
    "refuse": "dossier.status-changed",
    "assign": "dossier.status-changed",
    "stop": "dossier.status-changed",
    "resume": "dossier.status-changed",
    "request_supplement": "dossier.supplement-requested",
    "supplement": "dossier.supplemented",
    "request_payment": "dossier.payment-requested",
    "pay": "dossier.paid",
    "withdraw": "dossier.withdrawn",
    "complete": "dossier.result-issued",
    "return_result": "dossier.returned",
    "refuse_custody": "dossier.custody-refused",
    **RACERS,
}


@dataclass(slots=True)
class Case:
    """A dossier as its story knows it, without asking the hub. `parties` never shrinks; `offered` has an open offer."""

    code: str
    receiver: Client
    custodian: Client
    parties: set[str]
    offered: str = ""

    def told(self, actor: str, *also: str) -> frozenset[str]:
        """Everyone a fact of the actor is due to."""
        return frozenset({*self.parties, self.offered, *also} - {actor, ""})


@dataclass(slots=True)
class Load:
    """`run` keeps `workers` stories going until `stop` is set or `most` have begun (None: time decides), and ends when
    all have ended. Every `replay_pause` seconds an earlier POST, of whatever age, is sent once more. With `axis` the
    central organ takes part."""

    clients: Mapping[str, Client]
    log: Log
    seed: str
    most: int | None = 400
    pause: float = 0.3
    axis: Axis | None = None
    replay_pause: float = 1.0
    begun: int = 0
    ended: int = 0
    notes: Notes = field(init=False)
    papers: Papers = field(init=False)

    def __post_init__(self) -> None:
        self.notes = Notes(self.log)
        self.papers = Papers(self.clients, self.log, self.notes, self.axis)

    @property
    def accepted(self) -> int:
        return len(self.log.evidence.facts)

    async def run(self, stop: asyncio.Event, *, workers: int) -> None:
        async with asyncio.TaskGroup() as group:
            replaying = group.create_task(self._replay(stop, random.Random(f"{self.seed} replays")))
            working = [
                group.create_task(self._work(stop, random.Random(f"{self.seed} worker {number}")))
                for number in range(workers)
            ]
            await asyncio.wait(working)
            replaying.cancel()

    async def _work(self, stop: asyncio.Event, rng: random.Random) -> None:
        await _pause(stop, self.pause * rng.uniform(0, 4))
        while not stop.is_set() and (self.most is None or self.begun < self.most):
            self.begun += 1
            with suppress(StoryEnded):  # noted where it was raised
                await (self.dossier(rng) if rng.random() < DOSSIER_SHARE else self.papers.story(rng))
                self.ended += 1
            await _pause(stop, self.pause * rng.uniform(0.5, 1.5))

    async def _replay(self, stop: asyncio.Event, rng: random.Random) -> None:
        while not stop.is_set():
            await _pause(stop, self.replay_pause * rng.uniform(0.5, 1.5))
            if self.log.posts:
                posted = rng.choice(self.log.posts)
                with suppress(StoryEnded):
                    await posted.client.replay(posted)

    async def issue(self, sender: Client, recipients: Iterable[Client], rng: random.Random) -> Posted:
        """A document, noted."""
        return await self.papers.issue(sender, [each.organ for each in recipients], rng)

    # dossiers -------------------------------------------------------------------------------------------------------

    async def dossier(self, rng: random.Random) -> None:
        """From submission to one of its ends, with whatever may happen on the way."""
        case = await self._submit(self.clients[rng.choice(COMMUNES)], rng)
        if rng.random() < 0.1:
            await self._act(case, case.receiver, "refuse", reason="Hồ sơ không hợp lệ")
            return
        await self._act(case, case.receiver, "accept")
        for taker in rng.choice((("district-a",), ("district-a", "department-a"), ("department-a",), ())):
            await self._hand_on(case, self.clients[taker], rng)
        if rng.random() < 0.1:
            await self._act(case, case.receiver, "withdraw", reason="Công dân xin rút")
            return
        await self._act(case, case.custodian, "assign", staff="Cán bộ Mẫu")
        await self._detour(case, rng)
        await self._complete(case, rng)

    async def _submit(self, receiver: Client, rng: random.Random) -> Case:
        body: Json = {
            "procedure": PROCEDURE,
            "applicant": {"kind": "citizen", "name": "Nguyễn Thị Mẫu"},
            "summary": f"Hồ sơ thử {rng.randrange(10**9)}",
        }
        if rng.random() < 0.3:
            body["attachments"] = [await receiver.put(rng.randbytes(2_000), "to-khai.pdf")]
        deciding = self.clients["department-a"].organ if rng.random() < 0.3 else ""
        posted = await receiver.post("/v1/dossiers", body | ({"deciding_organ": deciding} if deciding else {}))
        parties = {receiver.organ, *([deciding] if deciding else ())}
        case = Case(posted.body["code"], receiver, receiver, parties)
        self.notes.accepted(posted, case.code, "dossier.submitted", case.told(receiver.organ))
        return case

    async def _act(self, case: Case, actor: Client, action: str, **fields: object) -> Posted:
        path = f"/v1/dossiers/{case.code}/actions"
        posted = await actor.post(path, {"action": action, **fields}, subject=case.code)
        self.notes.accepted(posted, case.code, TYPES[action], case.told(actor.organ))
        return posted

    async def _hand_on(self, case: Case, taker: Client, rng: random.Random) -> None:
        """Offers custody; it is taken, refused, recalled, both at once, or refused first and then taken."""
        way = rng.choices(("taken", "refused", "recalled", "race", "again"), (5, 2, 1, 2, 1))[0]
        await self._offer(case, taker)
        if way == "race":
            await self._race(case, taker)
        elif way == "recalled":
            await self._act(case, case.custodian, "recall_custody")
            await self._returned(case)
        elif way == "refused":
            await self._refuse_offer(case, taker)
        else:
            if way == "again":
                await self._refuse_offer(case, taker)
                await self._offer(case, taker)
            await self._act(case, taker, "accept_custody")
            await self._taken(case, taker)

    async def _refuse_offer(self, case: Case, taker: Client) -> None:
        await self._act(case, taker, "refuse_custody", reason="Không thuộc thẩm quyền")
        await self._returned(case)

    async def _returned(self, case: Case) -> None:
        case.offered = ""
        await case.custodian.until_dossier(case.code, _held, "is held again")

    async def _offer(self, case: Case, taker: Client) -> None:
        giver, body = case.custodian, {"to": taker.organ, "reason": "Chuyển theo thẩm quyền"}
        posted = await giver.post(f"/v1/dossiers/{case.code}/transfers", body, subject=case.code)
        case.offered = taker.organ
        self.notes.accepted(posted, case.code, "dossier.transferred", case.told(giver.organ))
        offer = posted.body["offer"]
        await taker.until_dossier(case.code, lambda d: _offer_of(d) == offer, "is offered")

    async def _race(self, case: Case, taker: Client) -> None:
        """Recalled and taken at once: the hub decides, and both offices come to the same end."""
        path, race, giver = f"/v1/dossiers/{case.code}/actions", f"{case.code} {self.notes.place}", case.custodian
        posts = await asyncio.gather(
            *(
                actor.post(path, {"action": action}, allowed=(CLOSED,), subject=case.code)
                for actor, action in zip((giver, taker), RACERS, strict=True)
            )
        )
        for posted, type_ in zip(posts, RACERS.values(), strict=True):
            told = case.told(posted.client.organ)
            if posted.ok and posted.body["transfers"]:
                self.notes.accepted(posted, case.code, type_, told, race=race)
            elif posted.ok or posted.tries > 1:
                self.log.note(line("unnamed", Unnamed(case.code, TYPE_PREFIX + type_, posted.client.organ)))
        here = await giver.until_dossier(case.code, _settled, "is settled after a race")
        there = await taker.until_dossier(case.code, _settled, "is settled after a race")
        if here["custodian"] != there["custodian"]:
            # one of them may have settled on an earlier stamp; the mirrors at the end tell
            raise self.log.fail(f"{case.code}: {giver.name} sees {here}, {taker.name} sees {there}", case.code)
        if there["custody"] == "held":
            await self._taken(case, taker)
        case.offered = ""

    async def _taken(self, case: Case, taker: Client) -> None:
        await taker.until_dossier(case.code, _held, "is held by the taker")
        case.custodian, case.offered = taker, ""
        case.parties.add(taker.organ)

    async def _detour(self, case: Case, rng: random.Random) -> None:
        """A supplement, a payment, a pause, or none of them; each ends in status 4."""
        way = rng.choice(("supplement", "payment", "pause", "", ""))
        if way == "pause":
            await self._act(case, case.custodian, "stop", reason="Chờ xác minh")
            await self._act(case, case.custodian, "resume")
        elif way:
            asked, given, status = {
                "supplement": ("request_supplement", "supplement", 5),
                "payment": ("request_payment", "pay", 6),
            }[way]
            fields: Json = {"missing": ["Giấy tờ tùy thân"]} if way == "supplement" else {"amount": 100_000}
            await self._act(case, case.custodian, asked, **fields)
            await case.receiver.until_dossier(case.code, lambda d: d["status"] == status, f"has status {status}")
            await self._act(case, case.receiver, given, **({"amount": 100_000} if way == "payment" else {}))
            await case.custodian.until_dossier(case.code, lambda d: d["status"] == 4, "has status 4")

    async def _complete(self, case: Case, rng: random.Random) -> None:
        papers = [await case.custodian.put(rng.randbytes(1_000), "ket-qua.pdf")] if rng.random() < 0.3 else []
        await self._act(case, case.custodian, "complete", result={"number": "01/GCN", "attachments": papers})
        done = case.receiver
        await done.until_dossier(case.code, lambda d: d["status"] == 9 and _held(d), "is completed and back")
        case.custodian = done
        await self._act(case, done, "return_result")


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """So long, or until it is to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def _held(dossier: Json) -> bool:
    return bool(dossier["custody"] == "held")


def _settled(dossier: Json) -> bool:
    return dossier["custody"] in ("held", "none")


def _offer_of(dossier: Json) -> str:
    return str((dossier.get("offer") or {}).get("id", ""))
