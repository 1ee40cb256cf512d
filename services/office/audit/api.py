"""HTTP door of the record of reads, for administrators."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from contracts.directory import shown
from contracts.messages.base import Moment
from services.kernel import cursors
from services.kernel.app import Reading
from services.kernel.auth import Caller, require
from services.kernel.openapi import answer, problem_responses
from services.office.audit.actions import Action, Audit
from services.office.audit.store import Wanted
from services.office.web import JSON, Cursor, Limit

_LIST = "accesses"
EXAMPLE: dict[str, Any] = {
    "items": [
        {
            "at": "2024-06-03T09:15:00.000+07:00",
            "client_id": "commune-a",
            "organ": "000.03.21.H28",
            "action": "dossier.read",
            "subject": "000.03.21.H28-20240603-0000001",
            "request_id": "0123456789abcdef",
        }
    ],
    "next_cursor": cursors.encode(
        datetime.fromisoformat("2024-06-03T09:15:00+07:00"), "123", cursors.scope(_LIST, *[None] * 4)
    ),
}

OrganFilter = Annotated[
    str | None, Query(max_length=35, description="The organ that was acted for · cơ quan đã đọc", examples=["H28.21"])
]
SubjectFilter = Annotated[
    str | None,
    Query(max_length=200, description="Code, id or digest that was read · mã hồ sơ, văn bản hoặc tệp đã được đọc"),
]
ClientFilter = Annotated[str | None, Query(max_length=64, description="The system that read · hệ thống đã đọc")]
Since = Annotated[Moment | None, Query(description="Nothing older, RFC 3339 · từ thời điểm này trở đi")]


class Access(BaseModel):
    """One read: which system, for which organ, of what. `request_id` is that of the answer and of the log."""

    at: datetime
    client_id: str
    organ: str
    action: Action
    subject: str
    request_id: str


class AccessPage(BaseModel):
    """Newest first; without `next_cursor` there is nothing older."""

    items: list[Access]
    next_cursor: str | None = None


def build_router(audit: Audit) -> APIRouter:
    router = APIRouter(prefix="/v1/accesses", tags=["audit"])

    @router.get(
        "",
        summary="List who read what",
        operation_id="listAccesses",
        response_model=AccessPage,
        responses={200: answer("A page", EXAMPLE), **problem_responses(())},
    )
    async def accesses(
        _caller: Annotated[Caller, require("admin")],
        conn: Reading,
        organ: OrganFilter = None,
        subject: SubjectFilter = None,
        client_id: ClientFilter = None,
        since: Since = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        """Reads of dossiers, documents and attachments in this office, newest first. The record is written with each
        read and is never changed.

        Nhật ký đọc hồ sơ, văn bản và tệp đính kèm tại đơn vị này; chỉ ghi thêm, không sửa, không xóa.
        """
        scope = cursors.scope(_LIST, organ, subject, client_id, since)
        after = _place(cursor, scope)
        wanted = Wanted(organ=organ, subject=subject, client_id=client_id, since=since, after=after)
        rows = await audit.page(conn, wanted, limit + 1)
        page: dict[str, Any] = {"items": [_shape(row) for row in rows[:limit]]}
        if len(rows) > limit:
            page["next_cursor"] = cursors.encode(rows[limit - 1]["at"], str(rows[limit - 1]["position"]), scope)
        return Response(orjson.dumps(page), media_type=JSON)

    return router


def _place(cursor: str | None, scope: str) -> tuple[datetime, int] | None:
    found = cursors.decode(cursor, scope)
    if found is None:
        return None
    at, position = found
    if not position.isdecimal() or not position.isascii() or len(position) > 18:
        raise cursors.foreign()
    return at, int(position)


def _shape(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": shown(row["at"]),
        "client_id": row["client_id"],
        "organ": row["organ"],
        "action": row["action"],
        "subject": row["subject"],
        "request_id": row["request_id"],
    }
