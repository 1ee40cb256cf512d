"""`lienthong dossier …`: submit, act, hand on, read."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from deploy.client import answers, words
from deploy.client.answers import ActFields, NewDossier
from deploy.client.dossiers import Outcome
from deploy.commands import views
from deploy.commands.acting import Failed, Session, command, group
from deploy.commands.members import members
from deploy.commands.paging import Limit, first
from deploy.commands.sources import Attached, File, parse_many, parse_object, read, upload, with_attachments

app = typer.Typer(help="Hồ sơ: nộp, xử lý, chuyển, xem · dossiers.", no_args_is_help=True, add_completion=False)
group(app)

Code = Annotated[str, typer.Argument(metavar="CODE", help="mã hồ sơ · the dossier's code")]
Reason = Annotated[str | None, typer.Option("--reason", help="lý do · why")]
IfMatch = Annotated[str | None, typer.Option("--if-match", help="phiên bản đã đọc · only if it has this version")]


@command(app, "submit", example="dossier submit ho-so.json --attach to-khai.pdf --as commune-a")
async def submit(session: Session, file: File, attach: Attached = None) -> None:
    """Nộp hồ sơ từ tệp JSON (nội dung của POST /v1/dossiers) · Submit a dossier from a JSON file."""
    body = parse_object(read(file), file)
    dossier = cast(NewDossier, await with_attachments(session.hub, body, attach))
    session.tell(await session.hub.dossiers.submit(dossier), views.acted)


@command(app, "batch", example="dossier batch ho-so.jsonl --json")
async def batch(session: Session, file: File) -> None:
    """Nộp nhiều hồ sơ: danh sách JSON hoặc mỗi dòng một hồ sơ · Submit many: a JSON list, or one a line.

    Mã thoát 1 khi có hồ sơ bị từ chối · exit code 1 when any is refused.
    """
    items = parse_many(read(file), file)
    outcomes = [outcome async for outcome in session.hub.dossiers.submit_many(items)]
    if session.as_json:
        session.tell({"items": [_line(outcome) for outcome in outcomes]}, members)
    else:
        session.tell(outcomes, views.outcomes)
    refused = sum(outcome.problem is not None for outcome in outcomes)
    if refused:
        raise Failed(f"{refused}/{len(outcomes)} hồ sơ bị từ chối · refused")


@command(app, "act", example='dossier act 000.03.21.H28-20240603-0000001 refuse --reason "Không đúng thẩm quyền"')
async def act(
    session: Session,
    code: Code,
    action: Annotated[words.Action, typer.Argument(metavar="ACTION", help="thao tác · what is done")],
    reason: Reason = None,
    staff: Annotated[str | None, typer.Option(help="cán bộ · who does it")] = None,
    attach: Attached = None,
    missing: Annotated[list[str] | None, typer.Option(help="giấy tờ còn thiếu · what is missing; repeatable")] = None,
    amount: Annotated[int | None, typer.Option(min=0, help="số tiền, đồng · in đồng")] = None,
    result_number: Annotated[str | None, typer.Option(help="số kết quả, với complete · the result's number")] = None,
    result: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, metavar="PATH", help="tệp kết quả, với complete · its files"),
    ] = None,
    if_match: IfMatch = None,
) -> None:
    """Thao tác trên hồ sơ: tiếp nhận, phân công, hoàn thành, nhận chuyển… · Act on a dossier."""
    given: dict[str, Any] = {"reason": reason, "staff": staff, "missing": missing or None, "amount": amount}
    if attach:
        given["attachments"] = await upload(session.hub, attach)
    if result_number or result:
        papers = await upload(session.hub, result)
        given["result"] = ({"number": result_number} if result_number else {}) | {"attachments": papers}
    chosen = cast(ActFields, {name: value for name, value in given.items() if value is not None})
    session.tell(await session.hub.dossiers.act(code, action, if_match=if_match, **chosen), views.acted)


@command(app, "transfer", example='dossier transfer 000.03.21.H28-20240603-0000001 000.00.03.H28 --reason "Chuyển"')
async def transfer(
    session: Session,
    code: Code,
    to: Annotated[str, typer.Argument(metavar="TO", help="cơ quan nhận · the organ it is offered to")],
    reason: Annotated[str, typer.Option("--reason", help="lý do · why")],
    due_at: Annotated[str | None, typer.Option(help="hạn xử lý, RFC 3339 · until when")] = None,
    if_match: IfMatch = None,
) -> None:
    """Chuyển hồ sơ sang cơ quan khác · Offer custody to another organ."""
    offered = await session.hub.dossiers.transfer(code, to, reason, due_at=due_at, if_match=if_match)
    session.tell(offered, views.offered)


@command(app, "show", example="dossier show 000.03.21.H28-20240603-0000001")
async def show(session: Session, code: Code) -> None:
    """Xem hồ sơ và quá trình xử lý · A dossier with its history."""
    session.tell(await session.hub.dossiers.show(code), views.dossier)


@command(app, "list", example="dossier list --status 4 --overdue")
async def list_(
    session: Session,
    status: Annotated[list[int] | None, typer.Option(min=1, max=10, help="1–10, lặp lại được · repeatable")] = None,
    procedure: Annotated[str | None, typer.Option(help="mã thủ tục · procedure")] = None,
    due_before: Annotated[str | None, typer.Option(help="hẹn trả trước lúc, RFC 3339 · due before")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="quá hạn · overdue ones only")] = False,
    limit: Limit = 50,
) -> None:
    """Danh sách hồ sơ, mới nhất trước · Dossiers, newest first."""
    statuses = ",".join(map(str, status or ())) or None
    given = {"status": statuses, "procedure": procedure, "due_before": due_before, "overdue": overdue or None}
    filters = cast(answers.DossierFilters, {name: value for name, value in given.items() if value is not None})
    lines = await first(session.hub.dossiers.list(**filters), limit)
    session.tell({"items": lines} if session.as_json else lines, views.dossiers)


def _line(outcome: Outcome) -> dict[str, Any]:
    told = {"problem": outcome.problem.members} if outcome.problem else {"body": outcome.body}
    return {"index": outcome.index, "status": outcome.status, **told}
