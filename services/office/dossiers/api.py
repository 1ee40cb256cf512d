"""HTTP door of dossiers."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Body, Header, Path, Query, Request
from pydantic import BeforeValidator, StringConstraints
from starlette.responses import Response

from contracts import samples
from contracts.identifiers import ProcedureCode
from contracts.messages.base import Moment
from services.kernel import cursors
from services.kernel.app import Recorded, Transaction
from services.kernel.clock import Clock
from services.kernel.hot import Hot
from services.kernel.idempotency import Answer, json_answer
from services.kernel.openapi import Responses, answer, link
from services.office.audit.actions import Audit
from services.office.dossiers import examples, forms, pages, views
from services.office.dossiers.actions import Act, Dossiers, NewDossier
from services.office.dossiers.batches import Batches
from services.office.dossiers.etags import IfMatch, etag
from services.office.dossiers.intake import Intake
from services.office.dossiers.pages import Filter
from services.office.dossiers.waiting import Waiting
from services.office.organs.rules import Actor
from services.office.web import JSON, Cursor, Desk, IdempotencyKey, Limit, key_of, problems, respond

_SEEN = 'The `ETag` seen; several, or `*`. A plain version `"7"` fits unless own acts are on their way · ETag đã đọc'
_STATUS = "Shown status, 1 to 10; several by commas or by repeating · trạng thái hồ sơ"

Code = Annotated[str, Path(max_length=64, description="Dossier code · mã hồ sơ", examples=[samples.DOSSIER])]
CodeToHandOn = Annotated[
    str, Path(max_length=64, description="Dossier code · mã hồ sơ", examples=[samples.DOSSIER_TO_HAND_ON])
]
SeenHeader = Annotated[str | None, Header(alias="If-Match", description=_SEEN)]
StatusFilter = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^([1-9]|10)(,([1-9]|10))*$", max_length=100)]] | None,
    Query(max_length=20, description=_STATUS, examples=[["1", "2,4"]]),
]
ProcedureFilter = Annotated[
    Annotated[ProcedureCode, BeforeValidator(lambda text: unicodedata.normalize("NFC", str(text)))] | None,
    Query(description="Procedure code · mã thủ tục", examples=["1.001612"]),
]
DueFilter = Annotated[
    Moment | None,
    Query(description="Promised before that time · hẹn trả trước", examples=["2024-07-01T00:00:00+07:00"]),
]
OverdueFilter = Annotated[
    Literal["true", "false"] | None,
    Query(description="Whether the time promised has passed and the dossier has not ended · đã quá hạn"),
]

WRITERS = ("dossier:write",)
SUBMIT_CODES = (
    "dossier.exists",
    "dossier.code_invalid",
    "attachment.missing",
    "contract.invalid",
    "system.stopping",
)
RECIPIENT_CODES = ("recipient.unknown", "recipient.suspended", "recipient.undecided")
CUSTODY_CODES = (
    "request.not_found",
    "request.precondition_failed",
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
LINKS = {
    "show": link("showDossier", "The dossier as it is", code="code"),
    "act": link("actOnDossier", "Accept, assign, complete …", code="code"),
    "hand_on": link("transferDossier", "Offer it to another organ", code="code"),
    "follow": link("showTransfer", "Where the submission has got to", id="transfers/0"),
}
ACT_LINKS = {
    "show": LINKS["show"],
    "follow": link("showTransfer", "Where the act has got to", id="transfers/0"),
}
BATCH_LINKS = {
    "show": link("showDossier", "The first of them", code="items/0/body/code"),
    "follow": link("showTransfer", "Where its submission has got to", id="items/0/body/transfers/0"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the operations work with."""

    dossiers: Dossiers
    intake: Intake
    batches: Batches
    waiting: Waiting
    audit: Audit
    clock: Clock


def build_router(desk: Desk, parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1/dossiers", tags=["dossiers"])
    _add_submit(router, desk, parts.intake)
    _add_batch(router, desk, parts.batches)
    _add_list(router, desk, parts.audit, parts.clock)
    _add_show(router, desk, parts.dossiers, parts.audit)
    _add_act(router, desk, parts.waiting)
    _add_offer(router, desk, parts.dossiers)
    return router


def hot_routes(desk: Desk, parts: Parts) -> list[Hot]:
    """Short cuts to what is posted most."""
    return [
        desk.hot("/v1/dossiers", forms.DossierForm, partial(_submit, parts.intake), *WRITERS),
        desk.hot("/v1/dossiers:batch", forms.BatchForm, partial(_submit_all, parts.batches), *WRITERS),
    ]


def _add_submit(router: APIRouter, desk: Desk, intake: Intake) -> None:
    @router.post(
        "",
        status_code=201,
        summary="Submit a dossier",
        operation_id="submitDossier",
        response_model=forms.Accepted,
        responses={
            201: answer("Stored durably", examples.SUBMITTED, headers=("Location",), links=LINKS),
            **problems(*SUBMIT_CODES, *RECIPIENT_CODES, writes=True),
        },
    )
    async def submit(
        form: Annotated[forms.DossierForm, Body(openapi_examples={"submit": {"value": examples.DOSSIER}})],
        request: Request,
        actor: Annotated[Actor, desk.writer(*WRITERS)],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """The organ acted for receives the dossier and becomes its custodian. 201 means stored durably: it reaches the
        other offices whatever fails meanwhile. Attachments must have been put before.

        Nộp hồ sơ; cơ quan nộp là cơ quan tiếp nhận và giữ hồ sơ.
        """
        return await _submit(intake, form=form, request=request, actor=actor, idempotency_key=idempotency_key)


async def _submit(
    intake: Intake, *, form: forms.DossierForm, request: Request, actor: Actor, idempotency_key: str | None
) -> Response:
    keyed = await key_of(request, actor, idempotency_key)
    return respond(await intake.submit(NewDossier(actor, forms.given(form)), keyed))


def _add_batch(router: APIRouter, desk: Desk, batches: Batches) -> None:
    @router.post(
        ":batch",
        status_code=201,
        summary="Submit many dossiers",
        operation_id="submitDossiers",
        response_model=forms.BatchView,
        responses=_batch_responses(),
    )
    async def submit(
        form: Annotated[forms.BatchForm, Body(openapi_examples={"submit": {"value": examples.BATCH}})],
        request: Request,
        actor: Annotated[Actor, desk.writer(*WRITERS)],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Up to 500 dossiers, each judged as if it had been posted alone; what is right is stored in one transaction.
        201: all were stored, 207: some, 422: none. Of a code that comes twice the first is taken. Pointers of a problem
        lead into its item. The key covers the whole batch; an answer 422 is not kept.

        Nộp tối đa 500 hồ sơ một lần; hồ sơ sai không ảnh hưởng hồ sơ khác.
        """
        return await _submit_all(batches, form=form, request=request, actor=actor, idempotency_key=idempotency_key)


async def _submit_all(
    batches: Batches, *, form: forms.BatchForm, request: Request, actor: Actor, idempotency_key: str | None
) -> Response:
    keyed = await key_of(request, actor, idempotency_key)
    return await batches.submit(actor, form.items, keyed, request.state.place)


def _batch_responses() -> Responses:
    refused = problems(writes=True)
    refused[422]["content"][JSON] = {"schema": {"$ref": "#/components/schemas/BatchView"}}
    refused[422]["description"] += "; as a batch answer: no item was stored"
    return {
        201: answer("All stored", examples.BATCHED, links=BATCH_LINKS),
        207: {"model": forms.BatchView, **answer("Some stored", examples.PARTLY_BATCHED, links=BATCH_LINKS)},
        **refused,
    }


def _add_list(router: APIRouter, desk: Desk, audit: Audit, clock: Clock) -> None:
    @router.get(
        "",
        summary="List dossiers",
        operation_id="listDossiers",
        response_model=forms.DossierPage,
        responses={200: answer("A page", examples.LISTED), **problems()},
    )
    async def find(
        actor: Annotated[Actor, desk.reader("dossier:read")],
        conn: Recorded,
        status: StatusFilter = None,
        procedure: ProcedureFilter = None,
        due_before: DueFilter = None,
        overdue: OverdueFilter = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        """The dossiers the organ holds, newest first, with their shown state and without the applicant; each is read
        by itself. Pages stay as they are while others post: nothing comes twice and nothing is left out.

        Danh sách hồ sơ của cơ quan, mới nhất trước, không gồm thông tin người nộp.
        """
        asked: dict[str, Any] = {"procedure": procedure, "due_before": due_before, "overdue": overdue}
        statuses = frozenset(int(each) for part in status for each in part.split(",")) if status else None
        wanted = Filter(
            now=clock.hub_now(),
            statuses=statuses,
            procedure=procedure,
            due_before=due_before,
            overdue=None if overdue is None else overdue == "true",
        )
        scope = cursors.scope("dossiers", actor.organ, statuses, procedure, due_before, overdue)
        after = cursors.decode(cursor, scope)
        found, place = await pages.newest(conn, actor.organ, wanted, after=after, limit=limit)
        await audit.note(conn, actor, "dossier.listed", _asked(statuses, asked))
        page: dict[str, Any] = {"items": [views.listed(each) for each in found]}
        if place is not None:
            page["next_cursor"] = cursors.encode(*place, scope)
        return respond(json_answer(200, page))


def _asked(statuses: frozenset[int] | None, filters: dict[str, Any]) -> str:
    """The question as it is recorded."""
    told = {"status": ",".join(map(str, sorted(statuses))) if statuses else None, **filters}
    return urlencode({name: value for name, value in told.items() if value is not None}, safe=",:+")


def _add_show(router: APIRouter, desk: Desk, dossiers: Dossiers, audit: Audit) -> None:
    @router.get(
        "/{code}",
        summary="Read a dossier",
        operation_id="showDossier",
        response_model=forms.DossierView,
        responses={
            200: answer("The dossier", examples.SHOWN, headers=("ETag",)),
            **problems("request.not_found"),
        },
    )
    async def show(code: Code, actor: Annotated[Actor, desk.reader("dossier:read")], conn: Recorded) -> Response:
        """The dossier as the organ holds it: the hub's state and the organ's own acts still on their way. `ETag` is for
        `If-Match`: the version, with a suffix while own acts are on their way or were refused. Every read is recorded.

        Xem hồ sơ như cơ quan đang giữ, kể cả thao tác chưa được trục xác nhận. Mỗi lần đọc đều được ghi lại.
        """
        view = await dossiers.show(conn, actor.organ, code)
        await audit.note(conn, actor, "dossier.read", code)
        return respond(json_answer(200, views.shape(view), {"ETag": etag(view), "Vary": "Authorization, X-Organ"}))


def _add_act(router: APIRouter, desk: Desk, waiting: Waiting) -> None:
    @router.post(
        "/{code}/actions",
        summary="Act on a dossier",
        operation_id="actOnDossier",
        response_model=forms.Acted,
        responses={
            200: answer("Done", examples.ACTED, links=ACT_LINKS),
            202: {
                "model": forms.Acted,
                **answer("Stored; whether custody moves is not known yet", examples.TAKING, headers=("Retry-After",)),
            },
            **problems(*CUSTODY_CODES, writes=True),
        },
    )
    async def act(
        code: Code,
        form: Annotated[forms.ActionForm, Body(openapi_examples=examples.ACTS)],
        request: Request,
        actor: Annotated[Actor, desk.writer(*WRITERS)],
        idempotency_key: IdempotencyKey = None,
        _if_match: SeenHeader = None,
    ) -> Response:
        """One act: what the status and custody do not allow is refused at once. `accept_custody` and `recall_custody`
        wait up to 5 seconds for the hub, then answer 202. A repeat of the present status changes nothing. The table
        "Acts on dossiers" above tells which act leads where; `status.not_allowed` tells what is allowed now.

        Thao tác trên hồ sơ: tiếp nhận, phân công, yêu cầu bổ sung, dừng, rút, hoàn thành, nhận hoặc thu hồi.
        """
        forms.check_fields(form)
        fields = forms.given(form)
        wish = Act(action=fields.pop("action"), fields=fields, if_match=_seen(request.headers.getlist("if-match")))
        return await waiting.act(actor, code, wish, await key_of(request, actor, idempotency_key))


def _add_offer(router: APIRouter, desk: Desk, dossiers: Dossiers) -> None:
    @router.post(
        "/{code}/transfers",
        status_code=201,
        summary="Offer custody to another organ",
        operation_id="transferDossier",
        response_model=forms.Offered,
        responses={
            201: answer(
                "Offered",
                examples.OFFERED,
                links={
                    "follow": link("showTransfer", "Where the offer has got to", id="transfers/0"),
                    "show": link("showDossier", "The dossier, frozen meanwhile", code="$request.path.code"),
                },
            ),
            **problems(*CUSTODY_CODES, *RECIPIENT_CODES, "recipient.none", writes=True),
        },
    )
    async def offer(
        code: CodeToHandOn,
        form: Annotated[forms.TransferForm, Body(openapi_examples=examples.OFFER)],
        request: Request,
        actor: Annotated[Actor, desk.writer(*WRITERS)],
        conn: Transaction,
        idempotency_key: IdempotencyKey = None,
        _if_match: SeenHeader = None,
    ) -> Response:
        """The dossier is frozen until the other organ accepts or refuses, or the offer is recalled.

        Chuyển hồ sơ sang cơ quan khác; hồ sơ tạm khóa đến khi bên kia nhận, từ chối hoặc bên chuyển thu hồi.
        """
        seen = _seen(request.headers.getlist("if-match"))

        async def work() -> Answer:
            wish = Act(action="transfer", fields=forms.given(form), if_match=seen)
            outcome = await dossiers.offer(conn, actor, code, wish)
            return json_answer(201, {"offer": outcome.offer, "transfers": list(outcome.transfers)})

        return await desk.once(conn, await key_of(request, actor, idempotency_key), work)


def _seen(lines: Sequence[str]) -> IfMatch:
    return IfMatch.parse(", ".join(lines) if lines else None)
