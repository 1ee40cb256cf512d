"""HTTP door of changes of the organ directory, for administrators: one entry at a time."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request
from starlette.responses import Response

from contracts.directory import local_date
from contracts.identifiers import ORGAN_PATTERN, organ_key
from contracts.messages.registry import Alias, OrganChanged
from contracts.problems import HubError
from gateway.audit.actions import Act
from gateway.audit.doors import (
    BODIES,
    WRITES,
    Acting,
    Administrator,
    AskedReason,
    IdempotencyKey,
    IfMatch,
    check_version,
    etag,
)
from gateway.organs import actions, forms
from gateway.organs.snapshot import OrganSnapshot
from services.kernel.clock import Clock
from services.kernel.connection import Connection
from services.kernel.idempotency import Answer
from services.kernel.openapi import answer, link, problem_responses

_LINKS = {
    "show": link("showOrgan", code="code"),
    "change": link("changeOrgan", code="code"),
    "alias": link("addOrganAlias", code="code"),
}
OwnCode = Annotated[str, Path(pattern=ORGAN_PATTERN, description="Its own code · mã định danh", examples=["H44.104"])]
AnyCode = Annotated[
    str, Path(pattern=ORGAN_PATTERN, description="Its code or an alias · mã định danh hoặc mã khác", examples=["G22"])
]


def build_router(acting: Acting, snapshot: OrganSnapshot, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/v1/organs", tags=["organs"])
    desk = _Changes(acting, snapshot, clock)
    _add_put(router, desk)
    _add_patch(router, desk)
    _add_aliases(router, desk)
    return router


class _Changes:
    """What the operations share."""

    def __init__(self, acting: Acting, snapshot: OrganSnapshot, clock: Clock) -> None:
        self.acting = acting
        self.snapshot = snapshot
        self._clock = clock

    async def known(self, conn: Connection, code: str) -> OrganChanged:
        """By any code at today's date."""
        await self.snapshot.refresh(conn)
        organ = self.snapshot.directory.find(code, local_date(self._clock.hub_now()))
        if organ is None:
            raise HubError("request.not_found", "no such organ")
        return organ


def _add_put(router: APIRouter, desk: _Changes) -> None:
    @router.put(
        "/{code}",
        summary="Register an organ, or give its whole entry anew",
        operation_id="putOrgan",
        response_model=OrganChanged,
        responses={
            200: answer("It was there", forms.SHOWN, headers=("ETag",), links=_LINKS),
            201: {"model": OrganChanged, **answer("It is new", forms.SHOWN, headers=("ETag",), links=_LINKS)},
            **problem_responses(["request.precondition_failed", *BODIES]),
        },
    )
    async def put(
        code: OwnCode,
        form: Annotated[forms.OrganForm, Body(openapi_examples={"commune": {"value": forms.ORGAN}})],
        request: Request,
        administrator: Administrator,
        reason: AskedReason = "",
        if_match: IfMatch = None,
    ) -> Response:
        """What is left out has its default. The entry is judged beside all others at all dates: the superior exists
        and is not of a lower level, no circle, no code that means two organs at once, successors exist. Organs are
        never deleted: close them with `valid_to`.

        Đăng ký cơ quan hoặc thay toàn bộ thông tin; cơ quan không bị xóa, chỉ kết thúc hiệu lực.
        """
        if form.code is not None and organ_key(form.code) != organ_key(code):
            raise HubError("request.invalid", "is not the code of the address", pointer="/code")

        def edit(held: OrganChanged | None) -> OrganChanged:
            check_version(if_match, held.version if held else None)
            if held is not None and form.version is not None:
                check_version(etag(form.version), held.version)
            return form.entry(code, held)

        async def work(conn: Connection, act: Act) -> Answer:
            organ, new = await actions.change(conn, desk.snapshot, code, edit, by=act)
            return _answer(organ, 201 if new else 200)

        return await desk.acting.once(request, administrator, work, key=None, reason=reason)


def _add_patch(router: APIRouter, desk: _Changes) -> None:
    @router.patch(
        "/{code}",
        summary="Change an organ: home, suspension, closing, name",
        operation_id="changeOrgan",
        response_model=OrganChanged,
        responses={
            200: answer(example=forms.SHOWN, headers=("ETag",)),
            **problem_responses(["request.not_found", "request.precondition_failed", *BODIES]),
        },
    )
    async def patch(
        code: AnyCode,
        form: Annotated[forms.OrganPatch, Body(openapi_examples=_PATCHES)],
        request: Request,
        administrator: Administrator,
        if_match: IfMatch = None,
    ) -> Response:
        """Fields that are left out stay. `valid_to` with `successors` closes the organ: what is addressed to it from
        that day goes to the successor. `suspended` keeps everything from it until it is lifted.

        Đổi kênh nhận, tạm dừng, kết thúc hiệu lực, đổi tên cơ quan.
        """

        async def work(conn: Connection, act: Act) -> Answer:
            known = await desk.known(conn, code)

            def edit(held: OrganChanged | None) -> OrganChanged:
                held = held or known
                check_version(if_match, held.version)
                return form.edited(held)

            organ, _ = await actions.change(conn, desk.snapshot, known.code, edit, by=act, action=form.action(known))
            return _answer(organ, 200)

        return await desk.acting.once(request, administrator, work, key=None, reason=form.reason)


def _add_aliases(router: APIRouter, desk: _Changes) -> None:
    @router.post(
        "/{code}/aliases",
        status_code=201,
        summary="Give an organ another code",
        operation_id="addOrganAlias",
        response_model=OrganChanged,
        responses={
            201: answer(example=forms.SHOWN, headers=("ETag",)),
            **problem_responses(["request.not_found", "request.conflict", "request.precondition_failed", *WRITES]),
        },
    )
    async def add(
        code: AnyCode,
        alias: Annotated[Alias, Body(openapi_examples={"old": {"value": forms.ALIAS}})],
        request: Request,
        administrator: Administrator,
        reason: AskedReason = "",
        if_match: IfMatch = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """The code means this organ as well, for some time or always, and no other one in that time. The same alias
        again changes nothing.

        Thêm mã khác cho cơ quan: mã cũ, mã mới hoặc mã đã đóng.
        """

        def edit(held: OrganChanged | None) -> OrganChanged:
            if held is None:
                raise HubError("request.not_found", "no such organ")
            check_version(if_match, held.version)
            return forms.with_alias(held, alias)

        async def work(conn: Connection, act: Act) -> Answer:
            known = await desk.known(conn, code)
            try:
                organ, _ = await actions.change(
                    conn, desk.snapshot, known.code, edit, by=act, action="organ.alias-added"
                )
            except HubError as error:
                raise _of_alias(error) from None
            return _answer(organ, 201)

        return await desk.acting.once(request, administrator, work, key=idempotency_key, reason=reason)


def _of_alias(error: HubError) -> HubError:
    """The refusal with its place in the alias that was sent."""
    if not error.pointer.startswith("/aliases/"):
        return error
    return HubError(error.code, error.detail, pointer="/" + error.pointer.split("/", 3)[3])


def _answer(organ: OrganChanged, status: int) -> Answer:
    return Answer(status, organ.model_dump_json().encode(), {"ETag": etag(organ.version)})


_PATCHES: dict[str, Any] = {
    "name": {"summary": "Rename", "value": {"name": "Văn phòng Chính phủ"}},
    "closing": {"summary": "Close with successors", "value": forms.CLOSING},
    "home": {"summary": "Change the channel", "value": {"home": "vxp"}},
    "suspension": {"summary": "Suspend", "value": {"suspended": True, "reason": "Chưa sẵn sàng tiếp nhận"}},
}
