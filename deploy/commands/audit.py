"""`lienthong audit`: who changed what, for administrators."""

from typing import Annotated

import typer

from deploy.commands import views
from deploy.commands.acting import ADMINISTRATOR, Session, command
from deploy.commands.paging import Limit, first

app = typer.Typer(add_completion=False)


@command(app, "audit", example="audit --target system:commune-a", default=ADMINISTRATOR)
async def audit(
    session: Session,
    target: Annotated[str | None, typer.Option(help="đối tượng, kind:id · system:…, organ:…, key:…")] = None,
    action: Annotated[str | None, typer.Option(help="việc đã làm · system.created …")] = None,
    by: Annotated[str | None, typer.Option(help="ai làm · the client id that acted")] = None,
    since: Annotated[str | None, typer.Option(help="từ lúc, RFC 3339 · since")] = None,
    limit: Limit = 50,
) -> None:
    """Nhật ký quản trị, mới nhất trước · Changes of systems, organs and keys, newest first."""
    filters = {"target": target, "action": action, "client_id": by, "since": since}
    lines = await first(session.hub.operations.audit(**filters), limit)
    session.tell({"items": lines} if session.as_json else lines, views.audit)
