"""HTTP door of what a sender does with a document that is out: recall, update, replace."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request
from starlette.responses import Response

from contracts import samples
from services.kernel.app import Transaction
from services.kernel.idempotency import Answer, json_answer
from services.kernel.openapi import Responses, answer, link
from services.office.attachments.store import Grant
from services.office.documents import examples, forms, views
from services.office.documents.actions import Documents
from services.office.documents.changing import Changes
from services.office.documents.rules import NewDocument, NewRecall, NewUpdate
from services.office.organs.rules import Actor
from services.office.web import Desk, IdempotencyKey, key_of, problems

_CODES = ("request.not_found", "request.conflict", "document.closed", "contract.invalid")
_RECIPIENTS = ("recipient.unknown", "recipient.suspended")
_REPLACE_CODES = (*_CODES, *_RECIPIENTS, "document.exists", "document.unknown", "attachment.missing")
_SHOW = link("showDocument", "The new document", id="id")
_FOLLOW = link("showTransfer", "Where it has got to", id="transfers/0")


def _id(example: str) -> Any:
    """Each operation's own example: what one has done to a document leaves nothing for the others to do."""
    return Path(alias="id", max_length=100, description="Id of a document sent · mã văn bản đi", examples=[example])


def add(router: APIRouter, desk: Desk, documents: Documents, changes: Changes) -> None:
    _add_recall(router, desk, changes)
    _add_update(router, desk, documents, changes)
    _add_replace(router, desk, documents, changes)


def _add_recall(router: APIRouter, desk: Desk, changes: Changes) -> None:
    @router.post(
        "/{id}/recall",
        status_code=202,
        operation_id="recallDocument",
        summary="Recall a document",
        response_model=forms.AnsweredView,
        responses={
            200: {"model": forms.AnsweredView, **answer("All of them are asked already", examples.NOTHING)},
            202: answer("Stored durably and on its way", examples.TOLD, links={"follow": _FOLLOW}),
            **problems(*_CODES, "recipient.unknown", "recipient.none", writes=True),
        },
    )
    async def recall(
        id_: Annotated[str, _id(samples.SENT["recall"])],
        form: Annotated[forms.RecallForm, Body(openapi_examples=examples.RECALL)],
        request: Request,
        actor: Annotated[Actor, desk.writer("document:write")],
        conn: Transaction,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """The sender asks those who have the document, or the chosen ones, to give it back (BussinessDocType 1). Each
        answers with status 15 or 16; who agreed keeps it readable, as `recalled`. Who was asked and has not answered is
        not asked again; who declined may be.

        Thu hồi văn bản đã gửi; từng nơi nhận đồng ý (15) hoặc từ chối (16).
        """

        async def work() -> Answer:
            new = NewRecall(reason=form.reason, staff=form.staff, targets=form.to)
            _, transfers = await changes.recall(conn, actor, id_, new)
            return json_answer(202 if transfers else 200, {"transfers": list(transfers)})

        return await desk.once(conn, await key_of(request, actor, idempotency_key), work)


def _add_update(router: APIRouter, desk: Desk, documents: Documents, changes: Changes) -> None:
    @router.post(
        "/{id}/update",
        status_code=202,
        operation_id="updateDocument",
        summary="Update a document",
        response_model=forms.IssuedView,
        responses=_told("It says so already", *_RECIPIENTS, "attachment.missing"),
    )
    async def update(
        id_: Annotated[str, _id(samples.SENT["update"])],
        form: Annotated[forms.UpdateForm, Body(openapi_examples=examples.UPDATE)],
        request: Request,
        actor: Annotated[Actor, desk.writer("document:write")],
        conn: Transaction,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """The document anew under its DocumentId, with the fields given in place of the old ones (BussinessDocType 2).
        Those who have it answer with 15, and see the new fields from then on, or with 16. Recipients in `add` get it as
        a new document, those in `remove` a recall.

        Cập nhật văn bản đã gửi: nội dung, nơi nhận thêm hoặc bớt; nơi nhận cũ đồng ý (15) hoặc từ chối (16).
        """

        async def work() -> Answer:
            given = forms.given(form)
            add, remove, reason = (given.pop(name, None) for name in ("add", "remove", "reason"))
            fields: dict[str, Any] = given
            grants: list[Grant] = []
            if "attachments" in given:
                fields, grants = await documents.with_attachments(conn, actor, given)
            new = NewUpdate(fields=fields, add=add or (), remove=remove or (), reason=reason)
            held, transfers = await changes.update(conn, actor, id_, new)
            await documents.tie(conn, grants)
            return json_answer(202 if transfers else 200, views.issued(held, transfers))

        return await desk.once(conn, await key_of(request, actor, idempotency_key), work)


def _add_replace(router: APIRouter, desk: Desk, documents: Documents, changes: Changes) -> None:
    @router.post(
        "/{id}/replace",
        status_code=202,
        operation_id="replaceDocument",
        summary="Replace a document",
        response_model=forms.IssuedView,
        responses={
            202: answer(
                "Stored durably and on its way",
                examples.SENT,
                headers=("Location",),
                links={"show": _SHOW, "follow": _FOLLOW},
            ),
            **problems(*_REPLACE_CODES, writes=True),
        },
    )
    async def replace(
        id_: Annotated[str, _id(samples.SENT["replace"])],
        form: Annotated[forms.ReplaceForm, Body(openapi_examples=examples.REPLACE)],
        request: Request,
        actor: Annotated[Actor, desk.writer("document:write")],
        conn: Transaction,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """A new document, with a DocumentId of its own, in the place of this one and those in `also`
        (BussinessDocType 3). Recipients treat it as any new document; the old ones show `replaced_by` where both are
        held.

        Phát hành văn bản mới thay thế một hoặc nhiều văn bản đã gửi.
        """

        async def work() -> Answer:
            given = forms.given(form)
            also, reason = given.pop("also", []), given.pop("reason", None)
            fields, grants = await documents.with_attachments(conn, actor, given)
            held = await changes.replace(conn, actor, _named(id_, also), NewDocument(fields=fields, reason=reason))
            await documents.tie(conn, grants)
            return json_answer(202, views.issued(held), {"Location": f"/v1/documents/{held.id}"})

        return await desk.once(conn, await key_of(request, actor, idempotency_key), work)


def _named(id_: str, also: list[str]) -> dict[str, str]:
    """The documents replaced, in order, with where the body names each."""
    named = {id_: ""}
    for place, each in enumerate(also):
        named.setdefault(each, f"/also/{place}")
    return named


def _told(unchanged: str, *codes: str) -> Responses:
    return {
        200: {"model": forms.IssuedView, **answer(unchanged, examples.UNCHANGED)},
        202: answer("Stored durably and on its way", examples.SENT, links={"follow": _FOLLOW}),
        **problems(*_CODES, *codes, writes=True),
    }
