"""`lienthong ops …`: what operators see and do: routes, transfers, stuck work, dead letters, undecided successors."""

import json
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Any, cast

import typer

from deploy.client import registers, words
from deploy.client.answers import TransferFilters
from deploy.client.operations import ACTS_PER_SECOND, Result
from deploy.commands import ops_views
from deploy.commands.acting import OPERATOR, Session, command, group
from deploy.commands.operating import (
    DryRun,
    OlderThan,
    Rate,
    Reason,
    Yes,
    ask,
    ids_of,
    must_be_asked,
    tell_each,
)
from deploy.commands.paging import Limit, first
from deploy.commands.tables import facts, moment, show_anew, stacked

app = typer.Typer(help="Vận hành: tuyến, tồn đọng, gửi lại · operations.", no_args_is_help=True, add_completion=False)
group(app)

Organ = Annotated[str | None, typer.Option("--organ", help="cơ quan gửi hoặc nhận · sender or recipient")]
Recipient = Annotated[str | None, typer.Option("--organ", help="cơ quan nhận · the recipient")]
Subject = Annotated[str | None, typer.Option("--subject", help="mã hồ sơ, văn bản · a dossier or document")]
Since = Annotated[str | None, typer.Option("--since", help="từ lúc, RFC 3339 · since")]
Deliveries = Annotated[
    list[str],
    typer.Argument(metavar="DELIVERY", help="mã giao; - là đầu vào chuẩn, mỗi dòng một mã · - is standard input"),
]


@command(app, "routes", example="ops routes --watch 5", default=OPERATOR)
async def routes(
    session: Session,
    watch: Annotated[
        float | None, typer.Option("--watch", min=1, metavar="SECONDS", help="lặp lại đến Ctrl-C · until Ctrl-C")
    ] = None,
) -> None:
    """Tình trạng các tuyến giữa các cấp, xấu nhất trước · Routes between levels, the worst first."""
    if watch is None:
        session.tell(await session.hub.operations.routes(), ops_views.routes)
        return
    async with aclosing(session.hub.operations.watch_routes(watch)) as rounds:
        async for found in rounds:
            if session.as_json:
                typer.echo(json.dumps(found, ensure_ascii=False))
            else:
                at = facts([("Lúc · At", moment(datetime.now(UTC).isoformat()))])
                show_anew(stacked(at, ops_views.routes(found)))


@command(app, "transfer", example="ops transfer --organ 000.03.21.H28 --state routed", default=OPERATOR)
async def transfer(
    session: Session,
    id_: Annotated[str | None, typer.Argument(metavar="[ID]", help="mã gói tin · the transfer's id")] = None,
    subject: Subject = None,
    organ: Organ = None,
    state: Annotated[words.TransferState | None, typer.Option(help="tình trạng · state")] = None,
    since: Since = None,
    limit: Limit = 50,
) -> None:
    """Một gói tin với từng bước, hoặc các gói tin, mới nhất trước · One transfer step by step, or a list."""
    given = {"subject": subject, "organ": organ, "state": state, "since": since}
    filters = _chosen(given)
    if id_ is not None:
        if filters:
            raise typer.BadParameter("hoặc mã gói tin, hoặc điều kiện lọc · either an id or filters")
        session.tell(await session.hub.operations.transfer(id_), ops_views.transfer)
        return
    lines = await first(session.hub.operations.transfers(**cast(TransferFilters, filters)), limit)
    session.tell({"items": lines} if session.as_json else lines, ops_views.transfers)


@command(app, "stuck", example="ops stuck --office district --older-than 10m", default=OPERATOR)
async def stuck(
    session: Session,
    kind: Annotated[words.StuckKind | None, typer.Option(help="loại · kind")] = None,
    office: Annotated[words.Office | None, typer.Option(help="dịch vụ nhận · the recipient's office")] = None,
    organ: Recipient = None,
    subject: Subject = None,
    older_than: OlderThan = None,
    limit: Limit = 50,
) -> None:
    """Những gì chưa giao được, cũ nhất trước · What is not handed over, the oldest first."""
    given = {"kind": kind, "office": office, "organ": organ, "subject": subject, "older_than": older_than}
    filters = cast(registers.StuckFilters, _chosen(given))
    lines = await first(session.hub.operations.stuck(**filters), limit)
    session.tell({"items": lines} if session.as_json else lines, ops_views.stuck)


@command(app, "redeliver", example='ops redeliver 8f0c6f0e-… --reason "Huyện đã chạy lại"', default=OPERATOR)
async def redeliver(
    session: Session,
    deliveries: Deliveries,
    reason: Reason,
    dry_run: DryRun = False,
    rate: Rate = ACTS_PER_SECOND,
) -> None:
    """Gửi lại ngay, mỗi mã một dòng kết quả · Send again now, a line for each.

    Mã thoát 1 khi có mã bị từ chối · exit code 1 when any is refused.
    """
    hub, ids = session.hub.operations, ids_of(deliveries)
    await tell_each(
        session, ids, lambda id_: hub.redeliver(id_, reason, dry_run=dry_run), ops_views.redelivered, per_second=rate
    )


@command(app, "close", example='ops close 8f0c6f0e-… --reason "Gửi nhầm, đã gửi lại bản khác"', default=OPERATOR)
async def close(
    session: Session,
    deliveries: Deliveries,
    reason: Reason,
    dry_run: DryRun = False,
    yes: Yes = False,
    rate: Rate = ACTS_PER_SECOND,
) -> None:
    """Bỏ hẳn, nơi nhận sẽ không nhận được; hỏi lại trước khi làm · Give up for good; asks first.

    Mã thoát 1 khi có mã bị từ chối · exit code 1 when any is refused.
    """
    hub, asked = session.hub.operations, not dry_run and must_be_asked(deliveries, yes=yes)
    ids = ids_of(deliveries)
    plan: list[Result] = []

    async def tried(id_: str) -> registers.Closed:
        return await hub.close(id_, reason, dry_run=True)

    if asked:
        plan = [result async for result in hub.each(ids, tried, per_second=rate)]
        ids = [result.id for result in plan if not result.problem]
        if ids:
            ask(ops_views.plan(plan), "Bỏ hẳn, không lấy lại được? · Give these up for good?")
    settled = [result for result in plan if result.problem]
    act = tried if dry_run else lambda id_: hub.close(id_, reason)
    await tell_each(session, ids, act, ops_views.closed, per_second=rate, settled=settled)


@command(app, "dead", example="ops dead --topic ingest.commune --code envelope.unreadable", default=OPERATOR)
async def dead(
    session: Session,
    topic: Annotated[str | None, typer.Option(help="topic")] = None,
    code: Annotated[str | None, typer.Option(help="mã lỗi · error code")] = None,
    closed: Annotated[bool, typer.Option("--closed", help="đã xử lý xong · those that were closed")] = False,
    since: Since = None,
    limit: Limit = 50,
) -> None:
    """Bản ghi không đọc được: tiêu đề và lỗi, không có nội dung · Records put aside: headers and verdict only."""
    given = {"topic": topic, "code": code, "state": "closed" if closed else "open", "since": since}
    lines = await first(session.hub.operations.dead_letters(**cast(registers.DeadLetterFilters, _chosen(given))), limit)
    session.tell({"items": lines} if session.as_json else lines, ops_views.dead_letters)


@command(app, "dead-close", example='ops dead-close 3b6f0a52-… --reason "Đã báo nhà cung cấp sửa"', default=OPERATOR)
async def dead_close(
    session: Session,
    ids: Annotated[
        list[str], typer.Argument(metavar="ID", help="mã bản ghi; - là đầu vào chuẩn · - is standard input")
    ],
    reason: Reason,
    dry_run: DryRun = False,
    rate: Rate = ACTS_PER_SECOND,
) -> None:
    """Bản ghi hỏng đã được xử lý xong · A dead letter was looked into and needs nothing more."""
    hub, chosen = session.hub.operations, ids_of(ids)
    await tell_each(
        session,
        chosen,
        lambda id_: hub.close_dead_letter(id_, reason, dry_run=dry_run),
        ops_views.dead_letter_closed,
        per_second=rate,
    )


@command(app, "undecided", example="ops undecided", default=OPERATOR)
async def undecided(session: Session, limit: Limit = 50) -> None:
    """Cơ quan đã đóng còn chờ chọn nơi kế thừa · Closed organs whose successor somebody has to choose."""
    lines = await first(session.hub.operations.undecided(), limit)
    session.tell({"items": lines} if session.as_json else lines, ops_views.undecided)


@command(
    app,
    "decide",
    example='ops decide 000.07.21.H28 000.03.21.H28 --reason "Công văn 12/UBND" --dry-run',
    default=OPERATOR,
)
async def decide(
    session: Session,
    closed: Annotated[str, typer.Argument(metavar="ORGAN", help="cơ quan đã đóng · the closed organ")],
    successor: Annotated[str, typer.Argument(metavar="SUCCESSOR", help="một cơ quan kế thừa · one of its successors")],
    reason: Reason,
    subject: Annotated[
        str | None, typer.Option("--subject", help="chỉ hồ sơ, văn bản này · only this dossier or document")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Chọn cơ quan kế thừa cho những gì đang chờ; hỏi lại trước khi làm · Choose who takes what waits; asks first."""
    hub = session.hub.operations
    if not dry_run and must_be_asked([], yes=yes):
        plan = await hub.decide(closed, successor, reason, subject=subject, dry_run=True)
        ask(ops_views.decision(plan), "Quyết định như trên, không đổi lại được? · Decide so, for good?")
    answer = await hub.decide(closed, successor, reason, subject=subject, dry_run=dry_run)
    session.tell(answer, ops_views.decision)


def _chosen(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
