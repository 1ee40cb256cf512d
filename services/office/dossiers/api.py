"""HTTP door of dossiers."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Path, Request
from starlette.responses import Response

from services.kernel.app import Reading, Transaction
from services.kernel.idempotency import Answer
from services.office.dossiers import forms, views
from services.office.dossiers.actions import Act, Dossiers, NewDossier
from services.office.dossiers.intake import Intake
from services.office.dossiers.waiting import Waiting
from services.office.organs.rules import Actor
from services.office.web import Desk, IdempotencyKey, json_answer, key_of, problems, respond, version_of

Code = Annotated[str, Path(max_length=64, description="Dossier code", examples=["000.03.21.H28-20240603-0000001"])]
IfMatch = Annotated[str | None, Header(description='The version seen, `"7"` · phiên bản đã đọc')]

SUBMIT_CODES = ("dossier.exists", "dossier.code_invalid", "attachment.missing", "system.stopping")
RECIPIENT_CODES = ("recipient.unknown", "recipient.suspended", "recipient.undecided")
CUSTODY_CODES = (
    "request.not_found",
    "request.conflict",
    "dossier.unknown",
    "dossier.not_receiver",
    "custody.not_custodian",
    "custody.not_party",
    "custody.stale",
    "custody.offered",
    "custody.taking",
    "custody.offer_closed",
    "custody.not_offered",
    "custody.not_allowed",
    "status.not_allowed",
    "attachment.missing",
    "contract.invalid",
)
EXAMPLE: dict[str, Any] = {
    "procedure": "1.001612",
    "channel": 1,
    "applicant": {"kind": "citizen", "name": "Nguyễn Văn Mẫu", "id_number": "000000000000"},
    "summary": "Đăng ký thành lập hộ kinh doanh",
}


ACTS: dict[str, Any] = {
    "accept": {"summary": "Tiếp nhận", "value": {"action": "accept"}},
    "assign": {"summary": "Phân công", "value": {"action": "assign", "staff": "Cán bộ Mẫu"}},
    "request_supplement": {
        "summary": "Yêu cầu bổ sung",
        "value": {"action": "request_supplement", "reason": "Thiếu giấy tờ", "missing": ["Bản sao giấy phép"]},
    },
    "complete": {"summary": "Hoàn thành", "value": {"action": "complete", "result": {"number": "12/GP"}}},
    "accept_custody": {"summary": "Nhận chuyển", "value": {"action": "accept_custody"}},
}
OFFER: dict[str, Any] = {
    "offer": {"value": {"to": "000.00.03.H28", "reason": "Chuyển cơ quan có thẩm quyền giải quyết"}}
}


def build_router(desk: Desk, dossiers: Dossiers, intake: Intake, waiting: Waiting) -> APIRouter:
    router = APIRouter(prefix="/v1/dossiers", tags=["dossiers"])
    _add_submit(router, desk, intake)
    _add_show(router, desk, dossiers)
    _add_act(router, desk, waiting)
    _add_offer(router, desk, dossiers)
    return router


def _add_submit(router: APIRouter, desk: Desk, intake: Intake) -> None:
    @router.post(
        "",
        status_code=201,
        summary="Submit a dossier",
        response_model=forms.Accepted,
        responses=problems(*SUBMIT_CODES, *RECIPIENT_CODES, writes=True),
    )
    async def submit(
        form: Annotated[forms.DossierForm, Body(openapi_examples={"submit": {"value": EXAMPLE}})],
        request: Request,
        actor: Annotated[Actor, desk.writer("dossier:write")],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """The organ acted for receives the dossier and becomes its custodian. 201 means stored durably: it reaches the
        other offices whatever fails meanwhile. Attachments must have been put before.

        Nộp hồ sơ; cơ quan nộp là cơ quan tiếp nhận và giữ hồ sơ.
        """
        keyed = await key_of(request, actor, idempotency_key)
        return respond(await intake.submit(NewDossier(actor, forms.given(form)), keyed))


def _add_show(router: APIRouter, desk: Desk, dossiers: Dossiers) -> None:
    @router.get(
        "/{code}",
        summary="Read a dossier",
        response_model=forms.DossierView,
        responses=problems("request.not_found"),
    )
    async def show(code: Code, actor: Annotated[Actor, desk.reader("dossier:read")], conn: Reading) -> Response:
        """The dossier as the organ holds it: the hub's state and the organ's own acts still on their way. `ETag` is the
        version for `If-Match`.

        Xem hồ sơ như cơ quan đang giữ, kể cả thao tác chưa được trục xác nhận.
        """
        view = await dossiers.show(conn, actor.organ, code)
        return respond(json_answer(200, views.shape(view), {"ETag": f'"{view.stamp.version}"'}))


def _add_act(router: APIRouter, desk: Desk, waiting: Waiting) -> None:
    @router.post(
        "/{code}/actions",
        summary="Act on a dossier",
        response_model=forms.Acted,
        responses={
            202: {"model": forms.Acted, "description": "Stored; whether custody moves is not known yet"},
            **problems(*CUSTODY_CODES, writes=True),
        },
    )
    async def act(
        code: Code,
        form: Annotated[forms.ActionForm, Body(openapi_examples=ACTS)],
        request: Request,
        actor: Annotated[Actor, desk.writer("dossier:write")],
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> Response:
        """One act: what the status and custody do not allow is refused at once. `accept_custody` and `recall_custody`
        wait up to 5 seconds for the hub, then answer 202. A repeat of the present status changes nothing.

        Thao tác trên hồ sơ: tiếp nhận, phân công, yêu cầu bổ sung, dừng, rút, hoàn thành, nhận hoặc thu hồi.
        """
        forms.check_fields(form)
        fields = forms.given(form)
        wish = Act(action=fields.pop("action"), fields=fields, version=version_of(if_match))
        return await waiting.act(actor, code, wish, await key_of(request, actor, idempotency_key))


def _add_offer(router: APIRouter, desk: Desk, dossiers: Dossiers) -> None:
    @router.post(
        "/{code}/transfers",
        status_code=201,
        summary="Offer custody to another organ",
        response_model=forms.Offered,
        responses=problems(*CUSTODY_CODES, *RECIPIENT_CODES, "recipient.none", writes=True),
    )
    async def offer(
        code: Code,
        form: Annotated[forms.TransferForm, Body(openapi_examples=OFFER)],
        request: Request,
        actor: Annotated[Actor, desk.writer("dossier:write")],
        conn: Transaction,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> Response:
        """The dossier is frozen until the other organ accepts or refuses, or the offer is recalled.

        Chuyển hồ sơ sang cơ quan khác; hồ sơ tạm khóa đến khi bên kia nhận, từ chối hoặc bên chuyển thu hồi.
        """

        async def work() -> Answer:
            wish = Act(action="transfer", fields=forms.given(form), version=version_of(if_match))
            outcome = await dossiers.offer(conn, actor, code, wish)
            return json_answer(201, {"offer": outcome.offer, "transfers": list(outcome.transfers)})

        return await desk.once(conn, await key_of(request, actor, idempotency_key), work)
