"""Queries over the operators' list of dead letters and over deliveries that do not come to an end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select, text, tuple_, update

from gateway.operations.model import listed_dead_letter
from gateway.operations.rules import DeadLetter
from services.kernel.bulk import insert_many
from services.kernel.connection import Connection

_COLUMNS = listed_dead_letter.c


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """All given ones must fit; `before` is the place the page begins behind."""

    topic: str | None = None
    code: str | None = None
    state: str | None = None
    since: datetime | None = None
    before: tuple[datetime, str] | None = None


async def list_letters(conn: Connection, letters: Sequence[DeadLetter]) -> None:
    """Adds to the list; one that is there already stays as it is."""
    rows = [
        {
            "id": each.id,
            "program": each.program,
            "topic": each.topic,
            "log_partition": each.log_partition,
            "log_offset": each.log_offset,
            "headers": orjson.dumps(dict(each.headers)).decode(),
            "verdict": orjson.dumps(dict(each.verdict)).decode(),
            "code": each.verdict.get("code", ""),
            "at": each.at,
        }
        for each in sorted(letters, key=lambda each: each.id)
    ]
    await insert_many(conn, listed_dead_letter, rows, "ON CONFLICT (id) DO NOTHING")


async def letters(conn: Connection, chosen: LetterFilter, limit: int) -> Sequence[Mapping[str, Any]]:
    """The newest first: every filter but `since` alone has an index in that order."""
    named = ((_COLUMNS.topic, chosen.topic), (_COLUMNS.code, chosen.code), (_COLUMNS.state, chosen.state))
    conditions: list[Any] = [column == value for column, value in named if value is not None]
    if chosen.since is not None:
        conditions.append(_COLUMNS.at >= chosen.since)
    if chosen.before is not None:
        conditions.append(tuple_(_COLUMNS.at, _COLUMNS.id) < tuple_(*chosen.before))
    query = select(listed_dead_letter).where(*conditions).order_by(_COLUMNS.at.desc(), _COLUMNS.id.desc()).limit(limit)
    return (await conn.execute(query)).mappings().all()


async def letter(conn: Connection, id_: str, *, lock: bool) -> Mapping[str, Any] | None:
    query = select(listed_dead_letter).where(_COLUMNS.id == id_)
    found = await conn.execute(query.with_for_update() if lock else query)
    row: Mapping[str, Any] | None = found.mappings().first()
    return row


async def close_letter(conn: Connection, id_: str, *, by: str, at: datetime, reason: str) -> Mapping[str, Any]:
    closed = (
        update(listed_dead_letter)
        .where(_COLUMNS.id == id_)
        .values(state="closed", closed_by=by, closed_at=at, reason=reason)
        .returning(listed_dead_letter)
    )
    row: Mapping[str, Any] = (await conn.execute(closed)).mappings().one()
    return row


# Deliveries that do not come to an end. Each kind begins at an index that holds little else: `hop_stuck`,
# `delivery_waiting` (those without a successor), `delivery_open_since` for the others, which are the oldest of all.
_STUCK = "h.stuck_since IS NOT NULL AND NOT h.done"
_WITH_HOP = "LEFT JOIN hop h ON h.subject = d.subject AND h.office = d.office AND h.hopsequence = d.hopsequence"
_KINDS = {
    "undecided": "delivery d WHERE d.state = 'open' AND d.waiting IS NOT NULL",
    "stuck": f"""
        hop h JOIN delivery d ON d.subject = h.subject AND d.office = h.office AND d.hopsequence = h.hopsequence
         WHERE {_STUCK} AND d.state = 'open'""",
    "expired": f"""
        delivery d {_WITH_HOP}
         WHERE d.state = 'open' AND d.waiting IS NULL AND d.expired_at IS NOT NULL AND h.stuck_since IS NULL""",
    "waiting": f"""
        delivery d {_WITH_HOP}
         WHERE d.state = 'open' AND d.waiting IS NULL AND d.expired_at IS NULL AND h.stuck_since IS NULL
           AND d.opened_at <= CAST(:older AS timestamptz)""",
}
_FILTERS = {
    "office": "d.office = :office",
    "organ": "d.organ = :organ",
    "subject": "d.subject = :subject",
    "after": "(d.opened_at, d.id) > (CAST(:after AS timestamptz), :after_id)",
}
_ORDER = "ORDER BY {0}opened_at, {0}id LIMIT :limit"
_BEHIND = """
    EXISTS (SELECT FROM hop s WHERE s.subject = f.subject AND s.office = f.office AND s.hopsequence < f.hopsequence
               AND NOT s.done AND s.stuck_since IS NOT NULL)
"""
# A hop that is neither sent nor to be sent although its time has come is held back for a reader that has not come to
# its record yet: nothing else keeps the relay, which looks every second.
OVERDUE_SECONDS = 10.0


async def held_up(conn: Connection, kinds: Sequence[str], given: Mapping[str, Any], limit: int) -> list[Any]:
    """Open deliveries of these kinds, the oldest first, each once."""
    filters = "".join(f" AND {_FILTERS[name]}" for name in _FILTERS if given.get(name) is not None)
    parts = " UNION ALL ".join(
        f"(SELECT '{kind}' AS kind, d.* FROM {_KINDS[kind]}{filters} {_ORDER.format('d.')})"  # noqa: S608
        for kind in kinds
    )
    query = f"""
        SELECT f.*, t.type, t.sender, h.attempts AS hop_attempts, h.due_at AS hop_due_at, h.pending AS hop_pending,
               h.stuck_since, h.stuck_reason, h.stuck_attempts, {_BEHIND} AS behind,
               h.due_at < now() - make_interval(secs => {OVERDUE_SECONDS}) AS overdue
          FROM (SELECT * FROM ({parts}) p {_ORDER.format("p.")}) f
          JOIN transfer t ON t.source = f.source AND t.id = f.transfer_id
          LEFT JOIN hop h ON h.subject = f.subject AND h.office = f.office AND h.hopsequence = f.hopsequence
         ORDER BY f.opened_at, f.id
    """  # noqa: S608 - texts of this file
    values = {name: value for name, value in given.items() if value is not None}
    return list((await conn.execute(text(query), values | {"limit": limit})).mappings())


_FIGURES = """
    SELECT 'stuck' AS figure, office AS label, count(*) AS number FROM hop
     WHERE stuck_since IS NOT NULL AND NOT done GROUP BY office
    UNION ALL
    SELECT 'dead', program, count(*) FROM listed_dead_letter WHERE state = 'open' GROUP BY program
    UNION ALL
    SELECT 'undecided', '', count(*) FROM delivery WHERE state = 'open' AND waiting IS NOT NULL
"""


async def figures(conn: Connection) -> list[tuple[str, str, int]]:
    """(what, of whom, how many) of what operators have to look at."""
    return [(row.figure, row.label, row.number) for row in await conn.execute(text(_FIGURES))]
