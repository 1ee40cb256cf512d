"""HTTP door of documents: JSON and edXML in, JSON and edXML out."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Path, Request
from starlette.responses import Response, StreamingResponse

from contracts.messages.document import Document
from services.kernel.app import Transaction
from services.kernel.database import Database
from services.kernel.idempotency import Answer
from services.office.documents import edxml, forms, views
from services.office.documents.actions import Documents
from services.office.documents.intake import Intake
from services.office.documents.posting import Posting
from services.office.documents.rules import NewStatus
from services.office.documents.store import Place
from services.office.organs.rules import Actor
from services.office.web import JSON, Desk, IdempotencyKey, json_answer, key_of, problems, respond

EXAMPLE_ID = "0f8fad5b-d9cb-569f-a165-70867728950e"
EXAMPLE: dict[str, Any] = {
    "to": ["000.00.00.H28"],
    "number": "12",
    "notation": "UBND-VP",
    "promulgated_on": "2024-06-03",
    "place": "Hòa Bình",
    "type": 18,
    "type_name": "Công văn",
    "subject": "Về việc báo cáo kết quả giải quyết thủ tục hành chính",
    "signer": {"competence": "TM. ỦY BAN NHÂN DÂN", "position": "CHỦ TỊCH", "name": "Nguyễn Văn Mẫu"},
    "priority": 0,
}
STATUSES: dict[str, Any] = {
    "arrived": {"summary": "Đã đến", "value": {"code": "01"}},
    "accepted": {"summary": "Đã tiếp nhận", "value": {"code": "03", "description": "Vào sổ số 45"}},
    "refused": {"summary": "Từ chối", "value": {"code": "02", "description": "Không đúng thẩm quyền"}},
    "take_back": {"summary": "Lấy lại", "value": {"code": "13", "to": ["000.00.00.H28"]}},
}
RECIPIENTS = ("recipient.unknown", "recipient.suspended", "recipient.undecided")

Id = Annotated[str, Path(alias="id", max_length=100, description="Id the hub gave", examples=[EXAMPLE_ID])]
Accept = Annotated[str | None, Header(description=f"`{JSON}`, or `{edxml.MEDIA_TYPE}` for the file")]


def build_router(desk: Desk, documents: Documents, intake: Intake, posting: Posting, database: Database) -> APIRouter:
    router = APIRouter(prefix="/v1/documents", tags=["documents"])
    writer, reader = desk.writer("document:write"), desk.reader("document:read")

    @router.post(
        "",
        status_code=202,
        summary="Send a document, or a status as edXML",
        response_model=forms.IssuedView,
        responses=problems(
            "document.exists",
            *RECIPIENTS,
            "attachment.missing",
            "attachment.unavailable",
            "contract.invalid",
            "edxml.invalid",
            "document.unknown",
            "document.status_unknown",
            "request.unsupported_media_type",
            writes=True,
        ),
        openapi_extra={"requestBody": _body()},
        max_body_size=intake.message_bytes,
    )
    async def post(
        request: Request, actor: Annotated[Actor, writer], idempotency_key: IdempotencyKey = None
    ) -> Response:
        """A new document from the organ acted for, as JSON or as the edXML file itself, which is forwarded unchanged.
        202 means stored durably: it reaches every recipient whatever fails meanwhile. Attachments of a JSON document
        must have been put before. The same DocumentId with the same content gives the same answer again. A file with
        StatusCode counts as `POST …/statuses` for the document its ResponseFor names.

        Gửi văn bản đi, bằng JSON hoặc nguyên tệp edXML; tệp trạng thái được hiểu là cập nhật trạng thái văn bản.
        """
        return await posting.post(request, actor, idempotency_key)

    @router.get(
        "/{id}",
        summary="Read a document",
        response_model=forms.DocumentView,
        responses={
            200: {"content": {edxml.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
            **problems("request.not_found", "attachment.unavailable", "size.too_large"),
        },
    )
    async def show(id_: Id, actor: Annotated[Actor, reader], accept: Accept = None) -> Response:
        """The document as the organ holds it, sent or received, with the statuses known. As edXML: the file that was
        posted, byte for byte, or for a document posted as JSON one written from it.

        Xem văn bản đi hoặc đến và các trạng thái; tải tệp edXML bằng tiêu đề Accept.
        """
        async with database.read() as conn:
            view = await documents.view(conn, Place(actor.organ, id_))
            if not edxml.is_wanted(accept):
                return respond(json_answer(200, views.shape(view), {"Vary": "Accept"}))
            original = view.issued.get("original")
            files = [original] if original else view.issued["document"].get("attachments", [])
            contents = await documents.fetch(conn, actor.organ, [each["sha256"] for each in files])
        headers = {"Content-Disposition": f'attachment; filename="{edxml.ORIGINAL_NAME}"', "Vary": "Accept"}
        if original:
            length = {"Content-Length": str(original["size"])}
            return StreamingResponse(contents[0], media_type=edxml.MEDIA_TYPE, headers=headers | length)
        written = await intake.write(Document.model_validate(view.issued["document"]), contents)
        return Response(written, media_type=edxml.MEDIA_TYPE, headers=headers)

    @router.post(
        "/{id}/statuses",
        status_code=202,
        summary="Tell the status of a document",
        response_model=forms.AnsweredView,
        responses={
            200: {"model": forms.AnsweredView, "description": "It is the present status already"},
            **problems(
                "request.not_found",
                "request.conflict",
                "document.unknown",
                "document.status_unknown",
                "recipient.unknown",
                "contract.invalid",
                writes=True,
            ),
        },
    )
    async def answer(
        id_: Id,
        form: Annotated[forms.StatusForm, Body(openapi_examples=STATUSES)],
        request: Request,
        actor: Annotated[Actor, writer],
        conn: Transaction,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Recipients tell the sender how the document is handled; with 13 the sender asks for it back. A repeat of the
        present status changes nothing. 01 is told by the system that fetched the document, never by the hub.

        Cập nhật trạng thái xử lý văn bản đến, hoặc lấy lại văn bản đã gửi (13).
        """

        async def work() -> Answer:
            new = NewStatus(code=form.code, description=form.description, staff=form.staff, targets=form.to)
            _, transfers = await documents.answer(conn, actor, id_, new)
            return json_answer(202 if transfers else 200, {"transfers": list(transfers)})

        return await desk.once(conn, await key_of(request, actor, idempotency_key), work)

    return router


def _body() -> dict[str, Any]:
    """The endpoint reads its body itself, so it tells the API page what it takes."""
    file = {"schema": {"type": "string", "format": "binary"}}
    return {
        "required": True,
        "content": {
            JSON: {"schema": forms.inlined(forms.DocumentForm), "examples": {"send": {"value": EXAMPLE}}},
            **dict.fromkeys(edxml.MEDIA_TYPES, file),
        },
    }
