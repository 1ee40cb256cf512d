"""Queries over transfers, their deliveries and the answers to them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text

from services.kernel import bulk
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.kernel.messaging.records import Identity
from services.kernel.partitions import Rule
from services.office.doors import Answer
from services.office.keeping import Cutoff
from services.office.transfers.model import ANSWER, ANSWER_PARTS, DELIVERY, DELIVERY_PARTS, TRANSFER, TRANSFER_PARTS
from services.office.transfers.rules import RANK, Report, Transfer

_REPORTED = ("delivery", "redirected_from", "via", "state", "code", "handed_over_at", "expired_at")
_COLUMNS = ("transfer", "holder", "organ", *_REPORTED)
_RANKS = "ARRAY[" + ", ".join(f"'{state}'" for state in RANK) + "]"
_WINS = f"array_position({_RANKS}, excluded.state) >= array_position({_RANKS}, d.state)"

_MERGE = f"""
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
"""  # noqa: S608 - constant text

_STATE = """
    UPDATE transfer t SET state = r.state, verdict = coalesce(t.verdict, r.verdict)
      FROM (SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:holders AS text[]), CAST(:states AS text[]),
                                 CAST(:verdicts AS bytea[])) AS u(id, holder, state, verdict) ORDER BY id, holder) r
     WHERE t.id = r.id AND t.holder = r.holder AND t.role = 'sender' AND t.state = 'accepted'
"""

_OWN_COLUMNS = ("id", "holder", "source", "type", "subject", "sender", "role", "state", "accepted_at", "verdict")
_ANSWERED = ("organ", "answer", "code", "at", "description")
_OWN = f"""
    SELECT ROW({", ".join(f"t.{name}" for name in _OWN_COLUMNS)},
               ARRAY(SELECT ROW(d.organ, {", ".join(f"d.{name}" for name in _REPORTED)}) FROM transfer_delivery d
                      WHERE d.transfer = t.id AND d.holder = t.holder),
               ARRAY(SELECT ROW({", ".join(f"a.{name}" for name in _ANSWERED)}) FROM transfer_answer a
                      WHERE a.transfer = t.id AND a.holder = t.holder ORDER BY a.at, a.arrival))
      FROM unnest(CAST(:ids AS text[]), CAST(:sources AS text[])) AS r(id, source)
      JOIN transfer t ON t.id = r.id AND t.source = r.source AND t.role = 'sender'
"""  # noqa: S608 - constant text

_ONE = text("SELECT * FROM transfer WHERE id = :id AND holder = :holder")
_DELIVERIES = text("""
    SELECT * FROM transfer_delivery WHERE transfer = :id AND holder = :holder AND state <> 'redirected' ORDER BY organ
""")
_ANSWERS = text("""
    SELECT transfer, holder, organ, answer, code, at, description
      FROM transfer_answer WHERE transfer = :id AND holder = :holder ORDER BY at, arrival
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


def insert(writes: Writes, transfers: Sequence[Transfer]) -> None:
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
    writes.insert(TRANSFER, rows, "ON CONFLICT (id, holder) DO NOTHING")


def merge(writes: Writes, reports: Sequence[Report]) -> None:
    """Takes reports that are distinct by transfer, holder and organ; as `rules.later` does with what is there."""
    if reports:
        writes.add(_MERGE, {name: [getattr(report, name) for report in reports] for name in _COLUMNS})


def set_states(writes: Writes, states: Mapping[Key, tuple[str, bytes | None]]) -> None:
    """Moves own transfers on from `accepted`, with the verdict on those refused; those further along stay."""
    if states:
        writes.add(
            _STATE,
            {
                "ids": [key.id for key in states],
                "holders": [key.holder for key in states],
                "states": [state for state, _ in states.values()],
                "verdicts": [verdict for _, verdict in states.values()],
            },
        )


def own(reads: Reads, identities: Sequence[Identity]) -> Sequence[tuple[Any, ...]]:
    """Reads the transfers this office sent among these; `own_of` makes them of what is found."""
    if not identities:
        return ()
    return reads.add(_OWN, {"ids": [each.id for each in identities], "sources": [each.source for each in identities]})


def own_of(found: Sequence[tuple[Any, ...]]) -> list[Transfer]:
    """With all their deliveries, those `redirected` too, and answers."""
    transfers = []
    for *values, told, answers in found:
        transfer = _transfer(dict(zip(_OWN_COLUMNS, values, strict=True)))
        names: dict[str, Any] = {"transfer": transfer.id, "holder": transfer.holder}
        deliveries = [Report(**names, **dict(zip(("organ", *_REPORTED), each, strict=True))) for each in told]
        given = [Answer(**names, **dict(zip(_ANSWERED, each, strict=True))) for each in answers]
        transfers.append(replace(transfer, deliveries=tuple(deliveries), answers=tuple(given)))
    return transfers


async def one(conn: Connection, key: Key) -> Transfer | None:
    """With deliveries and answers."""
    row = (await conn.execute(_ONE, {"id": key.id, "holder": key.holder})).mappings().one_or_none()
    if row is None:
        return None
    names = {"id": key.id, "holder": key.holder}
    deliveries = [Report(**each) for each in (await conn.execute(_DELIVERIES, names)).mappings()]
    answers = [Answer(**each) for each in (await conn.execute(_ANSWERS, names)).mappings()]
    return replace(_transfer(row), deliveries=tuple(deliveries), answers=tuple(answers))


def add_answers(writes: Writes, answers: Sequence[Answer]) -> None:
    """Officers' acts on own transfers; the same answer is kept once."""
    rows = [asdict(answer) for answer in answers]
    writes.insert(ANSWER, rows, "ON CONFLICT (transfer, holder, organ, answer) DO NOTHING")


def rules(cutoff: Cutoff) -> list[Rule]:
    """An old transfer goes when nothing of it is open; what hangs on it goes after it."""
    return [
        Rule(TRANSFER_PARTS, cutoff.machine, (cutoff.younger("accepted_at"), *_OPEN)),
        Rule(DELIVERY_PARTS, cutoff.machine, (_OF_A_TRANSFER,)),
        Rule(ANSWER_PARTS, cutoff.machine, (_OF_A_TRANSFER,)),
    ]


def _transfer(row: Mapping[str, Any]) -> Transfer:
    fields = dict(row)
    fields["verdict"] = orjson.loads(fields["verdict"]) if fields["verdict"] else None
    return Transfer(**fields)
