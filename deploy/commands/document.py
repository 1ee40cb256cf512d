"""`lienthong document …`: send, answer, recall, read."""

import sys
from typing import Annotated, Any, cast

import typer

from deploy.client import answers, words
from deploy.client.answers import NewDocument
from deploy.commands import views
from deploy.commands.acting import Session, command, group
from deploy.commands.paging import Limit, first
from deploy.commands.sources import Attached, File, parse_object, read, with_attachments

app = typer.Typer(help="Văn bản: gửi, trả lời, xem · documents.", no_args_is_help=True, add_completion=False)
group(app)

XML_STARTS = (b"<", b"\xef\xbb\xbf<")

Id = Annotated[str, typer.Argument(metavar="ID", help="mã trong trục · the id the hub gave")]


@command(app, "send", example="document send cong-van.json --attach cong-van.pdf --as commune-a")
async def send(session: Session, file: File, attach: Attached = None) -> None:
    """Gửi văn bản từ tệp JSON hoặc edXML · Send a document from a JSON or edXML file."""
    data = read(file)
    if data.lstrip()[:4].startswith(XML_STARTS):
        if attach:
            raise typer.BadParameter("tệp edXML đã có đính kèm bên trong · an edXML file holds its own attachments")
        session.tell(await session.hub.documents.send_edxml(data), views.sent)
        return
    document = cast(NewDocument, await with_attachments(session.hub, parse_object(data, file), attach))
    session.tell(await session.hub.documents.send(document), views.sent)


@command(app, "status", example='document status 0f8fad5b-d9cb-569f-a165-70867728950e 03 --description "Vào sổ số 45"')
async def status(
    session: Session,
    id_: Id,
    code: Annotated[words.DocumentStatus, typer.Argument(metavar="CODE", help="01 đến, 02 từ chối, 03 tiếp nhận…")],
    description: Annotated[str | None, typer.Option(help="ghi chú, lý do · also the reason of a refusal")] = None,
    staff: Annotated[str | None, typer.Option(help="cán bộ · who acted")] = None,
    to: Annotated[list[str] | None, typer.Option(help="với 13: nơi nhận · with 13: recipients asked")] = None,
) -> None:
    """Cập nhật trạng thái xử lý văn bản · Tell the status of a document."""
    told = await session.hub.documents.answer(id_, code, description=description, staff=staff, to=to or ())
    session.tell(told, views.told)


@command(app, "show", example="document show 0f8fad5b-d9cb-569f-a165-70867728950e --edxml > van-ban.edxml")
async def show(
    session: Session,
    id_: Id,
    edxml: Annotated[bool, typer.Option("--edxml", help="tệp edXML · the file itself")] = False,
) -> None:
    """Xem văn bản và trạng thái ở từng nơi nhận · A document with the statuses known."""
    if edxml:
        sys.stdout.buffer.write(await session.hub.documents.as_edxml(id_))
        sys.stdout.buffer.flush()
    else:
        session.tell(await session.hub.documents.show(id_), views.document)


@command(app, "list", example="document list --box in")
async def list_(
    session: Session,
    box: Annotated[words.Box | None, typer.Option(help="hộp đến, hộp đi · received or sent")] = None,
    document_id: Annotated[str | None, typer.Option(help="DocumentId")] = None,
    since: Annotated[str | None, typer.Option(help="từ lúc, RFC 3339 · since")] = None,
    limit: Limit = 50,
) -> None:
    """Danh sách văn bản, mới nhất trước · Documents, newest first."""
    given: dict[str, Any] = {"box": box, "document_id": document_id, "since": since}
    filters = cast(answers.DocumentFilters, {name: value for name, value in given.items() if value is not None})
    lines = await first(session.hub.documents.list(**filters), limit)
    session.tell({"items": lines} if session.as_json else lines, views.documents)


@command(app, "recall", example='document recall 0f8fad5b-d9cb-569f-a165-70867728950e --reason "Gửi nhầm"')
async def recall(
    session: Session,
    id_: Id,
    reason: Annotated[str, typer.Option(help="lý do · why")],
    to: Annotated[list[str] | None, typer.Option(help="nơi nhận, mặc định tất cả · recipients; all by default")] = None,
    staff: Annotated[str | None, typer.Option(help="cán bộ · who acted")] = None,
) -> None:
    """Thu hồi văn bản đã gửi · Recall a document that was sent."""
    body: answers.Recall = {"reason": reason}
    if to:
        body["to"] = to
    if staff:
        body["staff"] = staff
    session.tell(await session.hub.documents.recall(id_, body), views.told)
