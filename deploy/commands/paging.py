"""How much of a list a command shows."""

from collections.abc import AsyncIterator
from typing import Annotated, TypeVar

import typer

Line = TypeVar("Line")

Limit = Annotated[int, typer.Option("--limit", min=1, help="nhiều nhất bao nhiêu dòng · lines at most")]


async def first(lines: AsyncIterator[Line], count: int) -> list[Line]:
    """The first so many; pages behind them are not asked for."""
    found: list[Line] = []
    async for line in lines:
        found.append(line)
        if len(found) >= count:
            break
    return found
