"""`lienthong organ …`: the directory of organs; changing it is for administrators."""

import sys
from typing import Annotated, Any, cast

import typer

from deploy.client import registers, words
from deploy.commands import views
from deploy.commands.acting import ADMINISTRATOR, Failed, Session, command, group
from deploy.commands.members import members
from deploy.commands.paging import Limit, first
from deploy.commands.sources import File, read

app = typer.Typer(help="Danh mục cơ quan · the organ directory.", no_args_is_help=True, add_completion=False)
group(app)

Code = Annotated[str, typer.Argument(metavar="CODE", help="mã cơ quan · any of its codes")]
Reason = Annotated[str, typer.Option("--reason", help="lý do, ghi vào nhật ký · why, for the audit")]
At = Annotated[str | None, typer.Option("--at", metavar="DATE", help="vào ngày, yyyy-mm-dd · as of a date")]


@command(app, "list", example='organ list --level commune --q "dong tien"', default=ADMINISTRATOR)
async def list_(
    session: Session,
    at: At = None,
    level: Annotated[words.Level | None, typer.Option(help="cấp · level")] = None,
    parent: Annotated[str | None, typer.Option(help="cấp trên · superior")] = None,
    q: Annotated[str | None, typer.Option("--q", help="tìm trong tên, mã · in names and codes")] = None,
    limit: Limit = 100,
) -> None:
    """Các cơ quan có hiệu lực vào một ngày · Organs valid at a date."""
    given: dict[str, Any] = {"at": at, "level": level, "parent": parent, "q": q}
    filters = cast(registers.OrganFilters, {name: value for name, value in given.items() if value is not None})
    lines = await first(session.hub.organs.list(**filters), limit)
    session.tell({"items": lines} if session.as_json else lines, views.organs)


@command(app, "show", example="organ show G22", default=ADMINISTRATOR)
async def show(session: Session, code: Code, at: At = None) -> None:
    """Một cơ quan · One organ."""
    session.tell(await session.hub.organs.show(code, at=at), members)


@command(app, "import", example="organ import co-quan.csv --dry-run", default=ADMINISTRATOR)
async def import_(
    session: Session,
    file: File,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="chỉ kiểm tra · change nothing")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="nhận các dòng đúng · take the good lines")] = False,
    reason: Reason = "",
) -> None:
    """Nạp danh mục từ CSV, báo cáo từng dòng · Load organs from CSV, with a report per line.

    Mã thoát 1 khi có dòng bị từ chối · exit code 1 when any line is refused.
    """
    report = await session.hub.organs.import_csv(read(file), dry_run=dry_run, partial=partial, reason=reason)
    session.tell(report, views.imported)
    if report["refused"]:
        raise Failed(f"{report['refused']}/{report['lines']} dòng bị từ chối · lines are refused")


@command(app, "export", example="organ export > co-quan.csv", default=ADMINISTRATOR)
async def export(session: Session, at: At = None) -> None:
    """Xuất danh mục thành CSV · The directory as CSV, in the form that import takes."""
    sys.stdout.buffer.write(await session.hub.organs.export_csv(at=at))
    sys.stdout.buffer.flush()


@command(app, "alias", example="organ alias 000.03.21.H28 H28.21.03 --from 2020-01-01", default=ADMINISTRATOR)
async def alias(
    session: Session,
    code: Code,
    alias_code: Annotated[str, typer.Argument(metavar="ALIAS", help="mã khác · the other code")],
    kind: Annotated[words.AliasKind, typer.Option(help="loại · kind")] = "old",
    valid_from: Annotated[str | None, typer.Option("--from", metavar="DATE", help="từ ngày · from")] = None,
    valid_to: Annotated[str | None, typer.Option("--until", metavar="DATE", help="đến trước ngày · until")] = None,
    reason: Reason = "",
) -> None:
    """Thêm một mã khác của cơ quan · Another code of the same organ."""
    given = {"code": alias_code, "kind": kind, "valid_from": valid_from, "valid_to": valid_to}
    body = cast(registers.Alias, {name: value for name, value in given.items() if value is not None})
    session.tell(await session.hub.organs.add_alias(code, body, reason=reason), members)
