"""`lienthong transfer …`: where a message is on its way."""

from typing import Annotated

import typer

from deploy.commands import views
from deploy.commands.acting import Session, command, group

app = typer.Typer(help="Hành trình của một gói tin · transfers.", no_args_is_help=True, add_completion=False)
group(app)


@command(app, "show", example="transfer show 01936f5a-7c3e-7b1a-9d2e-3f4a5b6c7d8e --wait 30")
async def show(
    session: Session,
    id_: Annotated[str, typer.Argument(metavar="ID", help="mã gói tin · the transfer's id")],
    wait: Annotated[
        float | None, typer.Option(min=0, help="chờ đến khi xong, nhiều nhất ngần ấy giây · until nothing is open")
    ] = None,
) -> None:
    """Một gói tin đã đi tới đâu, từng nơi nhận · Where one transfer is, recipient by recipient.

    Với --wait: mã thoát 4 khi hết giờ · with --wait: exit code 4 when time is up.
    """
    transfers = session.hub.transfers
    found = await transfers.show(id_) if wait is None else await transfers.wait_for(id_, seconds=wait)
    session.tell(found, views.transfer)
