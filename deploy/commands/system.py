"""`lienthong system …`: agency systems, for administrators."""

from typing import Annotated, Any

import typer

from contracts.scopes import SCOPES
from deploy.client import words
from deploy.commands import views
from deploy.commands.acting import ADMINISTRATOR, Session, command, group
from deploy.commands.members import members
from deploy.commands.paging import Limit, first

app = typer.Typer(help="Hệ thống kết nối · agency systems.", no_args_is_help=True, add_completion=False)
group(app)
secrets = typer.Typer(help="Khóa của một hệ thống · a system's secrets.", no_args_is_help=True, add_completion=False)
app.add_typer(secrets, name="secret")
group(secrets)


def _scopes(incomplete: str) -> list[str]:
    return [scope for scope in SCOPES if scope.startswith(incomplete)]


ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="mã hệ thống · the system")]
ActsFor = Annotated[
    list[str] | None, typer.Option("--acts-for", metavar="ORGAN", help="cơ quan đại diện · organs; repeatable")
]
Scopes = Annotated[list[str] | None, typer.Option("--scope", autocompletion=_scopes, help="quyền · scopes; repeatable")]
Requests = Annotated[int | None, typer.Option(min=1, help="hạn mức yêu cầu mỗi giây · quota of requests")]
Bytes = Annotated[int | None, typer.Option(min=1024, help="hạn mức byte mỗi giây · quota of bytes")]
Reason = Annotated[str, typer.Option("--reason", help="lý do, ghi vào nhật ký · why, for the audit")]


@command(app, "list", example="system list --suspended", default=ADMINISTRATOR)
async def list_(
    session: Session,
    q: Annotated[str | None, typer.Option("--q", help="tìm trong tên, mã · in name or client id")] = None,
    of: Annotated[str | None, typer.Option("--of", metavar="ORGAN", help="của cơ quan này · of this organ")] = None,
    level: Annotated[words.Level | None, typer.Option(help="cấp · level")] = None,
    suspended: Annotated[bool | None, typer.Option(help="đang tạm dừng hay không · suspended or not")] = None,
    limit: Limit = 100,
) -> None:
    """Các hệ thống được phép kết nối · The systems that may call the hub."""
    filters = {"q": q, "organ": of, "level": level, "suspended": suspended}
    lines = await first(session.hub.systems.list(**filters), limit)
    session.tell({"items": lines} if session.as_json else lines, views.systems)


@command(app, "show", example="system show commune-a", default=ADMINISTRATOR)
async def show(session: Session, client_id: ClientId) -> None:
    """Một hệ thống và các khóa của nó, không hiện khóa · One system; its secrets by id and time only."""
    session.tell(await session.hub.systems.show(client_id), members)


@command(
    app,
    "create",
    example='system create --name "Một cửa" --level commune --acts-for 000.03.21.H28 --scope dossier:write',
    default=ADMINISTRATOR,
)
async def create(
    session: Session,
    name: Annotated[str, typer.Option(help="tên · name")],
    level: Annotated[words.Level, typer.Option(help="cấp · level")],
    client_id: Annotated[str | None, typer.Option(help="mã; bỏ trống thì được cấp · given when left out")] = None,
    acts_for: ActsFor = None,
    scope: Scopes = None,
    requests_per_second: Requests = None,
    bytes_per_second: Bytes = None,
    reason: Reason = "",
) -> None:
    """Đăng ký hệ thống; khóa chỉ hiện lần này · Register a system; its secret is shown this once."""
    body: dict[str, Any] = {"name": name, "level": level, "organs": acts_for or [], "scopes": scope or []}
    body |= ({"client_id": client_id} if client_id else {}) | _quota(requests_per_second, bytes_per_second)
    session.tell(await session.hub.systems.create(body, reason=reason), members)


@command(app, "update", example="system update commune-a --requests-per-second 20", default=ADMINISTRATOR)
async def update(
    session: Session,
    client_id: ClientId,
    name: Annotated[str | None, typer.Option(help="tên · name")] = None,
    acts_for: ActsFor = None,
    scope: Scopes = None,
    requests_per_second: Requests = None,
    bytes_per_second: Bytes = None,
    default_quota: Annotated[bool, typer.Option("--default-quota", help="hạn mức chung · the hub's default")] = False,
    if_match: Annotated[int | None, typer.Option(help="phiên bản đã đọc · only if it has this version")] = None,
    reason: Reason = "",
) -> None:
    """Đổi tên, cơ quan, quyền hoặc hạn mức; danh sách thay cả · Change a system; lists are given whole."""
    given: dict[str, Any] = {"name": name, "organs": acts_for or None, "scopes": scope or None}
    changes = {key: value for key, value in given.items() if value is not None}
    changes |= {"quota": None} if default_quota else _quota(requests_per_second, bytes_per_second)
    if not changes:
        raise typer.BadParameter("chưa nêu thay đổi nào · nothing to change was named")
    session.tell(await session.hub.systems.change(client_id, changes, if_match=if_match, reason=reason), members)


@command(secrets, "add", example="system secret add commune-a", default=ADMINISTRATOR)
async def add_secret(session: Session, client_id: ClientId, reason: Reason = "") -> None:
    """Cấp thêm khóa, hai khóa dùng được cùng lúc · A second secret; it is shown this once."""
    session.tell(await session.hub.systems.add_secret(client_id, reason=reason), members)


@command(secrets, "drop", example="system secret drop commune-a 7f3f4a4e…", default=ADMINISTRATOR)
async def drop_secret(
    session: Session,
    client_id: ClientId,
    secret: Annotated[str, typer.Argument(metavar="SECRET_ID", help="mã của khóa · the secret's id")],
    reason: Reason = "",
) -> None:
    """Thu hồi một khóa · Take a secret away."""
    await session.hub.systems.drop_secret(client_id, secret, reason=reason)
    session.tell({"client_id": client_id, "dropped": secret}, members)


@command(app, "suspend", example='system suspend commune-a --reason "Khóa bị lộ"', default=ADMINISTRATOR)
async def suspend(
    session: Session, client_id: ClientId, reason: Annotated[str, typer.Option("--reason", help="lý do · why")]
) -> None:
    """Tạm dừng hệ thống, có hiệu lực trong hai giây · Suspend a system, everywhere within two seconds."""
    session.tell(await session.hub.systems.suspend(client_id, reason), members)


@command(app, "resume", example='system resume commune-a --reason "Đã đổi khóa"', default=ADMINISTRATOR)
async def resume(
    session: Session, client_id: ClientId, reason: Annotated[str, typer.Option("--reason", help="lý do · why")]
) -> None:
    """Cho hệ thống hoạt động trở lại · Let a suspended system in again."""
    session.tell(await session.hub.systems.resume(client_id, reason), members)


def _quota(requests: int | None, size: int | None) -> dict[str, Any]:
    given = {"requests_per_second": requests, "bytes_per_second": size}
    chosen = {name: value for name, value in given.items() if value is not None}
    return {"quota": chosen} if chosen else {}
