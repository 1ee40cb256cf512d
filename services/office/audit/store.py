"""Statements over the record of reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from services.kernel.connection import Connection

_ADD = text("""
    INSERT INTO access (at, client_id, organ, action, subject, request_id)
    VALUES (:at, :client_id, :organ, :action, :subject, :request_id)
""")
_NAMED = ("organ", "subject", "client_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of the record is asked for; None is all."""

    organ: str | None = None
    subject: str | None = None
    client_id: str | None = None
    since: datetime | None = None
    after: tuple[datetime, int] | None = None


async def add(conn: Connection, row: Mapping[str, Any]) -> None:
    await conn.execute(_ADD, row)


async def newest(conn: Connection, wanted: Wanted, limit: int) -> list[Mapping[str, Any]]:
    """Rows newest first, behind the place `after`."""
    values: dict[str, Any] = {"limit": limit}
    conditions = ["true"]
    for name in _NAMED:
        if (value := getattr(wanted, name)) is not None:
            conditions.append(f"{name} = :{name}")
            values[name] = value
    if wanted.since is not None:
        conditions.append("at >= :since")
        values["since"] = wanted.since
    if wanted.after is not None:
        conditions.append("(at, position) < (:after_at, :after_position)")
        values |= {"after_at": wanted.after[0], "after_position": wanted.after[1]}
    where = " AND ".join(conditions)
    query = f"SELECT * FROM access WHERE {where} ORDER BY at DESC, position DESC LIMIT :limit"  # noqa: S608
    return list((await conn.execute(text(query), values)).mappings())
