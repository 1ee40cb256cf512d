"""Documents (văn bản): sent as JSON or as the edXML file itself, read, answered, recalled."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Unpack

from deploy.client.answers import (
    Document,
    DocumentFilters,
    DocumentLine,
    NewDocument,
    Recall,
    Replacement,
    Sent,
    Told,
    Update,
)
from deploy.client.files import read_bytes
from deploy.client.transport import Ask, Hand, keyed, segment
from deploy.client.words import DocumentStatus

PATH = "/v1/documents"
EDXML = "application/edxml+xml"


class Documents:
    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    async def send(self, document: NewDocument, *, idempotency_key: str | None = None) -> Sent:
        """A new document to the organs in `to`. When this returns it is stored durably and on its way.

        The same `document_id` with the same content gives the same answer again.
        """
        sent: Sent = await self._hand.post(PATH, document, key=idempotency_key)
        return sent

    async def send_edxml(self, file: bytes | Path, *, idempotency_key: str | None = None) -> Sent:
        """The edXML file as it is: not one byte of it is changed on the way."""
        data = file if isinstance(file, bytes) else await read_bytes(file)
        headers = {"Content-Type": EDXML, **keyed(idempotency_key)}
        answer = await self._hand.send(Ask(method="POST", path=PATH, headers=headers, content=lambda: data))
        sent: Sent = answer.json()
        return sent

    async def show(self, id_: str) -> Document:
        """The document as the organ holds it, with the statuses known."""
        document: Document = await self._hand.get(f"{PATH}/{segment(id_)}")
        return document

    async def as_edxml(self, id_: str) -> bytes:
        """The file that was posted, or one written from what was posted as JSON."""
        ask = Ask(method="GET", path=f"{PATH}/{segment(id_)}", headers={"Accept": EDXML})
        return (await self._hand.send(ask)).content

    def list(self, **filters: Unpack[DocumentFilters]) -> AsyncIterator[DocumentLine]:
        """Newest first, page after page as they are asked for."""
        return self._hand.items(PATH, filters)

    async def answer(
        self,
        id_: str,
        code: DocumentStatus,
        *,
        description: str | None = None,
        staff: str | None = None,
        to: Sequence[str] = (),
    ) -> Told:
        """Tells the sender how the document is handled; the sender itself asks for it back with 13."""
        given = {"code": code, "description": description, "staff": staff, "to": [*to] or None}
        body = {name: value for name, value in given.items() if value is not None}
        told: Told = await self._hand.post(f"{PATH}/{segment(id_)}/statuses", body)
        return told

    async def recall(self, id_: str, body: Recall) -> Told:
        """Asks the recipients to give the document back; their answers come as statuses 15 (agreed) and 16."""
        told: Told = await self._change(id_, "recall", body)
        return told

    async def update(self, id_: str, body: Update) -> Sent:
        """Corrects the document at its recipients, or gives it to more or fewer of them."""
        sent: Sent = await self._change(id_, "update", body)
        return sent

    async def replace(self, id_: str, body: Replacement) -> Sent:
        """Sends another document in the place of this one."""
        sent: Sent = await self._change(id_, "replace", body)
        return sent

    async def _change(self, id_: str, verb: str, body: Recall | Update | Replacement) -> Any:
        return await self._hand.post(f"{PATH}/{segment(id_)}/{verb}", body)
