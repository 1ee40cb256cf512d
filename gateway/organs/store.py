"""Queries of the organ directory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, text

from contracts.identifiers import organ_key
from contracts.levels import Level
from contracts.messages.registry import OrganChanged
from gateway.organs.model import organ, superior
from services.kernel.bulk import insert_many
from services.kernel.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """`parent` is the key of the superior; `words` all occur in name or code, folded."""

    on: date
    level: Level | None = None
    parent: str | None = None
    home: str | None = None
    words: Sequence[str] = ()


async def page(conn: Connection, chosen: Filter, *, after: str, limit: int) -> list[tuple[str, bytes]]:
    """Key and document of the organs valid at the date, in order of key, beginning after the key given."""
    conditions = [organ.c.key > after, _valid(organ, chosen.on)]
    if chosen.level is not None:
        conditions.append(organ.c.level == chosen.level.value)
    if chosen.home is not None:
        conditions.append(organ.c.home == chosen.home)
    if chosen.parent is not None:
        below = select(superior.c.organ).where(superior.c.superior == chosen.parent, _valid(superior, chosen.on))
        conditions.append(organ.c.key.in_(below))
    conditions += [func.strpos(organ.c.search, word) > 0 for word in chosen.words]
    query = select(organ.c.key, organ.c.document).where(*conditions).order_by(organ.c.key).limit(limit)
    return [(row.key, row.document) for row in await conn.execute(query)]


async def replace_superiors(conn: Connection, organs: Sequence[OrganChanged]) -> None:
    """The dated superiors of these organs, in place of those held."""
    await conn.execute(_DELETE_SUPERIORS, {"organs": [organ_key(changed.code) for changed in organs]})
    rows = [
        {
            "organ": organ_key(changed.code),
            "superior": organ_key(fact.organ),
            "valid_from": fact.valid_from,
            "valid_to": fact.valid_to,
        }
        for changed in organs
        for fact in changed.superiors
    ]
    await insert_many(conn, superior, rows)


def _valid(table: Any, on: date) -> ColumnElement[bool]:
    return and_(
        or_(table.c.valid_from.is_(None), table.c.valid_from <= on),
        or_(table.c.valid_to.is_(None), table.c.valid_to > on),
    )


_DELETE_SUPERIORS = text("DELETE FROM organ_superior WHERE organ = ANY(CAST(:organs AS text[]))")
