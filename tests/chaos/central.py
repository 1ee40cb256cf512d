"""The national axis of a run: orders documents of the central organ, and asks the axis what it got from the hub."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from contracts.edxml.model import Document
from contracts.edxml.reader import read
from tests.chaos.evidence import Letter, Outside
from tests.chaos.history import line
from tests.chaos.log import Log

PAUSE_SECONDS = 0.5
SECONDS = 10.0
_TAKEN = """
    select m.data, m.sender, (select count(*) from delivery d where d.message = m.doc_id and d.organ like '%G22')
      from message m where m.system_id is not null order by m.rowid
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """The stand-in at `url`; `file` is its store, which outlives it."""

    http: httpx.AsyncClient
    url: str
    file: Path

    async def send_down(self, log: Log, organs: Sequence[str], number: str) -> str:
        """Its DocumentId, once the axis has it. The same order makes the same file, so that it may be repeated."""
        order = {"to": list(organs), "number": number, "notation": "VPCP", "subject": "V/v cải cách thủ tục"}
        order["at"] = datetime.now(UTC).isoformat()
        end, why = time.monotonic() + log.patience.answer, ""
        while time.monotonic() < end:
            try:
                answer = await self.http.post(f"{self.url}/_standin/documents", json=order, timeout=SECONDS)
            except httpx.TransportError as error:
                why = type(error).__name__
            else:
                if answer.status_code == httpx.codes.CREATED:
                    document = str(answer.json()["document_id"])
                    for organ in organs:
                        log.note(line("outside", Outside(organ=organ, document=document)))
                    return document
                why = f"{answer.status_code} {answer.text[:200]}"
            await asyncio.sleep(PAUSE_SECONDS)
        raise log.fail(f"the stand-in did not take a document of the central organ: {why}")

    def letters(self) -> Iterator[Letter]:
        """What it took from the hub, oldest first; the same bytes again are the same message. Blocks."""
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as store:
            for data, sender, copies in store.execute(_TAKEN):
                message = read(data)
                if isinstance(message, Document):
                    yield Letter(kind="document", sender=sender, document=message.document_id, copies=copies)
                else:
                    about = message.response_for.document_id or ""
                    code = str(message.status_code)
                    yield Letter(kind="status", sender=sender, document=about, code=code, copies=copies)
