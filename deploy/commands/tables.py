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
UNITS = ((86_400, "ngày", "d"), (3_600, "giờ", "h"), (60, "phút", "min"), (1, "giây", "s"))

Renderable = Table | Text | Group


def show(view: Renderable, *, beside: bool = False) -> None:
    """On stdout; what only accompanies an answer goes `beside` it, on stderr."""
    _console(beside=beside).print(view)


def show_anew(view: Renderable) -> None:
    """In the place of what the terminal shows now; below it where that cannot be."""
    console = _console()
    console.clear()
    console.print(view)


def _console(*, beside: bool = False) -> Console:
    console = Console(highlight=False, stderr=beside)
    if console.is_terminal:
        return console
    return Console(highlight=False, width=PIPE_WIDTH, color_system=None, stderr=beside)


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


def age(seconds: float) -> str:
    """A length of time in its largest whole unit, as one says it."""
    unit, vi, en = next((each for each in UNITS if seconds >= each[0]), UNITS[-1])
    count = max(int(seconds // unit), 0)
    return f"{count} {vi} · {count} {en}"


def table(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[object]], *, whole: Sequence[str] = ()
) -> Renderable:
    """One line each; a sentence when there is none. What stands under the headings of `whole` is never broken, so that
    it can be copied."""
    lines = [[Text(plain(cell)) for cell in row] for row in rows]
    if not lines:
        return Text(f"{title}: không có · none", style="dim")
    shown = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for place, heading in enumerate(headings):
        width = max(len(line[place]) for line in lines) if heading in whole else None
        shown.add_column(heading, overflow="fold", no_wrap=heading in whole, min_width=width)
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
