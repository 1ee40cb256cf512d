"""HTTP door for operators: deliveries sent again or given up, and what does not come to an end."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Request
from starlette.responses import Response

from contracts import samples
from contracts.directory import local_date
from contracts.messages.base import NO_NUL_PATTERN
from gateway.audit.actions import Act
from gateway.audit.doors import WRITES, Acting, IdempotencyKey
from gateway.audit.operators import LIMIT, MAX_CODE, MAX_LIMIT, ActForm, Cursor, Operator, Subject, canonical
from gateway.operations import actions, store, views
from gateway.organs.snapshot import OrganSnapshot
from gateway.work import Clock, Desk
from services.kernel import cursors
from services.kernel.app import Reading
from services.kernel.connection import Connection
from services.kernel.idempotency import Answer, json_answer
from services.kernel.openapi import answer, link, problem_responses

OLDER_SECONDS = 600
MAX_OLDER_SECONDS = 10 * 365 * 86400
KINDS: tuple[views.Kind, ...] = ("undecided", "stuck", "expired", "waiting")
_LIST = "stuck"

DeliveryId = Annotated[
    str,
    Path(
        alias="id",
        max_length=100,
        pattern=NO_NUL_PATTERN,
        description="The delivery, as its transfer shows it · mã lượt giao",
        examples=[views.DELIVERY],
    ),
]
Office = Annotated[
    Literal["province", "district", "commune"] | None,
    Query(description="Only those to the office of this level · cấp của dịch vụ nhận"),
]
Organ = Annotated[
    str | None,
    Query(
        max_length=MAX_CODE,
        pattern=NO_NUL_PATTERN,
        description="Recipient by any code or alias, in any letter case · cơ quan nhận",
        examples=[samples.ORGAN],
    ),
]
OlderThan = Annotated[
    int,
    Query(
        ge=0,
        le=MAX_OLDER_SECONDS,
        description="Of kind `waiting`, those open for at least so many seconds · mở lâu hơn số giây này",
    ),
]
_LINKS = {
    "transfer": link("showTransfer", "Its transfer with all deliveries", id="transfer"),
    "subject": link("listStuck", "What else of the subject does not come to an end", subject="subject"),
}


def build_router(acting: Acting, desk: Desk, organs: OrganSnapshot) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["operations"])
    _add_redeliver(router, acting, desk)
    _add_close(router, acting, desk)
    _add_stuck(router, organs, desk.clock)
    return router


def _add_redeliver(router: APIRouter, acting: Acting, desk: Desk) -> None:
    @router.post(
        "/deliveries/{id}:redeliver",
        operation_id="redeliverDelivery",
        summary="Send an open delivery again now",
        status_code=202,
        response_model=views.Redelivered,
        response_model_exclude_none=True,
        responses={
            200: answer("A dry run: what would be sent", {**views.REDELIVERED, "dry_run": True}, links=_LINKS)
            | {"model": views.Redelivered},
            202: answer("It is sent now", views.REDELIVERED, links=_LINKS),
            **problem_responses(["request.not_found", "delivery.not_open", "recipient.undecided", *WRITES]),
        },
    )
    async def redeliver_delivery(
        id_: DeliveryId,
        form: Annotated[ActForm, Body(openapi_examples={"reason": {"value": views.AGAIN}})],
        request: Request,
        operator: Operator,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Past its schedule, and though its office has not read what was sent before; together with what is open before
        it on the same way, since an office drops what stands behind a gap. An office at which it is stuck tries it as
        soon as it comes. It arrives once, however often it is sent.

        Gửi lại ngay một lượt giao còn mở, không chờ lịch, cùng các gói tin còn mở trước nó trên cùng tuyến. Gửi bao
        nhiêu lần thì nơi nhận cũng chỉ nhận một lần.
        """

        async def work(conn: Connection, act: Act) -> Answer:
            done = await actions.redeliver(conn, desk, id_, by=act, dry_run=form.dry_run)
            view = views.redelivered(done, dry_run=form.dry_run)
            return _answer(200 if form.dry_run else 202, view)

        return await acting.once(request, operator, work, key=idempotency_key, reason=form.reason)


def _add_close(router: APIRouter, acting: Acting, desk: Desk) -> None:
    @router.post(
        "/deliveries/{id}:close",
        operation_id="closeDelivery",
        summary="Give an open delivery up",
        response_model=views.Closed,
        response_model_exclude_none=True,
        responses={
            200: answer("It is closed for good, or a dry run: what would be", views.CLOSED_AT_ONCE, links=_LINKS),
            202: answer(
                "It is closed once its office has receipted the record that replaces it", views.CLOSED, links=_LINKS
            )
            | {"model": views.Closed},
            **problem_responses(["request.not_found", "delivery.not_open", *WRITES]),
        },
    )
    async def close_delivery(
        id_: DeliveryId,
        form: Annotated[ActForm, Body(openapi_examples={"reason": {"value": views.GIVING_UP}})],
        request: Request,
        operator: Operator,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Its organ does not get the message; what follows on the subject goes on. The number it had is kept: its
        office gets the record without that organ, or `delivery.voided`, and must receipt it (202). Until then the
        message may be taken after all, which counts then, and the sender is shown `open`; afterwards `closed` with the
        code `delivery.closed`. A delivery to the axis, or one without a successor, is closed at once (200); what the
        axis was being sent at that moment may arrive.

        No custody moves: an offer that was not delivered stays open until its giver recalls it (`open_offer`).

        Đóng một lượt giao còn mở: nơi nhận sẽ không nhận được gói tin, các gói tin sau vẫn tiếp tục. Trả lời 202 nghĩa
        là còn chờ biên nhận của dịch vụ nơi nhận; bên gửi thấy `closed` khi đã chắc chắn. Quyền thụ lý không thay đổi.
        """

        async def work(conn: Connection, act: Act) -> Answer:
            done = await actions.close(conn, desk, id_, by=act, dry_run=form.dry_run)
            view = views.closed(done, dry_run=form.dry_run)
            return _answer(200 if form.dry_run or done.final else 202, view)

        return await acting.once(request, operator, work, key=idempotency_key, reason=form.reason)


def _add_stuck(router: APIRouter, organs: OrganSnapshot, clock: Clock) -> None:
    @router.get(
        "/stuck",
        operation_id="listStuck",
        summary="Deliveries that do not come to an end, the oldest first",
        response_model=views.HeldUpPage,
        response_model_exclude_none=True,
        responses={200: _listed(), **problem_responses([])},
    )
    async def list_stuck(
        _operator: Operator,
        connection: Reading,
        kind: Annotated[views.Kind | None, Query(description="Only this kind · loại")] = None,
        office: Office = None,
        organ: Organ = None,
        subject: Subject = None,
        older_than: OlderThan = OLDER_SECONDS,
        cursor: Cursor = None,
        limit: Annotated[
            int, Query(ge=1, le=MAX_LIMIT, description="Deliveries at most · số lượt giao tối đa")
        ] = LIMIT,
    ) -> views.HeldUpPage:
        """Each open delivery once, under the first kind that fits: `undecided`, `stuck`, `expired`, `waiting`. Filters
        combine. What is stuck makes later messages of its subject to the same office wait (`behind`).

        Các lượt giao chưa kết thúc, cũ nhất trước: chờ chọn cơ quan kế thừa, tắc ở dịch vụ nhận, quá hạn, đang chờ.
        """
        meant = canonical(organs.directory, organ, local_date(clock.hub_now()))
        scope = cursors.scope(_LIST, kind, office, meant, subject, older_than)
        after, after_id = cursors.decode(cursor, scope) or (None, None)
        given: dict[str, Any] = {"office": office, "organ": meant, "subject": subject}
        given |= {"after": after, "after_id": after_id}
        given["older"] = clock.machine_now() - timedelta(seconds=older_than)
        rows = await store.held_up(connection, [kind] if kind else KINDS, given, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        return views.HeldUpPage(
            items=[views.held_up(row) for row in rows[:limit]],
            next_cursor=cursors.encode(last["opened_at"], last["id"], scope) if last else None,
        )


def _listed() -> dict[str, Any]:
    scope = cursors.scope(_LIST, *[None] * 4, OLDER_SECONDS)
    return answer(
        "A page of deliveries",
        {"items": [views.HELD_UP], "next_cursor": cursors.seal(f"1717380002480000:{views.DELIVERY}", scope)},
        links={
            "transfer": link("showTransfer", "The transfer of the first", id="items/0/transfer"),
            "redeliver": link("redeliverDelivery", "Send the first again", id="items/0/delivery"),
            "close": link("closeDelivery", "Give the first up", id="items/0/delivery"),
        },
    )


def _answer(status: int, view: views.Redelivered | views.Closed) -> Answer:
    return json_answer(status, view.model_dump(mode="json", exclude_none=True))
