"""Queries of the audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from gateway.audit.model import audit
from services.kernel.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """All given ones must fit; `before` is the position the page begins below."""

    kind: str | None = None
    target: str | None = None
    action: str | None = None
    client_id: str | None = None
    since: datetime | None = None
    before: int | None = None


async def page(conn: Connection, chosen: Filter, limit: int) -> Sequence[Mapping[str, Any]]:
    """The newest first."""
    columns = audit.c
    conditions: list[Any] = [
        column == value
        for column, value in (
            (columns.kind, chosen.kind),
            (columns.target, chosen.target),
            (columns.action, chosen.action),
            (columns.client_id, chosen.client_id),
        )
        if value is not None
    ]
    if chosen.since is not None:
        conditions.append(columns.at >= chosen.since)
    if chosen.before is not None:
        conditions.append(columns.position < chosen.before)
    query = select(audit).where(*conditions).order_by(columns.position.desc()).limit(limit)
    return (await conn.execute(query)).mappings().all()
