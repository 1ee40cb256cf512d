"""HTTP door for operators: the dead letters of all programs."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Request
from starlette.responses import Response

from contracts.messages.base import NO_NUL_PATTERN, Moment
from gateway.audit.actions import Act
from gateway.audit.doors import WRITES, Acting, IdempotencyKey
from gateway.audit.operators import LIMIT, MAX_LIMIT, ActForm, Cursor, Operator
from gateway.operations import actions, store, views
from gateway.operations.store import LetterFilter
from services.kernel import cursors
from services.kernel.app import Reading
from services.kernel.connection import Connection
from services.kernel.idempotency import Answer, json_answer
from services.kernel.openapi import answer, link, problem_responses

_LIST = "dead letters"

Id = Annotated[
    str,
    Path(
        alias="id",
        max_length=100,
        pattern=NO_NUL_PATTERN,
        description="The dead letter · mã thông điệp hỏng",
        examples=[views.LETTER],
    ),
]
Topic = Annotated[
    str | None,
    Query(
        max_length=100,
        pattern=NO_NUL_PATTERN,
        description="The topic it lay in · chủ đề",
        examples=["ingest.commune"],
    ),
]
Code = Annotated[
    str | None,
    Query(
        max_length=64,
        pattern=NO_NUL_PATTERN,
        description="Problem code of the verdict · mã lỗi",
        examples=["envelope.unreadable"],
    ),
]
Since = Annotated[
    Moment | None,
    Query(
        description="Put aside at this time or later, RFC 3339 with a zone · từ thời điểm này",
        examples=["2024-06-03T00:00:00+07:00"],
    ),
]


def build_router(acting: Acting) -> APIRouter:
    router = APIRouter(prefix="/v1/dead-letters", tags=["operations"])
    _add_list(router)
    _add_close(router, acting)
    return router


def _add_list(router: APIRouter) -> None:
    example = {
        "items": [views.OPEN_LETTER],
        "next_cursor": cursors.encode(
            datetime.fromisoformat(views.OPEN_LETTER["at"]), views.LETTER, cursors.scope(_LIST, *[None] * 4)
        ),
    }

    @router.get(
        "",
        operation_id="listDeadLetters",
        summary="Records no program could take, the newest first",
        response_model=views.DeadLetterPage,
        response_model_exclude_none=True,
        responses={
            200: answer(
                "A page of dead letters",
                example,
                links={"close": link("closeDeadLetter", "The first one needs nothing more", id="items/0/id")},
            ),
            **problem_responses([]),
        },
    )
    async def list_dead_letters(
        _operator: Operator,
        connection: Reading,
        topic: Topic = None,
        code: Code = None,
        state: Annotated[views.LetterState | None, Query(description="Only those in this state · trạng thái")] = None,
        since: Since = None,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Dead letters at most · số mục tối đa")] = LIMIT,
    ) -> views.DeadLetterPage:
        """Of the gateway and all offices; headers and verdict only. What an office put aside comes by Kafka, and takes
        its place in the list by its own time. Filters combine.

        Thông điệp hỏng của cổng và mọi dịch vụ: chỉ tiêu đề và kết luận, không có nội dung.
        """
        scope = cursors.scope(_LIST, topic, code, state, since)
        before = cursors.decode(cursor, scope)
        chosen = LetterFilter(topic=topic, code=code, state=state, since=since, before=before)
        rows = await store.letters(connection, chosen, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        return views.DeadLetterPage(
            items=[views.DeadLetter(**views.dead_letter(row)) for row in rows[:limit]],
            next_cursor=cursors.encode(last["at"], last["id"], scope) if last else None,
        )


def _add_close(router: APIRouter, acting: Acting) -> None:
    @router.post(
        "/{id}:close",
        operation_id="closeDeadLetter",
        summary="Mark a dead letter as dealt with",
        response_model=views.ClosedLetter,
        response_model_exclude_none=True,
        responses={
            200: answer(
                "The dead letter as it is now",
                views.CLOSED_LETTER,
                links={"open": link("listDeadLetters", "What else lay in its topic", topic="topic")},
            ),
            **problem_responses(["request.not_found", "dead_letter.not_open", *WRITES]),
        },
    )
    async def close_dead_letter(
        id_: Id,
        form: Annotated[ActForm, Body(openapi_examples={"reason": {"value": views.LOOKED_INTO}})],
        request: Request,
        operator: Operator,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Somebody looked into it and it needs nothing more. It stays in the list with who closed it, when and why.

        Đánh dấu đã xử lý một thông điệp hỏng; danh sách vẫn giữ người đóng, thời điểm và lý do.
        """

        async def work(conn: Connection, act: Act) -> Answer:
            row = await actions.close_letter(conn, id_, by=act, dry_run=form.dry_run)
            view = views.ClosedLetter(**views.dead_letter(row), dry_run=form.dry_run)
            return json_answer(200, view.model_dump(mode="json", exclude_none=True))

        return await acting.once(request, operator, work, key=idempotency_key, reason=form.reason)
