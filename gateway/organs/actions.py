"""Changes of the organ directory, each marked in the audit. Copies in memory follow the database (snapshot.py)."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.directory import Directory
from contracts.identifiers import organ_key
from contracts.messages.registry import OrganChanged
from contracts.problems import HubError
from gateway.audit.actions import Act, Entry, record, told
from gateway.organs import store
from gateway.organs.importing import Plan
from gateway.organs.model import REGISTRY
from gateway.organs.rules import Scene, brought, canonical, judge, search_text, with_entry
from gateway.organs.sheet import Row
from gateway.organs.snapshot import OrganSnapshot
from gateway.registries import actions as registries
from gateway.registries import store as entries
from gateway.registries.actions import Saved
from services.kernel.connection import Connection

KIND = "organ"
DIRECTORY_KIND = "directory"

Edit = Callable[[OrganChanged | None], OrganChanged]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Lines to be imported, and how."""

    rows: Sequence[Row]
    digest: str
    partial: bool = False
    dry_run: bool = False

    @classmethod
    def of(cls, rows: Sequence[Row], data: bytes, *, partial: bool, dry_run: bool) -> "Sheet":
        return cls(rows, hashlib.sha256(data).hexdigest(), partial, dry_run)


async def load(conn: Connection, organs: Iterable[OrganChanged], *, by: Act) -> int:
    """Takes these organs as they are given; tells how many were new or differed, and so got the next version.

    Organs that are not given stay: an organ is closed by its `valid_to`, never removed. Of two with the same code the
    last counts.
    """
    return len(await _save(conn, organs, by))


async def change(
    conn: Connection, snapshot: OrganSnapshot, code: str, edit: Edit, *, by: Act, action: str | None = None
) -> tuple[OrganChanged, bool]:
    """The organ as `edit` makes it of the one with that code, which nobody else changes meanwhile; and whether it is
    new. What does not fit the rest of the directory is refused with its place."""
    await entries.lock(conn)
    await snapshot.refresh(conn)
    held = own(snapshot.directory, code)
    new = await asyncio.to_thread(_judged, snapshot.directory, edit(held), held)
    saved = await _save(conn, [new], by, action)
    return (saved[0].payload if saved else new), held is None


async def import_sheet(
    conn: Connection, snapshot: OrganSnapshot, sheet: Sheet, *, by: Act
) -> tuple[dict[str, Any], bool]:
    """The report, and whether the sheet was taken: as a whole, or with `partial` what was good of it."""
    if not sheet.dry_run:
        await entries.lock(conn)
    await snapshot.refresh(conn)
    # thousands of lines would hold up everybody else of this process
    plan = await asyncio.to_thread(Plan, sheet.rows, list(snapshot.directory), partial=sheet.partial)
    report = plan.report(dry_run=sheet.dry_run)
    if sheet.dry_run:
        return report, True
    if plan.refused and not sheet.partial:
        return report, False
    saved = await _save(conn, plan.entries, by)
    if saved:
        counts = {name: report[name] for name in ("lines", "created", "changed", "unchanged", "refused")}
        await record(conn, by, [Entry("organ.imported", DIRECTORY_KIND, sheet.digest, after=told(**counts))])
    return report, True


def own(directory: Directory, code: str) -> OrganChanged | None:
    """The organ whose own code this is, whatever else the code means."""
    key = organ_key(code)
    return next((organ for organ in directory if organ_key(organ.code) == key), None)


def _judged(directory: Directory, organ: OrganChanged, held: OrganChanged | None) -> OrganChanged:
    scene = Scene(with_entry(directory, organ))
    new = canonical(organ, scene)
    if new == held:
        return new
    scene.organs[organ_key(new.code)] = new
    faults = judge(new, scene, held)
    if faults and held is not None:
        faults = brought(faults, new, held, Scene(with_entry(directory, held)))
    if faults:
        raise HubError("request.invalid", faults[0].problem, pointer=faults[0].pointer)
    return new


async def _save(
    conn: Connection, organs: Iterable[OrganChanged], by: Act, action: str | None = None
) -> list[Saved[OrganChanged]]:
    given = {organ_key(organ.code): organ for organ in organs}
    changed = await registries.save(conn, REGISTRY, given, _columns)
    await store.replace_superiors(conn, [saved.payload for saved in changed])
    await record(
        conn,
        by,
        [
            Entry(
                action or ("organ.changed" if saved.before else "organ.created"),
                KIND,
                saved.key,
                saved.before,
                saved.after,
            )
            for saved in changed
        ],
    )
    return changed


def _columns(organ: OrganChanged) -> dict[str, object]:
    return {
        "level": organ.level.value,
        "home": organ.home,
        "search": search_text(organ),
        "valid_from": organ.valid_from,
        "valid_to": organ.valid_to,
    }
