"""HTTP door of the agency systems, for administrators: registering, changing, secrets, suspending."""

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Query, Request
from starlette.responses import Response

from contracts.directory import local_date
from contracts.identifiers import organ_key
from contracts.levels import Level
from contracts.messages.base import NO_NUL_PATTERN
from contracts.messages.registry import SystemChanged
from contracts.problems import HubError
from gateway.audit.actions import Act
from gateway.audit.doors import (
    BODIES,
    JSON,
    MAX_CURSOR,
    WRITES,
    Acting,
    Administrator,
    AskedReason,
    IdempotencyKey,
    IfMatch,
    check_version,
    etag,
    read_cursor,
    write_cursor,
)
from gateway.identity import actions, forms, store
from gateway.identity.rules import RESERVED, canonical
from gateway.identity.secrets import hash_secret, make_secret
from gateway.identity.secrets_api import add_secret_routes
from gateway.organs.rules import search_words
from gateway.organs.snapshot import OrganSnapshot
from services.kernel import cursors
from services.kernel.app import Reading
from services.kernel.auth import Caller, require
from services.kernel.clock import Clock
from services.kernel.idempotency import Answer, json_answer
from services.kernel.openapi import answer, link, problem_responses

LIMIT = 100
MAX_LIMIT = 500
MAX_QUERY = 200
_LINKS = {
    "show": link("showSystem", "The system with its secrets' dates", client_id="client_id"),
    "change": link("changeSystem", "Name, organs, scopes, quota", client_id="client_id"),
    "secret": link("addSystemSecret", "A new secret beside the present one", client_id="client_id"),
    "suspend": link("suspendSystem", "Let it in no more", client_id="client_id"),
    "resume": link("resumeSystem", "Let it in again", client_id="client_id"),
}

Query_ = Annotated[str, Query(max_length=MAX_QUERY, pattern=NO_NUL_PATTERN, description="In name or client id")]
OrganCode = Annotated[
    str | None, Query(max_length=40, pattern=NO_NUL_PATTERN, description="Speaks for it; any of its codes")
]
Cursor = Annotated[str | None, Query(max_length=MAX_CURSOR, description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items at most · số mục nhiều nhất")]


def build_router(acting: Acting, organs: OrganSnapshot, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/v1/systems", tags=["systems"])
    desk = _Systems(acting, organs, clock)
    _add_list(router, desk)
    _add_own(router, desk)
    _add_show(router, desk)
    _add_create(router, desk)
    _add_change(router, desk)
    add_secret_routes(router, acting)
    _add_suspension(router, desk, "suspend")
    _add_suspension(router, desk, "resume")
    return router


class _Systems:
    """What the operations share."""

    def __init__(self, acting: Acting, organs: OrganSnapshot, clock: Clock) -> None:
        self.acting = acting
        self.organs = organs
        self.clock = clock

    async def judged(self, conn: Reading, system: SystemChanged) -> SystemChanged:
        """By the organs as they are committed, not as this process last saw them."""
        await self.organs.refresh(conn)
        return canonical(system, self.organs.directory, local_date(self.clock.hub_now()))

    async def view(self, conn: Reading, client_id: str) -> Response:
        system = await store.system(conn, client_id)
        if system is None:
            raise HubError("request.not_found", "no such system")
        body = forms.shape_system(system, await store.secrets(conn, client_id))
        return Response(orjson.dumps(body), media_type=JSON, headers={"ETag": etag(system.version)})

    async def changed(self, conn: Reading, system: SystemChanged) -> Answer:
        body = forms.shape_system(system, await store.secrets(conn, system.client_id))
        return json_answer(200, body, {"ETag": etag(system.version)})


def _add_list(router: APIRouter, desk: _Systems) -> None:
    @router.get(
        "",
        summary="List systems, the youngest first",
        operation_id="listSystems",
        response_model=forms.SystemPage,
        response_model_exclude_none=True,
        responses={
            200: answer(
                example={"items": [_item()], "next_cursor": write_cursor(12, cursors.scope("systems", "", *[None] * 3))}
            ),
            **problem_responses([]),
        },
    )
    async def page(
        _administrator: Administrator,
        conn: Reading,
        q: Query_ = "",
        organ: OrganCode = None,
        level: Annotated[Level | None, Query(description="Of this level · cấp")] = None,
        suspended: Annotated[bool | None, Query(description="Suspended or not · đang tạm dừng")] = None,
        cursor: Cursor = None,
        limit: Limit = LIMIT,
    ) -> Response:
        """The agency systems that may call the hub. Filters combine; `q` looks into names and client ids, accents or
        not.

        Danh sách hệ thống được phép kết nối, mới nhất trước.
        """
        scope = cursors.scope("systems", q, organ, level, suspended)
        known = desk.organs.directory.find(organ, local_date(desk.clock.hub_now())) if organ else None
        chosen = store.Filter(
            words=search_words(q),
            organ=organ_key(known.code if known else organ) if organ else None,
            level=level,
            suspended=suspended,
            before=read_cursor(cursor, scope),
        )
        rows = await store.page(conn, chosen, limit + 1)
        found = [SystemChanged.model_validate_json(document) for _, document in rows[:limit]]
        body: dict[str, Any] = {"items": [forms.shape_item(system) for system in found]}
        if len(rows) > limit:
            body["next_cursor"] = write_cursor(rows[limit - 1][0], scope)
        return Response(orjson.dumps(body), media_type=JSON)


def _add_own(router: APIRouter, desk: _Systems) -> None:
    @router.get(
        "/me",
        summary="Show the calling system",
        operation_id="showOwnSystem",
        response_model=forms.SystemView,
        response_model_exclude_none=True,
        responses={200: answer(example=forms.SYSTEM), **problem_responses(["request.not_found"])},
    )
    async def me(caller: Annotated[Caller, require("")], conn: Reading) -> Response:
        """What the hub knows of the system the token belongs to: organs, scopes, quota, when its secrets were made.

        Thông tin của chính hệ thống đang gọi.
        """
        return await desk.view(conn, caller.client_id)


def _add_show(router: APIRouter, desk: _Systems) -> None:
    @router.get(
        "/{client_id}",
        summary="Show a system",
        operation_id="showSystem",
        response_model=forms.SystemView,
        response_model_exclude_none=True,
        responses={
            200: answer(example=forms.SYSTEM, headers=("ETag",), links=_LINKS),
            **problem_responses(["request.not_found"]),
        },
    )
    async def one(client_id: forms.ClientId, _administrator: Administrator, conn: Reading) -> Response:
        """With the ids and times of its secrets, never the secrets. `ETag` is its version, for If-Match.

        Thông tin một hệ thống; khóa chỉ hiện mã và thời điểm, không hiện nội dung.
        """
        return await desk.view(conn, client_id)


def _add_create(router: APIRouter, desk: _Systems) -> None:
    @router.post(
        "",
        status_code=201,
        summary="Register a system",
        operation_id="createSystem",
        response_model=forms.NewSystemView,
        response_model_exclude_none=True,
        responses={
            201: answer(
                example={**forms.SYSTEM, "client_secret": forms.CLIENT_SECRET},
                headers=("ETag", "Location", "Idempotency-Replayed"),
                links=_LINKS,
            ),
            **problem_responses(["request.conflict", *WRITES]),
        },
    )
    async def create(
        form: Annotated[forms.SystemForm, Body(openapi_examples={"agency": {"value": forms.NEW}})],
        request: Request,
        administrator: Administrator,
        reason: AskedReason = "",
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Organs are of the system's level and exist; `ops` and `admin` go without organs. The answer alone shows the
        secret; a repeat with the same Idempotency-Key shows it again. Offices know the system about a second later.

        Đăng ký hệ thống mới. Khóa chỉ hiện một lần trong câu trả lời này.
        """
        client_id = form.client_id or desk.clock.new_id()
        if client_id in RESERVED:
            raise HubError("request.conflict", "the client id is reserved", pointer="/client_id")
        secret = make_secret()
        hashed = await asyncio.to_thread(hash_secret, secret)
        given = SystemChanged(version=1, **{**form.model_dump(), "client_id": client_id})

        async def work(conn: Reading, act: Act) -> Answer:
            system, made = await actions.create_system(conn, await desk.judged(conn, given), hashed, by=act)
            headers = {**forms.NO_STORE, "ETag": etag(system.version), "Location": f"/v1/systems/{client_id}"}
            return json_answer(201, forms.shape_system(system, [made], secret), headers)

        return await desk.acting.once(request, administrator, work, key=idempotency_key, reason=reason)


def _add_change(router: APIRouter, desk: _Systems) -> None:
    @router.patch(
        "/{client_id}",
        summary="Change a system",
        operation_id="changeSystem",
        response_model=forms.SystemView,
        response_model_exclude_none=True,
        responses={
            200: answer(example=forms.SYSTEM, headers=("ETag",)),
            **problem_responses(["request.not_found", "request.conflict", "request.precondition_failed", *BODIES]),
        },
    )
    async def change(
        client_id: forms.ClientId,
        form: Annotated[forms.SystemPatch, Body(openapi_examples=_PATCHES)],
        request: Request,
        administrator: Administrator,
        reason: AskedReason = "",
        if_match: IfMatch = None,
    ) -> Response:
        """Name, organs, scopes or quota; lists are given whole. Works everywhere within two seconds, also for tokens
        given before. The last system that can administer the hub cannot lose `admin`.

        Thay đổi tên, cơ quan, quyền, hạn mức của hệ thống; có hiệu lực mọi nơi trong hai giây.
        """
        changes = {name: getattr(form, name) for name in form.model_fields_set}

        async def work(conn: Reading, act: Act) -> Answer:
            await desk.organs.refresh(conn)
            directory, on = desk.organs.directory, local_date(desk.clock.hub_now())

            def edit(held: SystemChanged) -> SystemChanged:
                check_version(if_match, held.version)
                new = held.model_copy(update=changes)
                return canonical(new, directory, on) if changes.keys() & {"organs", "scopes"} else new

            return await desk.changed(conn, await actions.change_system(conn, client_id, edit, by=act))

        return await desk.acting.once(request, administrator, work, key=None, reason=reason)


def _add_suspension(router: APIRouter, desk: _Systems, verb: str) -> None:
    suspended = verb == "suspend"

    @router.post(
        f"/{{client_id}}:{verb}",
        summary="Suspend a system" if suspended else "Let a suspended system in again",
        description=_SUSPENSION[verb],
        operation_id=f"{verb}System",
        response_model=forms.SystemView,
        response_model_exclude_none=True,
        responses={
            200: answer(
                example={**forms.SYSTEM, "version": 2, "suspended": suspended},
                links={
                    "show": _LINKS["show"],
                    **({"resume": _LINKS["resume"]} if suspended else {"suspend": _LINKS["suspend"]}),
                },
            ),
            **problem_responses(["request.not_found", *(["request.conflict"] if suspended else []), *WRITES]),
        },
    )
    async def act_on(
        client_id: forms.ClientId,
        form: Annotated[forms.ReasonForm, Body(openapi_examples={"reason": {"value": forms.REASONS[verb]}})],
        request: Request,
        administrator: Administrator,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        async def work(conn: Reading, act: Act) -> Answer:
            return await desk.changed(conn, await actions.suspend_system(conn, client_id, suspended=suspended, by=act))

        return await desk.acting.once(request, administrator, work, key=idempotency_key, reason=form.reason)


_SUSPENSION = {
    "suspend": "It gets no token, and its tokens are refused with `system.suspended`, at the gateway at once and at"
    " every office within two seconds. What it sent before goes its way. The last system that can administer the hub"
    " cannot be suspended.\n\nTạm dừng hệ thống: có hiệu lực mọi nơi trong hai giây.",
    "resume": "Its secrets and tokens work again as before.\n\nCho hệ thống hoạt động trở lại.",
}
_PATCHES: dict[str, Any] = {
    "quota": {"summary": "Quota", "value": {"quota": {"requests_per_second": 20}}},
    "scopes": {"summary": "Scopes", "value": {"scopes": ["document:write", "inbox:read"]}},
}


def _item() -> dict[str, Any]:
    return {name: value for name, value in forms.SYSTEM.items() if name != "secrets"}
