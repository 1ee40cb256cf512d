"""Documents as their holders see them: the fields in force, the state, the changes, whom an own one is with.

A handful of statements, however many documents are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from contracts.statuses import DocumentStatus
from services.kernel.connection import Connection
from services.office.documents import course, store
from services.office.documents.course import Change, Course, Reached, State
from services.office.documents.rules import Step, by_receiver, standing
from services.office.documents.store import Held, Other
from services.office.transfers import store as transfers_store


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A document as its holder sees it; `issued` is the payload in force, `version` the update that brought it."""

    held: Held
    issued: Mapping[str, Any]
    state: State
    steps: Sequence[Step] = ()
    changes: Sequence[Change] = ()
    version: Change | None = None
    own: Course = field(default_factory=Course)
    replaced_by: Other | None = None
    told: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    """The steps by receiver."""

    def at(self, organ: str) -> Course:
        """How the changes stand at a receiver."""
        return course.course(self.changes, self.told.get(organ, ()), organ)

    @property
    def first(self) -> Mapping[str, Any]:
        """The payload the holder got the document with."""
        parsed: dict[str, Any] = orjson.loads(self.held.issued)
        return parsed


async def look(conn: Connection, documents: Sequence[Held]) -> list[View]:
    """In the order given."""
    places = [held.place for held in documents]
    steps = await store.steps_of(conn, places)
    changes = await store.changes_of(conn, places)
    replaced = await store.replaced_by(conn, places)
    return [
        await _view(conn, held, steps[held.place], changes[held.place], replaced.get(held.place)) for held in documents
    ]


async def _view(
    conn: Connection, held: Held, steps: Sequence[Step], changes: Sequence[Change], replaced_by: Other | None
) -> View:
    told = by_receiver(steps)
    own = course.course(changes, told.get(held.holder, ()), held.holder)
    version = course.newest_update(changes) if held.box == "out" else own.version
    view = View(
        held=held,
        issued=orjson.loads(version.value if version else held.issued),
        state=State.CURRENT,
        steps=steps,
        changes=changes,
        version=version,
        own=own,
        replaced_by=replaced_by,
        told=told,
    )
    return replace(view, state=await _state(conn, view))


async def receivers(conn: Connection, held: Held, changes: Sequence[Change]) -> tuple[str, ...]:
    """Whom an own document is with as far as the gateway has told, else whom this office resolved."""
    told = await _told(conn, held, held.transfer)
    issued = tuple(each.organ for each in told if each.state not in course.LOST) if told else held.recipients
    later = {each.transfer: await _told(conn, held, each.transfer) for each in changes if each.added}
    return course.receivers(issued, changes, later)


async def _told(conn: Connection, held: Held, transfer: str) -> list[Reached]:
    """Nothing before the route is known: of the deliveries told ahead of it nothing follows about the others."""
    found = await transfers_store.one(conn, transfers_store.Key(transfer, held.holder))
    return [Reached(each.organ, each.state) for each in found.deliveries] if found and found.whole else []


async def _state(conn: Connection, view: View) -> State:
    held = view.held
    if held.refused:
        return State.REFUSED
    if view.replaced_by is not None:
        return State.REPLACED
    recalled = view.own.recalled
    if held.box == "out" and course.may_be_recalled(view.changes, view.steps):
        organs = await receivers(conn, held, view.changes)
        # who refused it at first has nothing to give back
        kept = [organ for organ in organs if not _has_refused(view.told.get(organ, ()), organ)]
        recalled = bool(kept) and all(view.at(organ).recalled for organ in kept)
    return State.RECALLED if recalled else State.CURRENT


def _has_refused(told: Sequence[Step], organ: str) -> bool:
    handling = standing(told, organ).handling
    return handling is not None and handling.code is DocumentStatus.REFUSED
