"""HTTP door for operators: what waits because a closed organ has several successors, and the choice among them."""

from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Path, Query, Request, Response

from contracts.directory import Directory, local_date
from contracts.identifiers import ORGAN_PATTERN
from gateway.audit.actions import Act
from gateway.audit.doors import WRITES, Acting, IdempotencyKey
from gateway.audit.operators import LIMIT, MAX_LIMIT, Cursor, Operator
from gateway.organs.snapshot import OrganSnapshot
from gateway.succession import actions, forms, store
from gateway.succession.actions import Outcome, Question
from gateway.succession.store import ALL, Choice
from gateway.work import Desk
from services.kernel import cursors
from services.kernel.app import Reading
from services.kernel.connection import Connection
from services.kernel.idempotency import Answer
from services.kernel.openapi import answer, link, problem_responses

_LIST = cursors.scope("undecided")
_CODES = (
    "request.not_found",
    "succession.decided",
    "succession.not_successor",
    "recipient.unknown",
    "recipient.suspended",
    "recipient.undecided",
)
_LINKS = {"waiting": link("listUndecided", "What is left to decide")}
_EXAMPLES: dict[str, Any] = {"all": {"value": forms.CHOICE}, "one subject": {"value": forms.CHOICE_OF_ONE}}

Closed = Annotated[
    str,
    Path(
        alias="organ",
        pattern=ORGAN_PATTERN,
        description="The closed organ, by any of its codes · cơ quan đã kết thúc",
        examples=[forms.CHOSEN["organ"]],
    ),
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Organs at most · số cơ quan tối đa")]


def build_router(acting: Acting, desk: Desk, organs: OrganSnapshot) -> APIRouter:
    router = APIRouter(prefix="/v1/undecided", tags=["operations"])
    _add_list(router, desk, organs)
    _add_decide(router, acting, desk, organs)
    return router


def _add_list(router: APIRouter, desk: Desk, organs: OrganSnapshot) -> None:
    @router.get(
        "",
        operation_id="listUndecided",
        summary="Closed organs whose successor must be chosen",
        response_model=forms.UndecidedPage,
        response_model_exclude_none=True,
        responses={
            200: answer(
                "By code",
                forms.LISTED,
                links={"decide": link("decideSuccessor", "Choose for the first one", organ="items/0/organ")},
            ),
            **problem_responses([]),
        },
    )
    async def list_undecided(
        _operator: Operator, conn: Reading, cursor: Cursor = None, limit: Limit = LIMIT
    ) -> forms.UndecidedPage:
        """Closed organs with several successors and no default one, to which something was sent: how much waits, of how
        many dossiers and documents, since when, and who may receive. Nothing of it is lost, and nothing overtakes.

        Cơ quan đã kết thúc có nhiều cơ quan kế thừa, đang có gói tin chờ người vận hành chọn nơi nhận.
        """
        rows = await store.page(conn, after=cursors.unseal(cursor, _LIST) if cursor else "", limit=limit + 1)
        shown = rows[:limit]
        made = await store.chosen(conn, [row["organ"] for row in shown])
        on = local_date(desk.clock.hub_now())
        items = [_undecided(row, made.get(row["organ"]), organs.directory, on) for row in shown]
        more = cursors.seal(shown[-1]["organ"], _LIST) if len(rows) > limit else None
        return forms.UndecidedPage(items=items, next_cursor=more)


def _add_decide(router: APIRouter, acting: Acting, desk: Desk, organs: OrganSnapshot) -> None:
    @router.post(
        "/{organ}:decide",
        operation_id="decideSuccessor",
        summary="Choose the successor that receives",
        response_model=forms.Chosen,
        response_model_exclude_none=True,
        responses={
            200: answer("Everything was sent, or would be", forms.CHOSEN, links=_LINKS),
            202: {
                "model": forms.Chosen,
                **answer("Chosen; the rest is being sent", {**forms.CHOSEN, "deliveries": 4180}, links=_LINKS),
            },
            **problem_responses([*_CODES, *WRITES]),
        },
    )
    async def decide(
        organ: Closed,
        form: Annotated[forms.Form, Body(openapi_examples=_EXAMPLES)],
        request: Request,
        operator: Operator,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Everything that waits for the organ goes to this successor, in the order it was accepted, and so does what
        comes later, unless a subject has a choice of its own. Senders see the successor with `redirected_from`. The
        choice is kept: making the same one again changes nothing, another one is refused as long as the first can be
        carried out. `deliveries` tells how many wait for it.

        Chọn cơ quan kế thừa nhận thay: mọi gói tin đang chờ và về sau được chuyển đến, theo đúng thứ tự.
        """
        question = Question(organ=organ, successor=form.successor, subject=form.subject or ALL, dry_run=form.dry_run)

        async def work(conn: Connection, act: Act) -> Answer:
            outcome = await actions.decide(conn, desk, organs, question, by=act)
            return Answer(202 if outcome.left else 200, orjson.dumps(_chosen(outcome, form)))

        return await acting.once(request, operator, work, key=idempotency_key, reason=form.reason)


def _chosen(outcome: Outcome, form: forms.Form) -> dict[str, Any]:
    return {
        "organ": outcome.organ,
        "successor": outcome.successor,
        **({"subject": form.subject} if form.subject else {}),
        "deliveries": outcome.deliveries,
        "dry_run": form.dry_run,
    }


def _undecided(row: Any, made: Choice | None, directory: Directory, on: date) -> forms.Undecided:
    organ = directory.find(row["organ"], on)
    heirs = sorted(directory.heirs(organ, on)) if organ else []
    found = [(code, directory.find(code, on)) for code in heirs]
    return forms.Undecided(
        organ=row["organ"],
        name=organ.name if organ else None,
        closed_on=organ.valid_to.isoformat() if organ and organ.valid_to else None,
        successors=[forms.Heir(organ=code, name=heir.name if heir else None) for code, heir in found],
        waiting=row["waiting"],
        subjects=row["subjects"],
        oldest_at=row["oldest_at"],
        decided=forms.Standing(successor=made.successor, by=made.decided_by, at=made.decided_at) if made else None,
    )
