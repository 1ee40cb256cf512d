"""Every query on what waits for a successor and on the choices people made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import text

from gateway.delivery.model import delivery
from gateway.subjects.rules import SubjectState
from gateway.succession.model import successor
from services.kernel.bulk import Reads, arrays, insert_many, unnest, upsert
from services.kernel.connection import Connection

ALL = ""
"""The subject of a choice for everything of an organ."""

_WAITS = "d.state = 'open' AND d.waiting IS NOT NULL"
_CHOICE = "coalesce(o.successor, a.successor)"
_CHOICES = """
      LEFT JOIN successor o ON o.subject = d.subject AND o.organ = d.organ
      LEFT JOIN successor a ON a.subject = '' AND a.organ = d.organ
"""
_LINES = f"""
    SELECT ROW(s.subject, s.organ, s.successor, CAST(NULL AS bigint)) FROM successor s
     WHERE s.subject = ANY(CAST(:subjects AS text[])) AND s.successor <> s.organ
     UNION ALL
    SELECT ROW(d.subject, d.organ, '', max(d.waiting)) FROM delivery d
     WHERE d.subject = ANY(CAST(:subjects AS text[])) AND {_WAITS} GROUP BY d.subject, d.organ
"""  # noqa: S608 - constant text
_DECIDED = text("SELECT organ, successor FROM successor WHERE subject = '' AND successor <> organ")
_CHOICE_OF = text("SELECT * FROM successor WHERE subject = :subject AND organ = :organ")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('lienthong.succession'))")
_COUNT = text(f"""
    SELECT count(*) AS deliveries, coalesce(bool_or(t.type LIKE 'dossier.%'), false) AS dossier
      FROM delivery d JOIN transfer t ON t.source = d.source AND t.id = d.transfer_id
      LEFT JOIN successor o ON o.subject = d.subject AND o.organ = d.organ
     WHERE d.organ = :organ AND {_WAITS}
       AND CASE WHEN :subject = '' THEN o.successor IS NULL ELSE d.subject = :subject END
""")  # noqa: S608 - constant text
_ORDERS = text(f"""
    SELECT d.subject, d.organ, {_CHOICE} AS successor, bool_or(t.type LIKE 'dossier.%') AS dossier
      FROM delivery d JOIN transfer t ON t.source = d.source AND t.id = d.transfer_id {_CHOICES}
     WHERE {_WAITS} AND {_CHOICE} IS NOT NULL AND (d.subject, d.organ) > (:subject, :organ)
       AND (CAST(:only AS text) IS NULL OR d.organ = :only)
     GROUP BY d.subject, d.organ, {_CHOICE} ORDER BY d.subject, d.organ LIMIT :limit
""")  # noqa: S608 - constant text
_LINE = text(f"""
    SELECT d.*, t.type, {_CHOICE} AS successor FROM delivery d
      JOIN transfer t ON t.source = d.source AND t.id = d.transfer_id {_CHOICES}
     WHERE d.subject = ANY(CAST(:subjects AS text[])) AND {_WAITS} AND {_CHOICE} IS NOT NULL
     ORDER BY d.subject, d.waiting
""")  # noqa: S608 - constant text
_KEEP = text("""
    INSERT INTO successor (subject, organ, successor, decided_by, decided_at, reason)
    SELECT k.subject, k.organ, s.successor, s.decided_by, s.decided_at, s.reason
      FROM unnest(CAST(:subjects AS text[]), CAST(:organs AS text[])) AS k(subject, organ)
      JOIN successor s ON s.subject = '' AND s.organ = k.organ
    ON CONFLICT DO NOTHING
""")
_COLUMNS = (
    "transfer_id", "id", "organ", "level", "via", "redirected_from", "office", "hopsequence", "state", "code",
    "handed_over_at", "channel_at", "channel_file", "channel_id", "due_at",
)  # fmt: skip
_RELEASE = text(f"""
    UPDATE delivery d SET {", ".join(f"{name} = r.{name}" for name in _COLUMNS[2:])}, waiting = NULL
      FROM {unnest(delivery, _COLUMNS, "r")} WHERE d.transfer_id = r.transfer_id AND d.id = r.id AND {_WAITS}
""")  # noqa: S608 - constant text
_PAGE = text(f"""
    SELECT d.organ, count(*) AS waiting, count(DISTINCT d.subject) AS subjects, min(d.opened_at) AS oldest_at
      FROM delivery d WHERE {_WAITS} AND d.organ > :after GROUP BY d.organ ORDER BY d.organ LIMIT :limit
""")  # noqa: S608 - constant text
_CHOSEN = text("SELECT * FROM successor WHERE subject = '' AND organ = ANY(CAST(:organs AS text[]))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`subject` ALL: for everything of the organ."""

    subject: str
    organ: str
    successor: str
    decided_by: str
    decided_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Order:
    """Something waits and its successor is chosen; `dossier`: it goes to offices only."""

    subject: str
    organ: str
    successor: str
    dossier: bool


def read_lines(reads: Reads, states: Mapping[str, SubjectState], subjects: Sequence[str]) -> None:
    """Fills in what waits for a successor in these subjects, which are held, and what was chosen for them."""
    if subjects:
        reads.add(_LINES, {"subjects": subjects}, partial(_take_lines, states))


def _take_lines(states: Mapping[str, SubjectState], rows: Sequence[Any]) -> None:
    for subject, organ, heir, waiting in rows:
        if waiting is None:
            states[subject].chosen[organ] = heir
        else:
            states[subject].waiting[organ] = waiting


async def decided(conn: Connection) -> dict[str, str]:
    """The choices for everything of an organ."""
    return {row.organ: row.successor for row in await conn.execute(_DECIDED)}


async def lock(conn: Connection) -> None:
    """Those who choose follow one another until their commit."""
    await conn.execute(_LOCK)


async def choice(conn: Connection, organ: str, subject: str) -> Choice | None:
    row = (await conn.execute(_CHOICE_OF, {"organ": organ, "subject": subject})).mappings().one_or_none()
    return Choice(**row) if row else None


async def choose(conn: Connection, made: Choice) -> None:
    """Writes the choice, in place of an earlier one."""
    fields = {name: getattr(made, name) for name in Choice.__slots__}
    tail = upsert("subject", "organ", update=["successor", "decided_by", "decided_at", "reason"])
    await insert_many(conn, successor, [fields], tail)


async def count(conn: Connection, organ: str, subject: str) -> tuple[int, bool]:
    """How many deliveries a choice is for, and whether a dossier is among them; ALL leaves out subjects that have a
    choice of their own."""
    row = (await conn.execute(_COUNT, {"organ": organ, "subject": subject})).one()
    return row.deliveries, row.dossier


async def orders(
    conn: Connection, *, after: tuple[str, str] = ("", ""), limit: int, organ: str | None = None
) -> list[Order]:
    """What waits although its successor is chosen, by subject and organ."""
    values = {"subject": after[0], "organ": after[1], "limit": limit, "only": organ}
    return [Order(row.subject, row.organ, row.successor, row.dossier) for row in await conn.execute(_ORDERS, values)]


async def line(conn: Connection, subjects: Sequence[str]) -> list[Any]:
    """Deliveries of these subjects, which are locked, that wait although their successor is chosen, in their order."""
    return list((await conn.execute(_LINE, {"subjects": list(subjects)})).mappings())


async def release(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await conn.execute(_RELEASE, arrays(rows))


async def keep(conn: Connection, keys: Sequence[tuple[str, str]]) -> None:
    """These (subject, organ) keep to the choice made for the organ, unless they have one of their own."""
    if keys:
        values = {"subjects": [subject for subject, _ in keys], "organs": [organ for _, organ in keys]}
        await conn.execute(_KEEP, values)


async def page(conn: Connection, *, after: str, limit: int) -> list[Any]:
    """Organs for which something waits, by code."""
    return list((await conn.execute(_PAGE, {"after": after, "limit": limit})).mappings())


async def chosen(conn: Connection, organs: Sequence[str]) -> dict[str, Choice]:
    """The choices for everything of these organs."""
    rows = (await conn.execute(_CHOSEN, {"organs": list(organs)})).mappings()
    return {row["organ"]: Choice(**row) for row in rows}
