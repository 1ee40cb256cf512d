"""Queries over documents and the status steps of them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.statuses import DocumentStatus
from services.kernel import bulk
from services.office.documents.model import DOCUMENT, STATUS
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
    def box(self) -> str:
        return "out" if self.holder == self.sender else "in"


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

_STEPS = text("""
    SELECT transfer, organ, code, at, description, targets FROM document_status
     WHERE holder = :holder AND document = :id AND NOT refused ORDER BY position
""")

_REFUSE_DOCUMENTS = text("""
    UPDATE document d SET refused = true
      FROM unnest(CAST(:holders AS text[]), CAST(:ids AS text[]), CAST(:transfers AS text[])) AS r(holder, id, transfer)
     WHERE d.holder = r.holder AND d.id = r.id AND d.transfer = r.transfer AND d.sender = d.holder
""")

_REFUSE_STEPS = text("""
    UPDATE document_status s SET refused = true
      FROM unnest(CAST(:holders AS text[]), CAST(:ids AS text[]), CAST(:transfers AS text[])) AS r(holder, id, transfer)
     WHERE s.holder = r.holder AND s.document = r.id AND s.transfer = r.transfer AND s.organ = s.holder
""")


async def find(conn: AsyncConnection, places: Collection[Place]) -> dict[Place, Held]:
    """Those that are there."""
    if not places:
        return {}
    wanted = {"holders": [place.holder for place in places], "ids": [place.id for place in places]}
    rows = (await conn.execute(_FIND, wanted)).mappings()
    return {Place(held.holder, held.id): held for held in map(_held, rows)}


async def find_by_code(
    conn: AsyncConnection, holder: str, *, sender: str, code: str, promulgated_on: date | None
) -> list[Held]:
    """The newest of the sender's documents with this number and notation, two at most: enough to see a doubt."""
    names = {"holder": holder, "sender": sender, "code": code, "day": promulgated_on}
    return [_held(row) for row in (await conn.execute(_BY_CODE, names)).mappings()]


async def put_own(conn: AsyncConnection, held: Held) -> None:
    """The sender's row; takes the place of one the gateway refused, and of no other."""
    await bulk.insert_many(conn, DOCUMENT, [_row(held)], _OVER_REFUSED)


async def put_received(conn: AsyncConnection, documents: Sequence[Held]) -> None:
    """Rows of recipients; one that is there already is only noted to have come."""
    distinct = {Place(held.holder, held.id): held for held in documents}
    await bulk.insert_many(conn, DOCUMENT, [_row(held) for held in distinct.values()], _ALSO_RECEIVED)


async def steps(conn: AsyncConnection, place: Place) -> list[Step]:
    """In order of arrival, without those the gateway refused."""
    rows = await conn.execute(_STEPS, {"holder": place.holder, "id": place.id})
    return [
        Step(
            transfer=row.transfer,
            organ=row.organ,
            code=DocumentStatus(row.code),
            at=row.at,
            description=row.description,
            targets=_split(row.targets),
        )
        for row in rows
    ]


async def add_steps(conn: AsyncConnection, added: Sequence[tuple[Place, Step]]) -> None:
    """In the order given; one that is there already stays as it is."""
    rows = [
        asdict(step)
        | {"holder": place.holder, "document": place.id, "code": step.code.value, "targets": ",".join(step.targets)}
        for place, step in added
    ]
    await bulk.insert_many(conn, STATUS, rows, "ON CONFLICT (holder, document, transfer) DO NOTHING")


async def refuse_documents(conn: AsyncConnection, told: Iterable[tuple[Place, str]]) -> None:
    """The gateway refused these transfers of own documents; a row issued anew meanwhile stays as it is."""
    await _refuse(conn, _REFUSE_DOCUMENTS, told)


async def refuse_steps(conn: AsyncConnection, told: Iterable[tuple[Place, str]]) -> None:
    """The gateway refused these transfers of own status steps."""
    await _refuse(conn, _REFUSE_STEPS, told)


async def _refuse(conn: AsyncConnection, statement: Any, told: Iterable[tuple[Place, str]]) -> None:
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


def _row(held: Held) -> dict[str, Any]:
    return {name: getattr(held, name) for name in _COLUMNS} | {"recipients": ",".join(held.recipients)}


def _held(row: RowMapping) -> Held:
    return Held(**{**row, "recipients": _split(row["recipients"])})


def _split(text_: str) -> tuple[str, ...]:
    return tuple(part for part in text_.split(",") if part)
