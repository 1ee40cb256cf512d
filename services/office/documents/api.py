"""HTTP door of documents: JSON and edXML in, JSON and edXML out. What becomes of one that is out is `change_api.py`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from contracts import samples
from contracts.messages.base import Moment
from contracts.messages.document import Document, DocumentId
from services.kernel import cursors
from services.kernel.app import Reading, Transaction
from services.kernel.database import Database
from services.kernel.idempotency import Answer, json_answer
from services.kernel.openapi import answer, link
from services.office.audit.actions import Audit
from services.office.documents import change_api, edxml, examples, forms, views
from services.office.documents.actions import Documents
from services.office.documents.changing import Changes
from services.office.documents.examples import DOCUMENT as EXAMPLE
from services.office.documents.examples import EDXML, STATUSES
from services.office.documents.intake import Intake
from services.office.documents.posting import Posting
from services.office.documents.reading import View
from services.office.documents.rules import NewStatus
from services.office.documents.store import Place, Position, Wanted
from services.office.organs.rules import Actor
from services.office.web import JSON, Cursor, Desk, IdempotencyKey, Limit, key_of, problems, respond

RECIPIENTS = ("recipient.unknown", "recipient.suspended")
POST_CODES = (
    "document.exists",
    "recipient.none",
    "attachment.missing",
    "attachment.unavailable",
    "contract.invalid",
    "edxml.invalid",
    "document.unknown",
    "document.closed",
    "document.status_unknown",
    "request.conflict",
    "request.unsupported_media_type",
)
STATUS_CODES = (
    "request.not_found",
    "request.conflict",
    "document.unknown",
    "document.closed",
    "document.status_unknown",
    "recipient.unknown",
    "contract.invalid",
)
TELL_LINKS = {
    "show": link("showDocument", "The document with its statuses", id="$request.path.id"),
    "follow": link("showTransfer", "Where it has got to", id="transfers/0"),
}
LINKS = {
    "show": link("showDocument", "The document with its statuses", id="id"),
    "tell": link("tellDocumentStatus", "What a recipient answers", id="id"),
    "recall": link("recallDocument", "Ask for it back", id="id"),
    "follow": link("showTransfer", "Where it has got to", id="transfers/0"),
}

Id = Annotated[
    str,
    Path(
        alias="id",
        max_length=100,
        description="Id the hub gave, `id` or the end of `href` · mã văn bản trên trục",
        examples=[samples.RECEIVED],
    ),
]
Accept = Annotated[str | None, Header(description=f"`{JSON}`, or `{edxml.MEDIA_TYPE}` for the file · dạng muốn nhận")]
BoxFilter = Annotated[
    Literal["in", "out"] | None, Query(description="Received (`in`) or sent (`out`) · văn bản đến hoặc đi")
]
NameFilter = Annotated[
    DocumentId | None,
    Query(description="edXML DocumentId · mã văn bản của nơi gửi", examples=[samples.SENT_DOCUMENT_IDS["recall"]]),
]
SinceFilter = Annotated[
    Moment | None,
    Query(description="Held at that time or later · có từ thời điểm", examples=["2024-06-03T00:00:00+07:00"]),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the operations work with."""

    documents: Documents
    changes: Changes
    intake: Intake
    posting: Posting
    audit: Audit
    database: Database


def build_router(desk: Desk, parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1/documents", tags=["documents"])
    _add_post(router, desk, parts.posting, parts.intake.message_bytes)
    _add_list(router, desk, parts.documents)
    _add_show(router, desk, parts)
    _add_answer(router, desk, parts.documents)
    change_api.add(router, desk, parts.documents, parts.changes)
    return router


def _add_post(router: APIRouter, desk: Desk, posting: Posting, message_bytes: int) -> None:
    @router.post(
        "",
        status_code=202,
        operation_id="sendDocument",
        summary="Send a document; as edXML also a status, recall, update or replacement",
        response_model=forms.IssuedView,
        responses={
            200: {"model": forms.IssuedView, **answer("It stands that way already", examples.UNCHANGED)},
            202: answer("Stored durably and on its way", examples.SENT, headers=("Location",), links=LINKS),
            **problems(*POST_CODES, *RECIPIENTS, writes=True),
        },
        openapi_extra={"requestBody": _body()},
        max_body_size=message_bytes,
    )
    async def post(
        request: Request,
        actor: Annotated[Actor, desk.writer("document:write")],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """A new document from the organ acted for, as JSON or as the edXML file itself, which is forwarded unchanged.
        202 means stored durably: it reaches every recipient whatever fails meanwhile. Attachments of a JSON document
        must have been put before. The same DocumentId with the same content gives the same answer again. A file with
        StatusCode counts as `POST …/statuses` for the document its ResponseFor names, one with BussinessDocType 1, 2
        or 3 as `…/recall`, `…/update` or `…/replace` for the earlier document it names.

        Of several recipients those that cannot be reached are told in the transfer only (state `partly`, their
        deliveries `refused` with a code): 422 `recipient.unknown` comes at once when none is known. A closed organ with
        several successors is known: its delivery stays `open` under its code until an operator chooses one. Without
        `document_id` one is issued from organ, day, number and notation; the same number posted again is a second
        document, and its id gets a fourth part of 12 characters.

        Gửi văn bản đi, bằng JSON hoặc nguyên tệp edXML; tệp trạng thái, thu hồi, cập nhật, thay thế được hiểu như thao
        tác tương ứng. Khi có nhiều nơi nhận, nơi nhận sai chỉ thấy trong gói tin (`partly`); nơi đã giải thể
        có nhiều cơ quan kế thừa thì chờ người vận hành chọn. Không gửi `document_id` mà
        gửi trùng số thì là văn bản thứ hai, mã có thêm đuôi.
        """
        return await posting.post(request, actor, idempotency_key)


def _add_list(router: APIRouter, desk: Desk, documents: Documents) -> None:
    @router.get(
        "",
        operation_id="listDocuments",
        summary="List documents",
        response_model=forms.DocumentList,
        responses={
            200: answer(
                "A page", examples.LISTED, links={"next": link("listDocuments", "The next page", cursor="next_cursor")}
            ),
            **problems(),
        },
    )
    async def browse(
        listed: Annotated[Listed, Depends()],
        actor: Annotated[Actor, desk.reader("document:read")],
        conn: Reading,
    ) -> Response:
        """The documents the organ holds, sent and received, newest first by the time its office got them. New ones do
        not disturb who pages on behind `next_cursor`.

        Danh sách văn bản đi và đến của cơ quan, mới nhất trước; trang sau lấy bằng `next_cursor`.
        """
        found = await documents.page(conn, actor.organ, listed.wanted(actor.organ), listed.limit)
        return respond(json_answer(200, listed.answer(actor.organ, found)))


class Listed:
    """The query of a list."""

    def __init__(
        self,
        box: BoxFilter = None,
        document_id: NameFilter = None,
        since: SinceFilter = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> None:
        self.limit = limit
        self._cursor = cursor
        self._filters = box, document_id, since
        self._wanted = Wanted(boxes=(box,) if box else ("out", "in"), document_id=document_id, since=since)

    def wanted(self, organ: str) -> Wanted:
        """What is behind the cursor, which must have been given out for the same question."""
        after = cursors.decode(self._cursor, self._scope(organ))
        return replace(self._wanted, after=Position(*after)) if after else self._wanted

    def answer(self, organ: str, found: Sequence[View]) -> dict[str, Any]:
        """A page of what was found, one more than the limit when there is more."""
        shown = found[: self.limit]
        body: dict[str, Any] = {"items": [views.item(view) for view in shown]}
        if len(found) > self.limit:
            last = shown[-1].held
            body["next_cursor"] = cursors.encode(last.created_at, last.id, self._scope(organ))
        return body

    def _scope(self, organ: str) -> str:
        return cursors.scope("documents", organ, *self._filters)


def _add_show(router: APIRouter, desk: Desk, parts: Parts) -> None:
    file = {"schema": {"type": "string", "format": "binary"}}
    shown = answer("The document, or its file", examples.SHOWN)

    @router.get(
        "/{id}",
        operation_id="showDocument",
        summary="Read a document",
        response_model=forms.DocumentView,
        responses={
            200: {**shown, "content": {**shown["content"], edxml.MEDIA_TYPE: file}},
            **problems("request.not_found", "attachment.unavailable", "size.too_large"),
        },
    )
    async def show(id_: Id, actor: Annotated[Actor, desk.reader("document:read")], accept: Accept = None) -> Response:
        """The document as the organ holds it, sent or received, with the statuses known and what became of it: a
        recipient who agreed to an update sees the new fields, any other those it had. As edXML: the file that was
        posted, byte for byte, or for a document posted as JSON one written from it.

        Xem văn bản đi hoặc đến, các trạng thái và việc thu hồi, cập nhật, thay thế; tải tệp edXML bằng tiêu đề Accept.
        """
        async with parts.database.transaction(still=True) as conn:
            view = await parts.documents.view(conn, Place(actor.organ, id_))
            await parts.audit.note(conn, actor, "document.read", id_)
            if not edxml.is_wanted(accept):
                return respond(json_answer(200, views.shape(view), {"Vary": "Accept"}))
            original = view.issued.get("original")
            files = [original] if original else view.issued["document"].get("attachments", [])
            contents = await parts.documents.fetch(conn, actor.organ, [each["sha256"] for each in files])
        headers = {"Content-Disposition": f'attachment; filename="{edxml.ORIGINAL_NAME}"', "Vary": "Accept"}
        if original:
            length = {"Content-Length": str(original["size"])}
            return StreamingResponse(contents[0], media_type=edxml.MEDIA_TYPE, headers=headers | length)
        written = await parts.intake.write(Document.model_validate(view.issued["document"]), contents)
        return Response(written, media_type=edxml.MEDIA_TYPE, headers=headers)


def _add_answer(router: APIRouter, desk: Desk, documents: Documents) -> None:
    @router.post(
        "/{id}/statuses",
        status_code=202,
        operation_id="tellDocumentStatus",
        summary="Tell the status of a document",
        response_model=forms.AnsweredView,
        responses={
            200: {"model": forms.AnsweredView, **answer("It is the present status already", examples.NOTHING)},
            202: answer("Stored durably and on its way", examples.TOLD, links=TELL_LINKS),
            **problems(*STATUS_CODES, writes=True),
        },
    )
    async def tell(
        id_: Id,
        form: Annotated[forms.StatusForm, Body(openapi_examples=STATUSES)],
        request: Request,
        actor: Annotated[Actor, desk.writer("document:write")],
        conn: Transaction,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Recipients tell the sender how the document is handled, and with 15 or 16 whether they agree to a recall or
        update that waits for their answer; with 13 the sender asks for the document back. A repeat of the present
        status changes nothing. 01 is told by the system that fetched the document, never by the hub.

        Codes of a recipient are taken in any order, and kept. What counts (`current`) is the newest by time that does
        not fall back: 01, then 02 or 03, then 04 or 05, then 06. 02 is final: a 03 told behind it is answered with 202
        and kept as history, and 02 stays current, for the sender too.

        Cập nhật trạng thái xử lý văn bản đến, trả lời thu hồi hoặc cập nhật (15, 16), hoặc lấy lại văn bản đã gửi (13).
        Sau 02 (từ chối), mã báo thêm chỉ lưu trong lịch sử, 02 vẫn là trạng thái hiện tại.
        """

        async def work() -> Answer:
            new = NewStatus(code=form.code, description=form.description, staff=form.staff, targets=form.to)
            _, transfers = await documents.answer(conn, actor, id_, new)
            return json_answer(202 if transfers else 200, {"transfers": list(transfers)})

        return await desk.once(conn, await key_of(request, actor, idempotency_key), work)


def _body() -> dict[str, Any]:
    """The endpoint reads its body itself, so it tells the API page what it takes."""
    file = {"schema": {"type": "string", "format": "binary"}}
    return {
        "required": True,
        "content": {
            JSON: {"schema": forms.inlined(forms.DocumentForm), "examples": {"send": {"value": EXAMPLE}}},
            **dict.fromkeys(edxml.MEDIA_TYPES, file),
            edxml.MEDIA_TYPE: {**file, "examples": {"file": {"value": EDXML}}},
        },
    }
