"""A recipient at work: reads its inbox by long poll through all faults and acknowledges what it got."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.chaos.client import Client, Json, StoryEnded
from tests.chaos.evidence import Item
from tests.chaos.history import line

WAIT, LIMIT = "10", "200"
PAUSE_SECONDS = 1.0
PATH = "/v1/inbox"


class Reader:
    """Notes every item once; one that is shown again though its acknowledgement was answered is noted again."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._seen: set[str] = set()
        self._acknowledged: set[str] = set()
        client.log.note({"e": "inbox", "organ": client.organ})

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._take(wait=WAIT)
            except StoryEnded:  # noted where it was raised
                await asyncio.sleep(PAUSE_SECONDS)

    async def drain(self) -> None:
        """Until nothing is left."""
        while await self._take(wait="0"):
            continue

    async def _take(self, *, wait: str) -> bool:
        """One page, noted and acknowledged; whether there was any."""
        page = await self.client.get(PATH, wait=wait, limit=LIMIT)
        items = page["items"] if page else []
        if not items:
            return False
        counts = Counter(item["id"] for item in items)
        for item in items:
            if item["id"] in self._acknowledged or item["id"] not in self._seen or counts[item["id"]] > 1:
                self.client.log.note(line("item", item_of(item), organ=self.client.organ))
            self._seen.add(item["id"])
        ids = list(counts)
        answer = (await self.client.post(f"{PATH}/ack", {"ids": ids})).body
        self._acknowledged.update(answer["acknowledged"])
        if answer["unknown"]:
            self.client.log.fail(f"{self.client.name}: shown, yet unknown when acknowledged: {answer['unknown'][:5]}")
        return True


def item_of(item: Json) -> Item:
    about = item["data"].get("document") if item["kind"] != "dossier" else None
    return Item(
        id=item["id"],
        kind=item["kind"],
        type=item["type"],
        subject=item["subject"],
        sender=item["from"],
        document=about.get("document_id", "") if isinstance(about, dict) else "",
        code=str(item["data"].get("code") or "") if item["kind"] == "status" else "",
    )
