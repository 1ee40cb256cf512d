"""HTTP door of attachments: bytes by their digest, streamed in both directions."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from contracts.identifiers import Sha256
from services.kernel.database import Database
from services.office.attachments.actions import Attachments
from services.office.organs.rules import Actor
from services.office.web import Desk, json_answer, problems, respond

MAX_BYTES = 2 * 1024 * 1024 * 1024
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}

Digest = Annotated[Sha256, Path(description="SHA-256 of the bytes, lower-case hexadecimal", examples=[EMPTY])]


class Stored(BaseModel):
    """The attachment lies durably in the office's store."""

    sha256: str
    size: int


def build_router(desk: Desk, attachments: Attachments, database: Database) -> APIRouter:
    router = APIRouter(prefix="/v1/attachments", tags=["attachments"])
    _add_put(router, desk, attachments, database)
    _add_get(router, desk, attachments, database)
    return router


def _add_put(router: APIRouter, desk: Desk, attachments: Attachments, database: Database) -> None:
    @router.put(
        "/{sha256}",
        summary="Put an attachment",
        response_model=Stored,
        responses={
            201: {"model": Stored, "description": "Stored for the first time"},
            **problems("attachment.digest_mismatch", "attachment.unavailable", "size.too_large", writes=True),
        },
        openapi_extra={"requestBody": {"required": True, "content": BYTES}},
        max_body_size=MAX_BYTES,
    )
    async def put(
        sha256: Digest,
        request: Request,
        actor: Annotated[Actor, desk.writer("dossier:write", "document:write")],
    ) -> Response:
        """The bytes under their own digest, before a dossier or document names them. 201 the first time, 200 again.

        Tải tệp lên theo mã SHA-256 trước khi nêu trong hồ sơ hoặc văn bản.
        """
        size = await attachments.upload(sha256, request.stream())
        async with database.transaction() as conn:
            first = await attachments.record(conn, actor.organ, sha256, size)
        return respond(json_answer(201 if first else 200, {"sha256": sha256, "size": size}))


def _add_get(router: APIRouter, desk: Desk, attachments: Attachments, database: Database) -> None:
    @router.get(
        "/{sha256}",
        summary="Get an attachment",
        response_class=StreamingResponse,
        responses={
            200: {"description": "The bytes", "content": BYTES},
            **problems("request.not_found", "attachment.unavailable"),
        },
    )
    async def get(
        sha256: Digest, actor: Annotated[Actor, desk.reader("dossier:read", "document:read")]
    ) -> StreamingResponse:
        """Only what the organ put itself or holds through a dossier or document; as a download, never shown in place.

        Tải tệp về; chỉ tệp thuộc hồ sơ, văn bản mà cơ quan đang giữ.
        """
        async with database.read() as conn:
            size = await attachments.size(conn, actor.organ, sha256)
        chunks = await attachments.read(sha256)
        headers = {
            "Content-Disposition": f'attachment; filename="{sha256}"',
            "Content-Length": str(size),
            "ETag": f'"{sha256}"',
            "X-Content-Type-Options": "nosniff",
        }
        return StreamingResponse(chunks, media_type="application/octet-stream", headers=headers)
