"""Pages of the dossiers an organ holds, newest first.

What is shown is the stamp plus own acts on their way. SQL finds the rows that may fit, by their stamp or by an act
waiting; the rules then decide about the few that have one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from contracts.custody import FINAL
from services.kernel.connection import Connection
from services.office.dossiers import rules, store
from services.office.dossiers.model import DOSSIER, ENTRY
from services.office.dossiers.rules import Entry, Held, View

STATUSES = range(1, 11)

_LARGE = ("submitted", "papers")
_ROW = ", ".join(f"d.{column.name}" for column in DOSSIER.columns if column.name not in _LARGE)
_STEP = ", ".join(f"e.{column.name}" for column in ENTRY.columns if column.name not in _LARGE)
_WAITING = "e.holder = :holder AND e.state = 'pending' AND e.action <> 'submit'"
_LAST = "ORDER BY created_at DESC, code DESC LIMIT :limit"

_STEPS = text(f"""
    SELECT {_STEP} FROM dossier_entry e
     WHERE e.holder = :holder AND e.actor = :holder AND e.code IN (
           SELECT e.code FROM dossier_entry e WHERE {_WAITING} AND e.code = ANY(CAST(:codes AS text[])))
     ORDER BY e.position
""")  # noqa: S608 - constant text

Place = tuple[datetime, str]
"""Where a page ends: time and code of its last row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which dossiers; None is all. `now` is hub time."""

    now: datetime
    statuses: frozenset[int] | None = None
    procedure: str | None = None
    due_before: datetime | None = None
    overdue: bool | None = None

    @property
    def possible(self) -> frozenset[int] | None:
        """The statuses that can be shown; None when the filter does not bound them."""
        if self.overdue is not True:
            return self.statuses
        return (frozenset(STATUSES) if self.statuses is None else self.statuses) - FINAL

    def fits(self, shown: View) -> bool:
        """What depends on more than the row itself."""
        if self.statuses is not None and shown.stamp.status not in self.statuses:
            return False
        return self.overdue is None or rules.is_overdue(shown, self.now) is self.overdue


async def newest(
    conn: Connection, holder: str, wanted: Filter, *, after: Place | None, limit: int
) -> tuple[list[View], Place | None]:
    """At most so many dossiers behind the place, and the place behind which there are more."""
    found: list[View] = []
    while len(found) <= limit:
        rows = await _candidates(conn, holder, wanted, after=after, limit=limit + 1)
        steps = await _own_steps(conn, holder, [held.code for held in rows])
        views = [rules.view(held, steps.get(held.code, ())) for held in rows]
        found += [shown for shown in views if wanted.fits(shown)]
        if len(rows) <= limit:
            break
        after = rows[-1].created_at, rows[-1].code
    page = found[:limit]
    more = len(found) > limit
    return page, (page[-1].held.created_at, page[-1].held.code) if more else None


async def _candidates(conn: Connection, holder: str, wanted: Filter, *, after: Place | None, limit: int) -> list[Held]:
    values: dict[str, Any] = {"holder": holder, "limit": limit}
    conditions = _conditions(wanted, values)
    if after is not None:
        conditions.append("(d.created_at, d.code) < (:after_at, :after_code)")
        values |= {"after_at": after[0], "after_code": after[1]}
    where = " AND ".join(conditions)
    if wanted.possible is None:
        query = f"SELECT {_ROW} FROM dossier d WHERE {where} {_LAST}"  # noqa: S608 - values are bound
    else:
        values["statuses"] = sorted(wanted.possible)
        query = _by_status(where)
    return [store.held_of(row) for row in (await conn.execute(text(query), values)).mappings()]


def _conditions(wanted: Filter, values: dict[str, Any]) -> list[str]:
    conditions = ["d.holder = :holder"]
    if wanted.procedure is not None:
        conditions.append("d.procedure = :procedure")
        values["procedure"] = wanted.procedure
    if wanted.due_before is not None:
        conditions.append("d.due_at < :due_before")
        values["due_before"] = wanted.due_before
    if wanted.overdue is True:
        conditions.append("d.due_at < :now AND NOT d.refused")
        values["now"] = wanted.now
    elif wanted.overdue is False:
        final = ", ".join(str(int(status)) for status in sorted(FINAL))
        waiting = f"EXISTS (SELECT FROM dossier_entry e WHERE {_WAITING} AND e.code = d.code AND e.status IN ({final}))"
        conditions.append(f"(d.due_at IS NULL OR d.due_at >= :now OR d.refused OR d.status IN ({final}) OR {waiting})")
        values["now"] = wanted.now
    return conditions


def _by_status(where: str) -> str:
    """The newest of each status, which an index has in order, and those an act on its way would bring there."""
    return f"""
        SELECT {_ROW} FROM (
            SELECT of_status.created_at, of_status.code FROM unnest(CAST(:statuses AS smallint[])) AS s(status)
             CROSS JOIN LATERAL (
                   SELECT d.created_at, d.code FROM dossier d WHERE {where} AND d.status = s.status {_LAST}) of_status
             UNION
            SELECT d.created_at, d.code FROM dossier_entry e JOIN dossier d USING (holder, code)
             WHERE {_WAITING} AND e.status = ANY(CAST(:statuses AS smallint[])) AND {where}
            {_LAST}) found
          JOIN dossier d ON d.holder = :holder AND d.code = found.code
         ORDER BY d.created_at DESC, d.code DESC
    """  # noqa: S608 - values are bound


async def _own_steps(conn: Connection, holder: str, codes: Sequence[str]) -> dict[str, list[Entry]]:
    """The organ's own steps of those dossiers where one is waiting, oldest first."""
    found: dict[str, list[Entry]] = {}
    if codes:
        rows = await conn.execute(_STEPS, {"holder": holder, "codes": list(codes)})
        for row in rows.mappings():
            found.setdefault(row["code"], []).append(store.entry_of(row))
    return found
