"""Queries over documents, the status steps of them, and their recalls, updates and replacements."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from unicodedata import normalize

from sqlalchemy import text

from contracts.statuses import DocumentStatus
from services.kernel import bulk
from services.kernel.connection import Connection
from services.office.documents.course import Change, Kind
from services.office.documents.model import CHANGE, DOCUMENT, REPLACEMENT, STATUS
from services.office.documents.rules import Step


class Place(NamedTuple):
    """A document as one organ holds it."""

    holder: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A row of `document`; `recipients` are set at the sender only."""

    holder: str
    id: str
    document_id: str
    sender: str
    code: str
    promulgated_on: date | None
    transfer: str
    issued: bytes
    digest: str
    created_at: datetime
    recipients: tuple[str, ...] = ()
    received: bool = False
    refused: bool = False

    @property
    def place(self) -> Place:
        return Place(self.holder, self.id)

    @property
    def box(self) -> str:
        return "out" if self.holder == self.sender else "in"


class Position(NamedTuple):
    """A row's place in its holder's list, newest first."""

    created_at: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which documents of a holder; `after` is the last row seen."""

    boxes: tuple[str, ...] = ("out", "in")
    document_id: str | None = None
    since: datetime | None = None
    after: Position | None = None


class Other(NamedTuple):
    """Another document, as callers may name it."""

    id: str
    document_id: str


_COLUMNS = tuple(field.name for field in fields(Held))
_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in ("holder", "id"))
_OVER_REFUSED = f"ON CONFLICT (holder, id) DO UPDATE SET {_REPLACED} WHERE document.refused"
_ALSO_RECEIVED = "ON CONFLICT (holder, id) DO UPDATE SET received = true WHERE NOT document.received"

_FIND = text("""
    SELECT d.* FROM unnest(CAST(:holders AS text[]), CAST(:ids AS text[])) AS p(holder, id)
      JOIN document d ON d.holder = p.holder AND d.id = p.id
""")

_BY_CODE = text("""
    SELECT * FROM document
     WHERE holder = :holder AND sender = :sender AND code = :code AND NOT refused
       AND (CAST(:day AS date) IS NULL OR promulgated_on = CAST(:day AS date))
     ORDER BY created_at DESC LIMIT 2
""")

_PLACES = "unnest(CAST(:holders AS text[]), CAST(:ids AS text[])) AS p(holder, id)"

_STEPS = text(f"""
    SELECT s.holder, s.document, s.transfer, s.organ, s.code, s.at, s.description, s.targets, s.answers FROM {_PLACES}
      JOIN document_status s ON s.holder = p.holder AND s.document = p.id AND NOT s.refused ORDER BY s.position
""")  # noqa: S608 - constant text

_CHANGES = text(f"""
    SELECT c.* FROM {_PLACES}
      JOIN document_change c ON c.holder = p.holder AND c.document = p.id AND NOT c.refused ORDER BY c.position
""")  # noqa: S608 - constant text

_REPLACED_BY = text(f"""
    SELECT r.holder, r.replaced, d.id, d.document_id FROM {_PLACES}
      JOIN document_replacement r ON r.holder = p.holder AND r.replaced = p.id
      JOIN document d ON d.holder = r.holder AND d.id = r.replacement AND d.transfer = r.transfer AND NOT d.refused
     ORDER BY d.created_at, d.id
""")  # noqa: S608 - constant text

_BOX = """
    (SELECT * FROM document WHERE {conditions} ORDER BY created_at DESC, id DESC LIMIT :limit)
"""
_FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
"""Ids are stored as they were sent, and found in either normal form."""
_SIDES = {"out": "own", "in": "NOT own"}

_REFUSE_DOCUMENTS = text("""
    UPDATE document d SET refused = true
      FROM unnest(CAST(:holders AS text[]), CAST(:ids AS text[]), CAST(:transfers AS text[])) AS r(holder, id, transfer)
     WHERE d.holder = r.holder AND d.id = r.id AND d.transfer = r.transfer AND d.sender = d.holder
""")

_REFUSE_CHANGES = text("""
    UPDATE document_change c SET refused = true
      FROM unnest(CAST(:holders AS text[]), CAST(:ids AS text[]), CAST(:transfers AS text[])) AS r(holder, id, transfer)
     WHERE c.holder = r.holder AND c.document = r.id AND c.transfer = r.transfer
""")

_REFUSE_STEPS = text("""
    UPDATE document_status s SET refused = true
      FROM unnest(CAST(:holders AS text[]), CAST(:ids AS text[]), CAST(:transfers AS text[])) AS r(holder, id, transfer)
     WHERE s.holder = r.holder AND s.document = r.id AND s.transfer = r.transfer AND s.organ = s.holder
""")


async def find(conn: Connection, places: Collection[Place]) -> dict[Place, Held]:
    """Those that are there."""
    if not places:
        return {}
    rows = (await conn.execute(_FIND, _wanted(places))).mappings()
    return {held.place: held for held in map(_held, rows)}


async def page(conn: Connection, holder: str, wanted: Wanted, limit: int) -> list[Held]:
    """Newest first. A condition nobody asked for is left out: each of the others is then the index's."""
    bound: dict[str, Any] = {"holder": holder, "limit": limit}
    conditions = ["holder = :holder"]
    if wanted.document_id is not None:
        bound["document_ids"] = [wanted.document_id, *(normalize(form, wanted.document_id) for form in _FORMS)]
        conditions.append("document_id = ANY(CAST(:document_ids AS text[]))")
    if wanted.since is not None:
        bound["since"] = wanted.since
        conditions.append("created_at >= :since")
    if wanted.after is not None:
        bound |= {"before": wanted.after.created_at, "before_id": wanted.after.id}
        conditions.append("(created_at, id) < (:before, :before_id)")
    boxes = [_BOX.format(conditions=" AND ".join([*conditions, _SIDES[box]])) for box in wanted.boxes]
    # put together from words of ours; all that callers say is bound
    query = text(f"SELECT * FROM ({' UNION ALL '.join(boxes)}) AS d ORDER BY created_at DESC, id DESC LIMIT :limit")  # noqa: S608
    return [_held(row) for row in (await conn.execute(query, bound)).mappings()]


async def find_by_code(
    conn: Connection, holder: str, *, sender: str, code: str, promulgated_on: date | None
) -> list[Held]:
    """The newest of the sender's documents with this number and notation, two at most: enough to see a doubt."""
    names = {"holder": holder, "sender": sender, "code": code, "day": promulgated_on}
    return [_held(row) for row in (await conn.execute(_BY_CODE, names)).mappings()]


async def put_own(conn: Connection, held: Held) -> None:
    """The sender's row; takes the place of one the gateway refused, and of no other."""
    await bulk.insert_many(conn, DOCUMENT, [_row(held)], _OVER_REFUSED)


async def put_received(conn: Connection, documents: Sequence[Held]) -> None:
    """Rows of recipients; one that is there already is only noted to have come."""
    distinct = {Place(held.holder, held.id): held for held in documents}
    await bulk.insert_many(conn, DOCUMENT, [_row(held) for held in distinct.values()], _ALSO_RECEIVED)


async def steps(conn: Connection, place: Place) -> list[Step]:
    """In order of arrival, without those the gateway refused."""
    return (await steps_of(conn, [place]))[place]


async def steps_of(conn: Connection, places: Collection[Place]) -> dict[Place, list[Step]]:
    """The same for many; every place is there."""
    found: dict[Place, list[Step]] = {place: [] for place in places}
    for row in await conn.execute(_STEPS, _wanted(places)) if places else ():
        step = Step(
            transfer=row.transfer,
            organ=row.organ,
            code=DocumentStatus(row.code),
            at=row.at,
            description=row.description,
            targets=_split(row.targets),
            answers=_split(row.answers),
        )
        found[Place(row.holder, row.document)].append(step)
    return found


async def changes_of(conn: Connection, places: Collection[Place]) -> dict[Place, list[Change]]:
    """Recalls and updates in order of arrival, without those the gateway refused; every place is there."""
    found: dict[Place, list[Change]] = {place: [] for place in places}
    for row in await conn.execute(_CHANGES, _wanted(places)) if places else ():
        change = Change(
            transfer=row.transfer,
            kind=Kind(row.kind),
            at=row.at,
            organs=_split(row.organs),
            added=_split(row.added),
            removed=_split(row.removed),
            value=row.value,
        )
        found[Place(row.holder, row.document)].append(change)
    return found


async def replaced_by(conn: Connection, places: Collection[Place]) -> dict[Place, Other]:
    """The newest document each was replaced by, where the holder has it; the others are left out."""
    rows = await conn.execute(_REPLACED_BY, _wanted(places)) if places else ()
    return {Place(row.holder, row.replaced): Other(row.id, row.document_id) for row in rows}


async def add_changes(conn: Connection, added: Sequence[tuple[Place, Change]]) -> None:
    """In the order given; one that is there already stays as it is."""
    rows = [
        {
            "holder": place.holder,
            "document": place.id,
            "transfer": change.transfer,
            "kind": change.kind.value,
            "at": change.at,
            "organs": ",".join(change.organs),
            "added": ",".join(change.added),
            "removed": ",".join(change.removed),
            "value": change.value,
        }
        for place, change in added
    ]
    await bulk.insert_many(conn, CHANGE, rows, "ON CONFLICT (holder, document, transfer) DO NOTHING")


async def add_replacements(conn: Connection, replacing: Sequence[tuple[Held, Sequence[str]]]) -> None:
    """What each document of a holder replaces, by ids; none of them need be held."""
    rows = {
        (held.holder, replaced, held.id): {
            "holder": held.holder,
            "replaced": replaced,
            "replacement": held.id,
            "transfer": held.transfer,
        }
        for held, ids in replacing
        for replaced in ids
    }
    tail = bulk.upsert("holder", "replaced", "replacement", update=["transfer"])
    await bulk.insert_many(conn, REPLACEMENT, [rows[key] for key in sorted(rows)], tail)


async def add_steps(conn: Connection, added: Sequence[tuple[Place, Step]]) -> None:
    """In the order given; one that is there already stays as it is."""
    rows = [
        asdict(step)
        | {"holder": place.holder, "document": place.id, "code": step.code.value, "targets": ",".join(step.targets)}
        | {"answers": ",".join(step.answers)}
        for place, step in added
    ]
    await bulk.insert_many(conn, STATUS, rows, "ON CONFLICT (holder, document, transfer) DO NOTHING")


async def refuse_documents(conn: Connection, told: Iterable[tuple[Place, str]]) -> None:
    """The gateway refused these transfers of own documents; a row issued anew meanwhile stays as it is."""
    await _refuse(conn, _REFUSE_DOCUMENTS, told)


async def refuse_changes(conn: Connection, told: Iterable[tuple[Place, str]]) -> None:
    """The gateway refused these transfers of own recalls and updates."""
    await _refuse(conn, _REFUSE_CHANGES, told)


async def refuse_steps(conn: Connection, told: Iterable[tuple[Place, str]]) -> None:
    """The gateway refused these transfers of own status steps."""
    await _refuse(conn, _REFUSE_STEPS, told)


async def _refuse(conn: Connection, statement: Any, told: Iterable[tuple[Place, str]]) -> None:
    rows = list(told)
    if rows:
        await conn.execute(
            statement,
            {
                "holders": [place.holder for place, _ in rows],
                "ids": [place.id for place, _ in rows],
                "transfers": [transfer for _, transfer in rows],
            },
        )


def _wanted(places: Collection[Place]) -> dict[str, list[str]]:
    return {"holders": [place.holder for place in places], "ids": [place.id for place in places]}


def _row(held: Held) -> dict[str, Any]:
    return {name: getattr(held, name) for name in _COLUMNS} | {"recipients": ",".join(held.recipients)}


def _held(row: Mapping[str, Any]) -> Held:
    return Held(**{name: row[name] for name in _COLUMNS} | {"recipients": _split(row["recipients"])})


def _split(text_: str) -> tuple[str, ...]:
    return tuple(part for part in text_.split(",") if part)
