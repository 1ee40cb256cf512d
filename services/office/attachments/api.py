"""HTTP door of attachments: bytes by their digest, streamed in both directions."""

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from contracts import samples
from contracts.identifiers import Sha256
from contracts.problems import HubError
from services.kernel.database import Database
from services.kernel.idempotency import json_answer
from services.kernel.openapi import answer
from services.office.attachments import rules
from services.office.attachments.actions import Attachments, Room
from services.office.audit.actions import Audit
from services.office.organs.rules import Actor
from services.office.web import Desk, problems, respond

MAX_BYTES = 2 * 1024 * 1024 * 1024
OCTETS = "application/octet-stream"

BYTES: dict[str, Any] = {OCTETS: {"schema": {"type": "string", "format": "binary"}}}
GIVEN: dict[str, Any] = {OCTETS: {**BYTES[OCTETS], "examples": {"text": {"value": samples.PAPER}}}}
STORED: dict[str, Any] = {"sha256": samples.PAPER_SHA256, "size": len(samples.PAPER.encode())}

Digest = Annotated[
    Sha256, Path(description="SHA-256 of the bytes, lower-case hexadecimal", examples=[samples.PAPER_SHA256])
]
Name = Annotated[
    str | None,
    Query(max_length=255, description="File name of the download · tên tệp khi tải về", examples=["giấy phép.pdf"]),
]
PartHeader = Annotated[
    str | None,
    Header(alias="Range", description="One part, `bytes=0-1023`; several are answered with the whole · tải một phần"),
]
IfRangeHeader = Annotated[str | None, Header(description="The `ETag`: a part only if it is still the same bytes")]
KnownHeader = Annotated[str | None, Header(description="The `ETag`: 304 when the caller has the bytes")]


class Stored(BaseModel):
    """The attachment lies durably in the office's store."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """What a download asks for besides the digest."""

    name: str | None
    range: str | None
    if_range: str | None
    if_none_match: str | None


def build_router(desk: Desk, attachments: Attachments, audit: Audit, database: Database) -> APIRouter:
    router = APIRouter(prefix="/v1/attachments", tags=["attachments"])
    _add_put(router, desk, attachments, database)
    _add_get(router, desk, Downloads(attachments, audit, database))
    return router


def _add_put(router: APIRouter, desk: Desk, attachments: Attachments, database: Database) -> None:
    @router.put(
        "/{sha256}",
        summary="Put an attachment",
        operation_id="putAttachment",
        response_model=Stored,
        responses={
            200: answer("It was there already", STORED),
            201: {"model": Stored, **answer("Stored for the first time", STORED)},
            **problems(
                "attachment.digest_mismatch",
                "attachment.quota_exceeded",
                "attachment.unavailable",
                "request.timeout",
                "size.too_large",
                "system.disk_full",
                "sender.suspended",
            ),
        },
        openapi_extra={"requestBody": {"required": True, "content": GIVEN}},
        max_body_size=MAX_BYTES,
    )
    async def put(
        sha256: Digest,
        request: Request,
        actor: Annotated[Actor, desk.writer("dossier:write", "document:write")],
    ) -> Response:
        """The bytes under their own digest, before a dossier or document names them. 201 the first time, 200 again.
        What an organ puts counts once against its quota.

        Tải tệp lên theo mã SHA-256 trước khi nêu trong hồ sơ hoặc văn bản; mỗi tệp tính một lần vào dung lượng.
        """
        declared = _declared(request)
        async with database.read() as conn:
            room = await attachments.room(conn, actor.organ, sha256)
        room.require(declared or 0)
        size = await attachments.upload(sha256, _measured(request.stream(), room, declared))
        async with database.transaction() as conn:
            first = await attachments.record(conn, actor.organ, sha256, size)
        return respond(json_answer(201 if first else 200, {"sha256": sha256, "size": size}))


def _declared(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length[:18]) if length.isdecimal() else None


async def _measured(chunks: AsyncIterable[bytes], room: Room, declared: int | None) -> AsyncIterator[bytes]:
    """The body, as long as it keeps its word and fits."""
    came = 0
    async for chunk in chunks:
        came += len(chunk)
        if declared is not None and came > declared:
            raise HubError("request.malformed", "the body is longer than Content-Length")
        room.require(came)
        yield chunk
    if declared is not None and came < declared:
        raise HubError("request.malformed", "the body is shorter than Content-Length")


def _add_get(router: APIRouter, desk: Desk, downloads: "Downloads") -> None:
    @router.get(
        "/{sha256}",
        summary="Get an attachment",
        operation_id="getAttachment",
        response_class=StreamingResponse,
        responses={
            200: {"description": "The bytes", "content": BYTES},
            206: {"description": "The part asked for, told in `Content-Range`", "content": BYTES},
            304: {"description": "The caller has the bytes"},
            **problems("request.not_found", "request.range_not_satisfiable", "attachment.unavailable"),
        },
    )
    async def get(
        sha256: Digest,
        request: Request,
        actor: Annotated[Actor, desk.reader("dossier:read", "document:read")],
        name: Name = None,
        range_: PartHeader = None,
        if_range: IfRangeHeader = None,
        if_none_match: KnownHeader = None,
    ) -> Response:
        """Only what the organ put itself or holds through a dossier or document; as a download, never shown in place.
        What came with dossiers needs `dossier:read`, what came with documents `document:read`; what the organ put
        itself, either. Every read is recorded.

        Tải tệp về, toàn bộ hoặc một phần; chỉ tệp cơ quan đã tải lên, hoặc thuộc hồ sơ (cần `dossier:read`), văn bản
        (cần `document:read`) mà cơ quan đang giữ. Mỗi lần đọc đều được ghi lại.
        """
        fetch = Fetch(name, range_, if_range, if_none_match)
        return await downloads.answer(actor, sha256, fetch, bare=request.scope["state"].get("bare", False))


class Downloads:
    """Answers to readers: decided and recorded first, opened last."""

    def __init__(self, attachments: Attachments, audit: Audit, database: Database) -> None:
        self._attachments = attachments
        self._audit = audit
        self._database = database

    async def answer(self, actor: Actor, sha256: str, fetch: Fetch, *, bare: bool) -> Response:
        """`bare`: only the headers, nothing is opened."""
        async with self._database.transaction() as conn:
            size = await self._attachments.size(conn, actor.organ, sha256, actor.scopes)
            await self._audit.note(conn, actor, "attachment.read", sha256)
        etag = f'"{sha256}"'
        headers = {
            "Accept-Ranges": "bytes",
            "Content-Disposition": rules.disposition(fetch.name, sha256),
            "Content-Length": str(size),
            "Content-Security-Policy": "sandbox",
            "ETag": etag,
            "X-Content-Type-Options": "nosniff",
        }
        if rules.is_known(fetch.if_none_match, etag):
            return Response(status_code=304, headers={"ETag": etag})
        if bare:
            return Response(headers=headers, media_type=OCTETS)
        span = rules.span_of(fetch.range, size) if rules.is_current(fetch.if_range, etag) else None
        if span is None:
            return StreamingResponse(await self._attachments.read(sha256), media_type=OCTETS, headers=headers)
        headers |= {"Content-Length": str(span.length), "Content-Range": span.content_range}
        part = await self._attachments.read(sha256, (span.first, span.last + 1))
        return StreamingResponse(part, status_code=206, media_type=OCTETS, headers=headers)
