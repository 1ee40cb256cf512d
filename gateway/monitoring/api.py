"""The operators' reads: transfers, one transfer, routes between levels."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from contracts import samples
from contracts.directory import local_date
from contracts.messages.base import NO_NUL_PATTERN, Moment
from contracts.problems import HubError
from contracts.protocol import TransferState
from gateway.audit.operators import LIMIT, MAX_CODE, MAX_LIMIT, Cursor, Operator, Subject, canonical
from gateway.delivery import store as deliveries
from gateway.monitoring import store, views
from gateway.organs.snapshot import OrganSnapshot
from services.kernel import cursors
from services.kernel.app import Reading
from services.kernel.clock import Clock
from services.kernel.openapi import answer, link, problem_responses

Since = Annotated[
    Moment | None,
    Query(
        description="Accepted at this time or later, RFC 3339 with a zone · được nhận từ thời điểm này",
        examples=["2024-06-03T00:00:00+07:00"],
    ),
]
Organ = Annotated[
    str | None,
    Query(
        max_length=MAX_CODE,
        pattern=NO_NUL_PATTERN,
        description="Sender or recipient by any code or alias, in any letter case · cơ quan gửi hoặc nhận",
        examples=[samples.ORGAN],
    ),
]
State = Annotated[TransferState | None, Query(description="Only transfers in this state · trạng thái")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Transfers at most · số gói tin tối đa")]
Id = Annotated[
    str,
    Path(
        alias="id",
        max_length=100,
        pattern=NO_NUL_PATTERN,
        description="Transfer id · mã gói tin",
        examples=[samples.TRANSFER],
    ),
]
_LIST = "transfers"
_LISTED = answer(
    "A page of transfers",
    {
        "items": [views.EXAMPLE],
        "next_cursor": cursors.encode(
            datetime.fromisoformat(views.EXAMPLE["accepted_at"]), samples.TRANSFER, cursors.scope(_LIST, *[None] * 4)
        ),
    },
    links={
        "first": link("showTransfer", "The first one", id="items/0/id"),
        "next": link("listTransfers", "The next page", cursor="next_cursor"),
    },
)


def build_router(organs: OrganSnapshot, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["operations"])
    _add_list(router, organs, clock)
    _add_show(router)
    _add_routes(router)
    return router


def _add_list(router: APIRouter, organs: OrganSnapshot, clock: Clock) -> None:
    @router.get(
        "/transfers",
        operation_id="listTransfers",
        summary="Transfers, newest first",
        response_model=views.TransferPage,
        response_model_exclude_none=True,
        responses={200: _LISTED, **problem_responses([])},
    )
    async def list_transfers(
        _operator: Operator,
        connection: Reading,
        subject: Subject = None,
        organ: Organ = None,
        state: State = None,
        since: Since = None,
        cursor: Cursor = None,
        limit: Limit = LIMIT,
    ) -> views.TransferPage:
        """Filters combine; `next_cursor` pages back in time. Content and people are not shown: codes, states, times
        and organs only.

        Tìm gói tin theo đối tượng, cơ quan, trạng thái, thời gian; không hiện nội dung hay thông tin cá nhân.
        """
        meant = canonical(organs.directory, organ, local_date(clock.hub_now()))
        scope = cursors.scope(_LIST, subject, meant, state, since)
        before, before_id = cursors.decode(cursor, scope) or (None, None)
        rows = await store.find_transfers(
            connection,
            subject=subject,
            organ=meant,
            state=state,
            since=since,
            before=before,
            before_id=before_id,
            limit=limit + 1,
        )
        items = await _transfers(connection, rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return views.TransferPage(
            items=items, next_cursor=cursors.encode(last["accepted_at"], last["id"], scope) if last else None
        )


def _add_show(router: APIRouter) -> None:
    @router.get(
        "/transfers/{id}",
        operation_id="showTransfer",
        summary="One transfer with its deliveries and answers",
        response_model=views.Transfer,
        response_model_exclude_none=True,
        responses={
            200: answer(
                "The transfer as the ledger has it",
                views.EXAMPLE,
                links={"subject": link("listTransfers", "All of the same dossier or document", subject="subject")},
            ),
            **problem_responses(["request.not_found"]),
        },
    )
    async def show_transfer(id_: Id, _operator: Operator, connection: Reading) -> views.Transfer:
        """Where one message is on its way: each recipient, each answer, and the verdict when it was refused.

        Một gói tin đã đi tới đâu: từng nơi nhận, từng trả lời, lý do nếu bị từ chối.
        """
        row = await store.find_transfer(connection, id_)
        if row is None:
            raise HubError("request.not_found")
        return (await _transfers(connection, [row]))[0]


def _add_routes(router: APIRouter) -> None:
    @router.get(
        "/routes",
        operation_id="listRoutes",
        summary="Routing health between levels",
        response_model=list[views.Route],
        response_model_exclude_none=True,
        responses={200: answer("Every pair of levels with traffic", views.ROUTES), **problem_responses([])},
    )
    async def list_routes(_operator: Operator, connection: Reading) -> list[views.Route]:
        """What is open between two levels and since when, how much moves, what was refused within the hour.

        Sức khỏe định tuyến giữa các cấp: còn tồn bao nhiêu, từ bao lâu, tốc độ và số bị từ chối.
        """
        return [views.Route(**row) for row in await store.routes(connection)]


async def _transfers(connection: Reading, rows: list[Any]) -> list[views.Transfer]:
    opened = await deliveries.of_transfers(connection, [(row["source"], row["id"]) for row in rows])
    answers = await store.answers(connection, [row["subject"] for row in rows if row["type"] in views.ISSUING])
    return [views.transfer(row, opened[row["source"], row["id"]], answers) for row in rows]
