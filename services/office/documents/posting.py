"""What a POST of a document may be: JSON or edXML, and as edXML a document, a status, recall, update or replacement.

Ends in one transaction."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from contracts.edxml.model import (
    DOCUMENT_NEW,
    DOCUMENT_RECALL,
    DOCUMENT_REPLACE,
    DOCUMENT_UPDATE,
    Document,
    Status,
)
from contracts.identifiers import document_key
from contracts.problems import HubError
from services.kernel.connection import Connection
from services.kernel.database import Database
from services.kernel.idempotency import Answer, Keyed, json_answer
from services.kernel.json_bodies import parse, require_json
from services.office.documents import edxml, forms, views
from services.office.documents.actions import Documents
from services.office.documents.changing import Changes
from services.office.documents.intake import Intake, Parcel
from services.office.documents.rules import NewDocument
from services.office.documents.store import Held
from services.office.organs.rules import Actor
from services.office.web import JSON, Desk

JSON_BYTES: Final = 4 * 1024 * 1024

Named = Mapping[str, Any]
"""A file as facts name it."""
Kept = Sequence[Named]
Work = Callable[[Connection], Awaitable[Answer]]


class Posting:
    """`json_bytes` bounds a JSON body; an edXML file has the intake's bound."""

    def __init__(
        self,
        desk: Desk,
        documents: Documents,
        changes: Changes,
        intake: Intake,
        database: Database,
        *,
        json_bytes: int = JSON_BYTES,
    ) -> None:
        self._desk = desk
        self._documents = documents
        self._changes = changes
        self._intake = intake
        self._database = database
        self._json_bytes = json_bytes

    async def post(self, request: Request, actor: Actor, key: str | None) -> Response:
        """Reads the body to its end before the transaction begins: a slow sender holds no connection."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type == JSON:
            keyed, work = await self._form(request, actor, key)
        elif media_type in edxml.MEDIA_TYPES:
            keyed, work = await self._file(request, actor, key)
        else:
            raise HubError("request.unsupported_media_type", f"send Content-Type: {JSON} or {edxml.MEDIA_TYPE}")
        async with self._database.transaction() as conn:
            return await self._desk.once(conn, keyed, partial(work, conn))

    async def _form(self, request: Request, actor: Actor, key: str | None) -> tuple[Keyed | None, Work]:
        require_json(request.headers.get("content-type"))
        raw = await _read(request, self._json_bytes)
        form = _parse(raw, request.app.state.web.limits.max_json_depth)

        async def work(conn: Connection) -> Answer:
            fields, grants = await self._documents.with_attachments(conn, actor, forms.given(form))
            answer = await self._issue(conn, actor, NewDocument(fields=fields))
            await self._documents.tie(conn, grants)
            return answer

        return _keyed(request, actor, key, hashlib.sha256(raw).hexdigest()), work

    async def _file(self, request: Request, actor: Actor, key: str | None) -> tuple[Keyed | None, Work]:
        async with self._intake.spool(request.stream()) as body:
            keyed = _keyed(request, actor, key, body.sha256)
            async with self._intake.open(body) as parcel:
                message = parcel.message
                self._documents.require_speaker(actor, message.sender.organ_id, edxml.sender_element())
                if isinstance(message, Status):
                    return keyed, self._answering(actor, message)
                return keyed, await self._acting(actor, message, parcel)

    def _answering(self, actor: Actor, message: Status) -> Work:
        new = edxml.read_status(message)

        async def work(conn: Connection) -> Answer:
            document = await self._documents.meant(conn, actor, message)
            held, transfers = await self._documents.answer(conn, actor, document, new)
            return _changed(held, transfers)

        return work

    async def _acting(self, actor: Actor, message: Document, parcel: Parcel) -> Work:
        """The files inside and the message itself are durable before the transaction begins."""
        edxml.require_known(message)
        edxml.read_fields(message)
        kept, original = await self._intake.keep(parcel)
        act = _ACTS[message.doc_type](self, actor, message, kept, original)

        async def work(conn: Connection) -> Answer:
            answer = await act(conn)
            # behind the subject's lock, as the exchange does it: the other order could deadlock with it
            await self._documents.adopt(conn, actor, [*kept, original])
            return answer

        return work

    def _issuing(self, actor: Actor, message: Document, kept: Kept, original: Named) -> Work:
        new = edxml.read_document(message, kept, original)

        async def work(conn: Connection) -> Answer:
            return await self._issue(conn, actor, new)

        return work

    def _replacing(self, actor: Actor, message: Document, kept: Kept, original: Named) -> Work:
        new = edxml.read_document(message, kept, original)
        named = {document_key(actor.organ, name): pointer for name, pointer in edxml.replaced(message).items()}

        async def work(conn: Connection) -> Answer:
            return _issued(await self._changes.replace(conn, actor, named, new))

        return work

    def _recalling(self, actor: Actor, message: Document, _: Kept, original: Named) -> Work:
        new = edxml.read_recall(message, original)

        async def work(conn: Connection) -> Answer:
            document = await self._earlier(conn, actor, message)
            return _changed(*await self._changes.recall(conn, actor, document, new))

        return work

    def _updating(self, actor: Actor, message: Document, kept: Kept, original: Named) -> Work:
        new = edxml.read_update(message, kept, original)

        async def work(conn: Connection) -> Answer:
            document = await self._earlier(conn, actor, message)
            return _changed(*await self._changes.update(conn, actor, document, new))

        return work

    async def _earlier(self, conn: Connection, actor: Actor, message: Document) -> str:
        return await self._documents.sent(conn, actor, edxml.earlier(message), f"{edxml.BUSINESS}/DocumentId")

    async def _issue(self, conn: Connection, actor: Actor, new: NewDocument) -> Answer:
        return _issued(await self._documents.issue(conn, actor, new))


_ACTS: Final = {
    DOCUMENT_NEW: Posting._issuing,
    DOCUMENT_RECALL: Posting._recalling,
    DOCUMENT_UPDATE: Posting._updating,
    DOCUMENT_REPLACE: Posting._replacing,
}


def _issued(held: Held) -> Answer:
    return json_answer(202, views.issued(held), {"Location": f"/v1/documents/{held.id}"})


def _changed(held: Held, transfers: tuple[str, ...]) -> Answer:
    return json_answer(202 if transfers else 200, views.issued(held, transfers))


async def _read(request: Request, limit: int) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit:
            raise HubError("size.too_large", f"a JSON body may have {limit} bytes")
    return bytes(raw)


def _parse(raw: bytes, max_depth: int) -> forms.DocumentForm:
    """Refusals look like those of every other JSON body."""
    value = parse(raw, max_depth=max_depth)
    try:
        return forms.DocumentForm.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from None


def _keyed(request: Request, actor: Actor, key: str | None, sha256: str) -> Keyed | None:
    """As `web.key_of`, of a body that was read as a stream."""
    if key is None:
        return None
    route = f"{request.method} {request.url.path} {actor.organ}"
    return replace(Keyed.of(actor.system, route, key, b""), body_digest=bytes.fromhex(sha256))
