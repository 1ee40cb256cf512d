"""`lienthong inbox`: what is addressed to the organ, once or as it comes."""

import json
from contextlib import aclosing
from enum import StrEnum
from typing import Annotated

import typer

from deploy.client import words
from deploy.client.answers import Item
from deploy.commands import views
from deploy.commands.acting import Session, command
from deploy.commands.paging import Limit
from deploy.commands.tables import plain

app = typer.Typer(add_completion=False)


class Kind(StrEnum):
    DOSSIER = "dossier"
    DOCUMENT = "document"
    STATUS = "status"
    RECEIPT = "receipt"


@command(app, "inbox", example="inbox --kind dossier --follow --ack --as district-a")
async def inbox(
    session: Session,
    kind: Annotated[list[Kind] | None, typer.Option(help="loại · kinds; repeatable")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="chờ cái mới · go on until Ctrl-C")] = False,
    ack: Annotated[bool, typer.Option("--ack", help="xác nhận đã nhận · acknowledge what is shown")] = False,
    limit: Limit = 20,
) -> None:
    """Hộp đến chưa xác nhận, cũ nhất trước · What is not acknowledged, oldest first."""
    kinds: list[words.Kind] = [each.value for each in kind or ()]
    if follow:
        async with aclosing(session.hub.inbox(kinds, ack=ack)) as items:
            async for item in items:
                typer.echo(_line(item, as_json=session.as_json))
        return
    page = await session.hub.inbox.read(kinds, limit=min(limit, 500))
    session.tell(page if session.as_json else page["items"], views.items)
    if ack and page["items"]:
        await session.hub.inbox.ack(*(item["id"] for item in page["items"]))


def _line(item: Item, *, as_json: bool) -> str:
    return json.dumps(item, ensure_ascii=False) if as_json else "  ".join(map(plain, views.item(item)))
