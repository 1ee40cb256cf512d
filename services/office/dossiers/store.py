"""Queries over dossiers and their steps. Whoever writes has locked the subject."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, text

from contracts.protocol import Offer, Stamp
from services.kernel import bulk
from services.kernel.database import Connection
from services.office.dossiers.model import DOSSIER, ENTRY, NUMBERS
from services.office.dossiers.rules import PENDING, Entry, Held

Key = tuple[str, str]
"""Holder and code."""

_KEYS = "unnest(CAST(:holders AS text[]), CAST(:codes AS text[])) AS k(holder, code)"
_ALL = tuple(column.name for column in DOSSIER.columns)
_COLUMNS = [name for name in _ALL if name not in ("holder", "code")]
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
_MOVING = ("parties", "papers", "status", "custodian", "epoch", "version", "offer", "giver", "taker", "refused")
_STATES = ", ".join(f"d.{name}" for name in _ALL if name != "submitted")

_LOAD = text(f"SELECT d.* FROM {_KEYS} JOIN dossier d USING (holder, code)")  # noqa: S608 - constant text
_LOAD_STATES = text(f"SELECT {_STATES} FROM {_KEYS} JOIN dossier d USING (holder, code)")  # noqa: S608
_LOAD_STATES_OF = text(f"SELECT {_STATES} FROM dossier d WHERE d.code = ANY(CAST(:codes AS text[]))")  # noqa: S608
_MOVE = text(f"""
    UPDATE dossier d SET {", ".join(f"{name} = n.{name}" for name in _MOVING)}
      FROM {bulk.unnest(DOSSIER, ("holder", "code", *_MOVING), "n")} WHERE d.holder = n.holder AND d.code = n.code
""")  # noqa: S608 - constant text
_HISTORY = text(
    f"SELECT e.* FROM {_KEYS} JOIN dossier_entry e USING (holder, code) ORDER BY e.position"  # noqa: S608
)
_PENDING = text("""
    SELECT e.transfer FROM unnest(CAST(:holders AS text[]), CAST(:codes AS text[]), CAST(:transfers AS text[]))
           AS t(holder, code, transfer)
      JOIN dossier_entry e USING (holder, code, transfer) WHERE e.state = 'pending'
""")
_JUDGE = text("""
    UPDATE dossier_entry e SET state = j.state, refusal = j.refusal
      FROM unnest(CAST(:holders AS text[]), CAST(:codes AS text[]), CAST(:transfers AS text[]),
                  CAST(:states AS text[]), CAST(:refusals AS text[])) AS j(holder, code, transfer, state, refusal)
     WHERE e.holder = j.holder AND e.code = j.code AND e.transfer = j.transfer AND e.state = 'pending'
""")
_STATE = text("""
    SELECT state, refusal FROM dossier_entry WHERE holder = :holder AND code = :code AND transfer = :transfer
""")
_NUMBER = text(f"SELECT nextval('{NUMBERS.name}')")


async def next_block(conn: Connection) -> range:
    """Numbers for dossier codes that nobody else has."""
    start = (await conn.execute(_NUMBER)).scalar_one()
    return range(start, start + (NUMBERS.increment or 1))


async def load(conn: Connection, keys: Collection[Key]) -> dict[Key, Held]:
    if not keys:
        return {}
    rows = await conn.execute(_LOAD, _arrays(keys))
    return {(row["holder"], row["code"]): held_of(row) for row in rows.mappings()}


async def load_states(conn: Connection, keys: Collection[Key]) -> dict[Key, Held]:
    """The same without what was submitted, which never changes and may be large: for `move`, not for `add`."""
    if not keys:
        return {}
    rows = await conn.execute(_LOAD_STATES, _arrays(keys))
    return {(row["holder"], row["code"]): held_of(row) for row in rows.mappings()}


async def load_states_of(conn: Connection, codes: Collection[str]) -> dict[Key, Held]:
    """The same for all who hold these dossiers here."""
    if not codes:
        return {}
    rows = await conn.execute(_LOAD_STATES_OF, {"codes": sorted(codes)})
    return {(row["holder"], row["code"]): held_of(row) for row in rows.mappings()}


async def add(conn: Connection, dossiers: Iterable[Held]) -> None:
    """Writes rows that are not there yet."""
    ordered = sorted(dossiers, key=lambda held: held.key)
    await bulk.insert_many(conn, DOSSIER, [_row(held) for held in ordered])


async def move(conn: Connection, dossiers: Iterable[Held]) -> None:
    """Brings stamps, parties and papers of known rows up to date; what was submitted is not touched."""
    rows = [_row(held) for held in dossiers]
    if rows:
        names = ("holder", "code", *_MOVING)
        await conn.execute(_MOVE, {name: [row[name] for row in rows] for name in names})


async def add_new(conn: Connection, dossiers: Sequence[Held]) -> set[Key]:
    """Writes own new dossiers; one whose code is in use (unless its submission was refused) is not among the result."""
    if not dossiers:
        return set()
    rows = [_row(held) for held in sorted(dossiers, key=lambda held: held.key)]
    result = await conn.execute(_ADD_NEW, bulk.arrays(rows))
    return {(row.holder, row.code) for row in result}


async def history(conn: Connection, keys: Collection[Key]) -> dict[Key, list[Entry]]:
    """Steps of each dossier, oldest first."""
    found: dict[Key, list[Entry]] = {key: [] for key in keys}
    for row in (await conn.execute(_HISTORY, _arrays(keys))).mappings():
        found[row["holder"], row["code"]].append(entry_of(row))
    return found


async def add_steps(conn: Connection, steps: Sequence[tuple[Key, Entry]]) -> None:
    """Adds steps in order; one that is known already stays as it is."""
    rows = [
        {"holder": holder, "code": code, **{name: getattr(entry, name) for name in Entry.__slots__}}
        for (holder, code), entry in steps
    ]
    await bulk.insert_many(conn, ENTRY, rows, "ON CONFLICT (holder, code, transfer) DO NOTHING")


async def pending(conn: Connection, steps: Collection[tuple[Key, str]]) -> set[str]:
    """Which of these own steps, by key and transfer, wait for word from the gateway."""
    named = {**_arrays([key for key, _ in steps]), "transfers": [transfer for _, transfer in steps]}
    return set((await conn.execute(_PENDING, named)).scalars())


async def judge(conn: Connection, verdicts: Mapping[tuple[Key, str], tuple[str, str | None]]) -> None:
    """Sets state and code of refusal of own pending steps, by key and transfer."""
    if verdicts:
        await conn.execute(
            _JUDGE,
            {
                "holders": [key[0] for key, _ in verdicts],
                "codes": [key[1] for key, _ in verdicts],
                "transfers": [transfer for _, transfer in verdicts],
                "states": [state for state, _ in verdicts.values()],
                "refusals": [refusal for _, refusal in verdicts.values()],
            },
        )


async def word_on(conn: Connection, key: Key, transfer: str) -> tuple[str, str | None]:
    """State of an own step and, if refused, the code."""
    row = (await conn.execute(_STATE, {"holder": key[0], "code": key[1], "transfer": transfer})).one_or_none()
    return (row.state, row.refusal) if row else (PENDING, None)


def _arrays(keys: Iterable[Key]) -> dict[str, list[str]]:
    holders, codes = [], []
    for holder, code in keys:
        holders.append(holder)
        codes.append(code)
    return {"holders": holders, "codes": codes}


def _row(held: Held) -> dict[str, Any]:
    offer = held.stamp.offer or Offer("", "", "")
    return {
        "holder": held.holder,
        "code": held.code,
        "procedure": held.procedure,
        "receiver": held.receiver,
        "decider": held.decider,
        "parties": ",".join(held.parties),
        "due_at": held.due_at,
        "summary": held.summary,
        "submitted": held.submitted,
        "papers": held.papers,
        "status": held.stamp.status,
        "custodian": held.stamp.custodian,
        "epoch": held.stamp.epoch,
        "version": held.stamp.version,
        "offer": offer.id,
        "giver": offer.giver,
        "taker": offer.taker,
        "refused": held.refused,
        "created_at": held.created_at,
    }


def held_of(row: RowMapping) -> Held:
    offer = Offer(row["offer"], row["giver"], row["taker"]) if row["offer"] else None
    stamp = Stamp(
        status=row["status"], custodian=row["custodian"], epoch=row["epoch"], version=row["version"], offer=offer
    )
    return Held(
        holder=row["holder"],
        code=row["code"],
        procedure=row["procedure"],
        receiver=row["receiver"],
        decider=row["decider"],
        parties=tuple(row["parties"].split(",")),
        stamp=stamp,
        submitted=row.get("submitted", b""),
        due_at=row["due_at"],
        summary=row["summary"],
        papers=row.get("papers"),
        refused=row["refused"],
        created_at=row["created_at"],
    )


def entry_of(row: RowMapping) -> Entry:
    fields: dict[str, Any] = {name: row.get(name) for name in Entry.__slots__}
    return Entry(**fields)


_ADD_NEW = text(f"""
    INSERT INTO dossier AS d ({", ".join(_ALL)})
    SELECT {", ".join(_ALL)} FROM {bulk.unnest(DOSSIER, _ALL)} ORDER BY holder, code
    ON CONFLICT (holder, code) DO UPDATE SET {_CHANGES} WHERE d.refused RETURNING holder, code
""")  # noqa: S608 - constant text
