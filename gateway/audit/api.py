"""HTTP door of the audit: reading it. Nothing but the acts themselves writes there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from contracts.directory import shown
from contracts.messages.base import NO_NUL_PATTERN, Moment
from gateway.audit import store
from gateway.audit.doors import JSON, MAX_CURSOR, Administrator, read_cursor, write_cursor
from services.kernel import cursors
from services.kernel.app import Reading
from services.kernel.openapi import answer, problem_responses

LIMIT = 100
MAX_LIMIT = 500
MAX_TARGET = 100
ITEM: dict[str, Any] = {
    "position": 118,
    "at": "2024-06-03T08:00:00.000+07:00",
    "recorded_at": "2024-06-03T08:00:00.004+07:00",
    "client_id": "administrator",
    "action": "system.suspended",
    "target": {"kind": "system", "id": "commune-a"},
    "before": {"client_id": "commune-a", "version": 3, "suspended": False},
    "after": {"client_id": "commune-a", "version": 4, "suspended": True},
    "reason": "Khóa của hệ thống bị lộ",
    "request_id": "0123456789abcdef",
}


class Target(BaseModel):
    kind: str
    id: str


class AuditItem(BaseModel):
    """One act. `at` is hub time, `recorded_at` the machine's; `before` and `after` are the entry without secrets."""

    position: int
    at: datetime
    recorded_at: datetime
    client_id: str
    action: str
    target: Target
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str
    request_id: str


class AuditPage(BaseModel):
    """`next_cursor` is there while there is more."""

    items: list[AuditItem]
    next_cursor: str | None = None


Target_ = Annotated[
    str | None,
    Query(
        max_length=MAX_TARGET,
        pattern=NO_NUL_PATTERN,
        description="`kind:id` or `id` alone; kinds are system, organ, key, directory, delivery, dead-letter"
        " · đối tượng",
        examples=["system:commune-a"],
    ),
]
Action = Annotated[
    str | None,
    Query(
        max_length=64, pattern=NO_NUL_PATTERN, description="What was done · việc đã làm", examples=["system.created"]
    ),
]
Actor = Annotated[
    str | None,
    Query(max_length=64, pattern=NO_NUL_PATTERN, description="Who acted: a client id, `gateway` or `seed` · ai làm"),
]
Since = Annotated[Moment | None, Query(description="Hub time, inclusive · từ lúc")]


def build_router() -> APIRouter:
    router = APIRouter(prefix="/v1/audit", tags=["audit"])

    @router.get(
        "",
        summary="Read the audit, newest first",
        operation_id="listAudit",
        response_model=AuditPage,
        response_model_exclude_none=True,
        responses={
            200: answer(
                example={"items": [ITEM], "next_cursor": write_cursor(118, cursors.scope("audit", *[None] * 4))}
            ),
            **problem_responses([]),
        },
    )
    async def page(
        _administrator: Administrator,
        conn: Reading,
        target: Target_ = None,
        action: Action = None,
        client_id: Actor = None,
        since: Since = None,
        cursor: Annotated[
            str | None, Query(max_length=MAX_CURSOR, description="`next_cursor` of the page before")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items at most · số mục nhiều nhất")] = LIMIT,
    ) -> Response:
        """Every change of systems, secrets, organs and signing keys: who made it, when, why, the entry before and
        after. The database refuses to change or delete what is there. Filters combine.

        Nhật ký quản trị: ai, việc gì, lúc nào, vì sao, trước và sau; chỉ ghi thêm, không sửa, không xóa.
        """
        scope = cursors.scope("audit", target, action, client_id, since)
        kind, colon, named = (target or "").partition(":")
        chosen = store.Filter(
            kind=kind if colon else None,
            target=(named if colon else kind) or None,
            action=action,
            client_id=client_id,
            since=since,
            before=read_cursor(cursor, scope),
        )
        rows = await store.page(conn, chosen, limit + 1)
        body: dict[str, Any] = {"items": [_item(row) for row in rows[:limit]]}
        if len(rows) > limit:
            body["next_cursor"] = write_cursor(rows[limit - 1]["position"], scope)
        return Response(orjson.dumps(body), media_type=JSON)

    return router


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = {
        "position": row["position"],
        "at": shown(row["at"]),
        "recorded_at": shown(row["recorded_at"]),
        "client_id": row["client_id"],
        "action": row["action"],
        "target": {"kind": row["kind"], "id": row["target"]},
        "reason": row["reason"],
        "request_id": row["request_id"],
    }
    documents = {name: orjson.Fragment(row[name]) for name in ("before", "after") if row[name] is not None}
    return item | documents
