"""What a person sees in a shell: two kinds of tables, times of Viet Nam, and no control characters from data."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

VIETNAM = timezone(timedelta(hours=7))
PIPE_WIDTH = 400
"""Into a file or another program nothing is cut off."""

Renderable = Table | Text | Group


def show(view: Renderable) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH, color_system=None)
    console.print(view)


def plain(text: object) -> str:
    """As text without control characters: what others sent must not steer a terminal. None is empty."""
    if text is None:
        return ""
    return "".join(char if char.isprintable() else " " for char in str(text))


def moment(text: object) -> str:
    """RFC 3339 in the time of Viet Nam, whole seconds; what is no time stays as it is."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return plain(text)
    return at.astimezone(VIETNAM).isoformat(" ", "seconds") if at.tzinfo else plain(text)


def table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Renderable:
    """One line each; a sentence when there is none."""
    lines = [[Text(plain(cell)) for cell in row] for row in rows]
    if not lines:
        return Text(f"{title}: không có · none", style="dim")
    shown = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for heading in headings:
        shown.add_column(heading, overflow="fold")
    for line in lines:
        shown.add_row(*line)
    return shown


def facts(pairs: Iterable[tuple[str, object]]) -> Renderable:
    """Names and values; what is not there is left out."""
    shown = Table(box=None, show_header=False, pad_edge=False)
    shown.add_column(style="dim")
    shown.add_column(overflow="fold")
    for name, value in pairs:
        if value not in (None, "", []):
            shown.add_row(name, Text(plain(value)))
    return shown


def listed(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))


def stacked(*parts: Renderable | None) -> Renderable:
    return Group(*(part for part in parts if part is not None))
