"""Stories of documents: to all levels and to the central organ, answered, updated, recalled; and from it down."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.identifiers import document_key
from tests.chaos.central import Axis
from tests.chaos.client import Client, Json, Log, Posted
from tests.chaos.evidence import CENTRAL
from tests.chaos.notes import OFFICES, SENDERS, STATUS_CHANGED, Notes

CENTRAL_SHARE, DOWN_SHARE, CHANGE_SHARE = 0.2, 0.1, 0.1
PAPER_SHARE = 0.3
WAYS: Sequence[Sequence[str]] = (("01", "03", "06"), ("01", "02"), ("01",), ())
TAKEN_BACK = "15"


@dataclass(slots=True)
class Papers:
    """`axis` is None where no central organ takes part."""

    clients: Mapping[str, Client]
    log: Log
    notes: Notes
    axis: Axis | None = None

    async def story(self, rng: random.Random) -> None:
        if self.axis is not None and rng.random() < DOWN_SHARE:
            await self._down(self.axis, rng)
        elif rng.random() < CHANGE_SHARE:
            await self._changed(rng)
        else:
            await self._answered(rng)

    async def issue(
        self, sender: Client, organs: Sequence[str], rng: random.Random, *, paper_share: float = PAPER_SHARE
    ) -> Posted:
        body: Json = {
            "to": list(organs),
            "document_id": str(UUID(bytes=rng.randbytes(16), version=4)),
            "number": str(rng.randrange(1, 10_000)),
            "notation": "UBND-VP",
            "promulgated_on": "2024-06-03",
            "type": 18,
            "type_name": "Công văn",
            "subject": "V/v phối hợp giải quyết thủ tục hành chính",
        }
        if rng.random() < paper_share:
            body["attachments"] = [await sender.put(rng.randbytes(3_000), "cong-van.pdf")]
        posted = await sender.post("/v1/documents", body)
        id_, told = posted.body["id"], frozenset(organs)
        self.notes.accepted(posted, id_, "document.issued", told, document=body["document_id"])
        return posted

    def _parties(self, rng: random.Random) -> tuple[Client, list[Client]]:
        sender = self.clients[rng.choice(SENDERS)]
        others = [name for name in OFFICES if self.clients[name].organ != sender.organ]
        return sender, [self.clients[name] for name in rng.sample(others, rng.randint(2, 4))]

    async def _answered(self, rng: random.Random) -> None:
        """To two to four organs; each answers in its own time. The central organ answers by itself."""
        sender, recipients = self._parties(rng)
        central = [CENTRAL] if self.axis is not None and rng.random() < CENTRAL_SHARE else []
        posted = await self.issue(sender, [*(each.organ for each in recipients), *central], rng)
        document = posted.body
        await asyncio.gather(*(self._answer(each, sender.organ, document, rng.choice(WAYS)) for each in recipients))

    async def _changed(self, rng: random.Random) -> None:
        """Updated or recalled as soon as it is out; everyone agrees."""
        sender, recipients = self._parties(rng)
        document = (await self.issue(sender, [each.organ for each in recipients], rng)).body
        verb, type_ = rng.choice((("update", "document.updated"), ("recall", "document.recalled")))
        body: Json = {"reason": "Đính chính"} | ({"subject": "V/v đính chính"} if verb == "update" else {})
        posted = await sender.post(f"/v1/documents/{document['id']}/{verb}", body, subject=document["id"])
        told = frozenset(each.organ for each in recipients)
        self.notes.accepted(posted, document["id"], type_, told, document=document["document_id"])
        await asyncio.gather(*(self._agree(each, sender.organ, document) for each in recipients))

    async def _agree(self, party: Client, to: str, document: Json) -> None:
        id_ = document["id"]

        def changed(shown: Json) -> bool:
            return bool(shown.get("changes"))

        await party.until(lambda: party.get(f"/v1/documents/{id_}"), changed, f"document {id_} changed", subject=id_)
        await self._give(party, to, document, (TAKEN_BACK,))

    async def _down(self, axis: Axis, rng: random.Random) -> None:
        """From the central organ to one to three organs; each answers it over the axis."""
        parties = [self.clients[name] for name in rng.sample(OFFICES, rng.randint(1, 3))]
        document_id = await axis.send_down(self.log, [each.organ for each in parties], f"{rng.randrange(10**12)}")
        document = {"id": document_key(CENTRAL, document_id), "document_id": document_id}
        await asyncio.gather(*(self._answer(each, CENTRAL, document, rng.choice(WAYS)) for each in parties))

    async def _answer(self, party: Client, to: str, document: Json, codes: Iterable[str]) -> None:
        id_ = document["id"]
        await party.until(lambda: party.get(f"/v1/documents/{id_}"), bool, f"document {id_} arrived", subject=id_)
        await self._give(party, to, document, codes)

    async def _give(self, party: Client, to: str, document: Json, codes: Iterable[str]) -> None:
        id_ = document["id"]
        for code in codes:
            body = {"code": code} | ({"description": "Gửi nhầm nơi nhận"} if code == "02" else {})
            posted = await party.post(f"/v1/documents/{id_}/statuses", body, subject=id_)
            told, named = frozenset({to}), document["document_id"]
            self.notes.accepted(posted, id_, STATUS_CHANGED, told, document=named, code=code)
