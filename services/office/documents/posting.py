"""What a POST of a document may be: JSON or edXML, and as edXML a document or a status. Ends in one transaction."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from contracts.edxml.model import Document, Status
from contracts.problems import HubError
from services.kernel.database import Database
from services.kernel.idempotency import Answer, Keyed
from services.office.documents import edxml, forms, views
from services.office.documents.actions import Documents
from services.office.documents.intake import Intake, Parcel
from services.office.documents.rules import NewDocument
from services.office.organs.rules import Actor
from services.office.web import JSON, Desk, json_answer

JSON_BYTES: Final = 4 * 1024 * 1024

Work = Callable[[AsyncConnection], Awaitable[Answer]]


class Posting:
    """`json_bytes` bounds a JSON body; an edXML file has the intake's bound."""

    def __init__(
        self, desk: Desk, documents: Documents, intake: Intake, database: Database, *, json_bytes: int = JSON_BYTES
    ) -> None:
        self._desk = desk
        self._documents = documents
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
            raise HubError("request.unsupported_media_type", f"{JSON} or {edxml.MEDIA_TYPE}")
        async with self._database.transaction() as conn:
            return await self._desk.once(conn, keyed, partial(work, conn))

    async def _form(self, request: Request, actor: Actor, key: str | None) -> tuple[Keyed | None, Work]:
        raw = await _read(request, self._json_bytes)
        form = _parse(raw)

        async def work(conn: AsyncConnection) -> Answer:
            fields = await self._documents.with_attachments(conn, actor, forms.given(form))
            return await self._issue(conn, actor, NewDocument(fields=fields))

        return _keyed(request, actor, key, hashlib.sha256(raw).hexdigest()), work

    async def _file(self, request: Request, actor: Actor, key: str | None) -> tuple[Keyed | None, Work]:
        async with self._intake.spool(request.stream()) as body:
            keyed = _keyed(request, actor, key, body.sha256)
            async with self._intake.open(body) as parcel:
                message = parcel.message
                self._documents.require_speaker(actor, message.sender.organ_id, edxml.sender_element())
                if isinstance(message, Status):
                    return keyed, self._answering(actor, message)
                return keyed, await self._issuing(actor, message, parcel)

    def _answering(self, actor: Actor, message: Status) -> Work:
        new = edxml.read_status(message)

        async def work(conn: AsyncConnection) -> Answer:
            document = await self._documents.meant(conn, actor, message)
            held, transfers = await self._documents.answer(conn, actor, document, new)
            return json_answer(202 if transfers else 200, views.issued(held, transfers))

        return work

    async def _issuing(self, actor: Actor, message: Document, parcel: Parcel) -> Work:
        edxml.require_new(message)
        fields = edxml.read_fields(message)
        kept, original = await self._intake.keep(parcel)
        new = NewDocument(fields=fields | {"attachments": kept}, original=original, pointer=edxml.element)

        async def work(conn: AsyncConnection) -> Answer:
            answer = await self._issue(conn, actor, new)
            # behind the subject's lock, as the exchange does it: the other order could deadlock with it
            await self._documents.adopt(conn, actor, [*kept, original])
            return answer

        return work

    async def _issue(self, conn: AsyncConnection, actor: Actor, new: NewDocument) -> Answer:
        held = await self._documents.issue(conn, actor, new)
        return json_answer(202, views.issued(held), {"Location": f"/v1/documents/{held.id}"})


async def _read(request: Request, limit: int) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit:
            raise HubError("size.too_large", f"a JSON body may have {limit} bytes")
    return bytes(raw)


def _parse(raw: bytes) -> forms.DocumentForm:
    """Refusals look like those of every other JSON body."""
    try:
        return forms.DocumentForm.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from None


def _keyed(request: Request, actor: Actor, key: str | None, sha256: str) -> Keyed | None:
    """As `web.key_of`, of a body that was read as a stream."""
    if key is None:
        return None
    route = f"{request.method} {request.url.path} {actor.organ}"
    return replace(Keyed.of(actor.system, route, key, b""), body_digest=bytes.fromhex(sha256))
