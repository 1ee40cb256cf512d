"""Queries over transfers, their deliveries and the answers to them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import NamedTuple

import orjson
from sqlalchemy import RowMapping, text

from services.kernel import bulk
from services.kernel.database import Connection
from services.kernel.messaging.records import Identity
from services.kernel.partitions import Rule
from services.office.keeping import Cutoff
from services.office.transfers.model import ANSWER, ANSWER_PARTS, DELIVERY, DELIVERY_PARTS, TRANSFER, TRANSFER_PARTS
from services.office.transfers.rules import RANK, Answer, Report, Transfer

_REPORTED = ("delivery", "redirected_from", "via", "state", "code", "handed_over_at", "expired_at")
_COLUMNS = ("transfer", "holder", "organ", *_REPORTED)
_RANKS = "ARRAY[" + ", ".join(f"'{state}'" for state in RANK) + "]"
_WINS = f"array_position({_RANKS}, excluded.state) >= array_position({_RANKS}, d.state)"

_MERGE = text(f"""
    INSERT INTO transfer_delivery AS d ({", ".join(_COLUMNS)})
    SELECT {", ".join(_COLUMNS)} FROM {bulk.unnest(DELIVERY, _COLUMNS)} ORDER BY transfer, holder, organ
    ON CONFLICT (transfer, holder, organ) DO UPDATE SET
        delivery = coalesce(excluded.delivery, d.delivery),
        redirected_from = coalesce(excluded.redirected_from, d.redirected_from),
        handed_over_at = coalesce(d.handed_over_at, excluded.handed_over_at),
        expired_at = coalesce(d.expired_at, excluded.expired_at),
        via = CASE WHEN {_WINS} THEN excluded.via ELSE d.via END,
        code = CASE WHEN {_WINS} THEN excluded.code ELSE d.code END,
        state = CASE WHEN {_WINS} THEN excluded.state ELSE d.state END
""")  # noqa: S608 - constant text

_STATE = text("""
    UPDATE transfer t SET state = CAST(:state AS text), verdict = coalesce(t.verdict, r.verdict)
      FROM (SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:holders AS text[]), CAST(:verdicts AS bytea[]))
                   AS u(id, holder, verdict) ORDER BY id, holder) r
     WHERE t.id = r.id AND t.holder = r.holder AND t.role = 'sender' AND t.state = 'accepted'
""")

_OWN = text("""
    SELECT t.* FROM unnest(CAST(:ids AS text[]), CAST(:sources AS text[])) AS r(id, source)
      JOIN transfer t ON t.id = r.id AND t.source = r.source AND t.role = 'sender'
""")

_ONE = text("SELECT * FROM transfer WHERE id = :id AND holder = :holder")
_DELIVERIES = text("""
    SELECT d.* FROM unnest(CAST(:ids AS text[]), CAST(:holders AS text[])) AS r(id, holder)
      JOIN transfer_delivery d ON d.transfer = r.id AND d.holder = r.holder AND d.state <> 'redirected'
     ORDER BY d.transfer, d.holder, d.organ
""")
_ANSWERS = text("""
    SELECT a.transfer, a.holder, a.organ, a.answer, a.code, a.at, a.description
      FROM unnest(CAST(:ids AS text[]), CAST(:holders AS text[])) AS r(id, holder)
      JOIN transfer_answer a ON a.transfer = r.id AND a.holder = r.holder ORDER BY a.at, a.arrival
""")

_OPEN = (
    "p.state = 'accepted'",
    """p.state = 'routed' AND EXISTS (
        SELECT FROM transfer_delivery d WHERE d.transfer = p.id AND d.holder = p.holder AND d.state = 'open')""",
)
_OF_A_TRANSFER = """EXISTS (
    SELECT FROM transfer t
     WHERE t.id = p.transfer AND t.holder = p.holder AND t.id >= :lower AND t.id < :upper)"""


class Key(NamedTuple):
    """A transfer as one organ holds it."""

    id: str
    holder: str


async def insert(conn: Connection, transfers: Sequence[Transfer]) -> None:
    """One that is there already stays as it is."""
    rows = [
        {
            "id": transfer.id,
            "holder": transfer.holder,
            "source": transfer.source,
            "type": transfer.type,
            "subject": transfer.subject,
            "sender": transfer.sender,
            "role": transfer.role,
            "state": transfer.state,
            "accepted_at": transfer.accepted_at,
        }
        for transfer in transfers
    ]
    await bulk.insert_many(conn, TRANSFER, rows, "ON CONFLICT (id, holder) DO NOTHING")


async def merge(conn: Connection, reports: Sequence[Report]) -> None:
    """Takes reports that are distinct by transfer, holder and organ; a lesser state never replaces a greater."""
    if not reports:
        return
    await conn.execute(_MERGE, {name: [getattr(report, name) for report in reports] for name in _COLUMNS})


async def set_state(conn: Connection, state: str, verdicts: Mapping[Key, bytes | None]) -> None:
    """Moves own transfers on from `accepted`; those further along stay."""
    if verdicts:
        await conn.execute(
            _STATE,
            {
                "state": state,
                "ids": [key.id for key in verdicts],
                "holders": [key.holder for key in verdicts],
                "verdicts": list(verdicts.values()),
            },
        )


async def own(conn: Connection, identities: Collection[Identity]) -> dict[str, Transfer]:
    """Transfers this office sent, by id, without deliveries."""
    if not identities:
        return {}
    rows = await conn.execute(
        _OWN, {"ids": [each.id for each in identities], "sources": [each.source for each in identities]}
    )
    return {row["id"]: _transfer(row) for row in rows.mappings()}


async def one(conn: Connection, key: Key) -> Transfer | None:
    """With deliveries and answers."""
    row = (await conn.execute(_ONE, {"id": key.id, "holder": key.holder})).mappings().one_or_none()
    if row is None:
        return None
    return (await complete(conn, [_transfer(row)]))[0]


async def complete(conn: Connection, transfers: Sequence[Transfer]) -> list[Transfer]:
    """The transfers as they stand now with their deliveries and answers."""
    if not transfers:
        return []
    keys = {"ids": [each.id for each in transfers], "holders": [each.holder for each in transfers]}
    deliveries: dict[Key, list[Report]] = {}
    for row in (await conn.execute(_DELIVERIES, keys)).mappings():
        deliveries.setdefault(Key(row["transfer"], row["holder"]), []).append(Report(**row))
    answers: dict[Key, list[Answer]] = {}
    for row in (await conn.execute(_ANSWERS, keys)).mappings():
        answers.setdefault(Key(row["transfer"], row["holder"]), []).append(Answer(**row))
    return [
        replace(
            each,
            deliveries=tuple(deliveries.get(Key(each.id, each.holder), ())),
            answers=tuple(answers.get(Key(each.id, each.holder), ())),
        )
        for each in transfers
    ]


async def add_answers(conn: Connection, answers: Sequence[Answer]) -> None:
    """Officers' acts on own transfers; the same answer is kept once."""
    rows = [asdict(answer) for answer in answers]
    await bulk.insert_many(conn, ANSWER, rows, "ON CONFLICT (transfer, holder, organ, answer) DO NOTHING")


def rules(cutoff: Cutoff) -> list[Rule]:
    """An old transfer goes when nothing of it is open; what hangs on it goes after it."""
    return [
        Rule(TRANSFER_PARTS, cutoff.machine, (cutoff.younger("accepted_at"), *_OPEN)),
        Rule(DELIVERY_PARTS, cutoff.machine, (_OF_A_TRANSFER,)),
        Rule(ANSWER_PARTS, cutoff.machine, (_OF_A_TRANSFER,)),
    ]


def _transfer(row: RowMapping) -> Transfer:
    fields = dict(row)
    fields["verdict"] = orjson.loads(fields["verdict"]) if fields["verdict"] else None
    return Transfer(**fields)
