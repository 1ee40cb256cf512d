"""Queries over dossiers and their steps. Whoever writes has locked the subject."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import text

from contracts.protocol import Offer, Stamp
from services.kernel import bulk
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.office.dossiers.model import DOSSIER, ENTRY, NUMBERS
from services.office.dossiers.rules import PENDING, Entry, Held

Key = tuple[str, str]
"""Holder and code."""

_KEYS = "unnest(CAST(:holders AS text[]), CAST(:codes AS text[])) AS k(holder, code)"
_ALL = tuple(column.name for column in DOSSIER.columns)
_COLUMNS = [name for name in _ALL if name not in ("holder", "code")]
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
_MOVING = ("parties", "papers", "status", "custodian", "epoch", "version", "offer", "giver", "taker", "refused")
_STATE_COLUMNS = tuple(name for name in _ALL if name != "submitted")
_STATES = ", ".join(f"d.{name}" for name in _STATE_COLUMNS)

_LOAD = text(f"SELECT d.* FROM {_KEYS} JOIN dossier d USING (holder, code)")  # noqa: S608 - constant text
_LOAD_STATES = text(f"SELECT {_STATES} FROM {_KEYS} JOIN dossier d USING (holder, code)")  # noqa: S608
_STATES_OF = f"SELECT ROW({_STATES}) FROM dossier d WHERE d.code = ANY(CAST(:codes AS text[]))"  # noqa: S608
_MOVE = f"""
    UPDATE dossier d SET {", ".join(f"{name} = n.{name}" for name in _MOVING)}
      FROM {bulk.unnest(DOSSIER, ("holder", "code", *_MOVING), "n")} WHERE d.holder = n.holder AND d.code = n.code
"""  # noqa: S608 - constant text
_HISTORY = text(
    f"SELECT e.* FROM {_KEYS} JOIN dossier_entry e USING (holder, code) ORDER BY e.position"  # noqa: S608
)
_PENDING = """
    SELECT ROW(e.transfer) FROM unnest(CAST(:codes AS text[]), CAST(:transfers AS text[])) AS t(code, transfer)
      JOIN dossier d ON d.code = t.code
      JOIN dossier_entry e ON e.holder = d.holder AND e.code = d.code AND e.transfer = t.transfer
     WHERE e.state = 'pending'
"""
_JUDGE = """
    UPDATE dossier_entry e SET state = j.state, refusal = j.refusal
      FROM unnest(CAST(:holders AS text[]), CAST(:codes AS text[]), CAST(:transfers AS text[]),
                  CAST(:states AS text[]), CAST(:refusals AS text[])) AS j(holder, code, transfer, state, refusal)
     WHERE e.holder = j.holder AND e.code = j.code AND e.transfer = j.transfer AND e.state = 'pending'
"""
_STATE = text("""
    SELECT state, refusal FROM dossier_entry WHERE holder = :holder AND code = :code AND transfer = :transfer
""")
_NUMBER = text(f"SELECT nextval('{NUMBERS.name}') FROM generate_series(1, CAST(:blocks AS int))")  # noqa: S608
_BLOCK = NUMBERS.increment or 1


async def next_numbers(conn: Connection, count: int) -> list[int]:
    """At least so many numbers for dossier codes that nobody else has."""
    starts = await conn.execute(_NUMBER, {"blocks": -(-count // _BLOCK)})
    return [number for start in starts.scalars() for number in range(start, start + _BLOCK)]


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


def states_of(reads: Reads, codes: Collection[str]) -> Sequence[tuple[Any, ...]]:
    """Reads the same for all who hold these dossiers here; `known` makes them of what is found."""
    return reads.add(_STATES_OF, {"codes": sorted(codes)}) if codes else ()


def known(found: Sequence[tuple[Any, ...]]) -> dict[Key, Held]:
    rows = [held_of(dict(zip(_STATE_COLUMNS, each, strict=True))) for each in found]
    return {held.key: held for held in rows}


def add(writes: Writes, dossiers: Iterable[Held]) -> None:
    """Writes rows that are not there yet."""
    ordered = sorted(dossiers, key=lambda held: held.key)
    writes.insert(DOSSIER, [_row(held) for held in ordered])


def move(writes: Writes, dossiers: Iterable[Held]) -> None:
    """Brings stamps, parties and papers of known rows up to date; what was submitted is not touched."""
    rows = [_row(held) for held in dossiers]
    if rows:
        names = ("holder", "code", *_MOVING)
        writes.add(_MOVE, {name: [row[name] for row in rows] for name in names})


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


def add_steps(writes: Writes, steps: Sequence[tuple[Key, Entry]]) -> None:
    """Adds steps in order; one that is known already stays as it is."""
    rows = [
        {"holder": holder, "code": code, **{name: getattr(entry, name) for name in Entry.__slots__}}
        for (holder, code), entry in steps
    ]
    writes.insert(ENTRY, rows, "ON CONFLICT (holder, code, transfer) DO NOTHING")


def pending(reads: Reads, told: Collection[tuple[str, str]]) -> Sequence[tuple[str]]:
    """Reads which of these own steps, by code and transfer, wait for word from the gateway."""
    if not told:
        return ()
    return reads.add(_PENDING, {"codes": [code for code, _ in told], "transfers": [transfer for _, transfer in told]})


def judge(writes: Writes, verdicts: Mapping[tuple[Key, str], tuple[str, str | None]]) -> None:
    """Sets state and code of refusal of own pending steps, by key and transfer."""
    if verdicts:
        writes.add(
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


def held_of(row: Mapping[str, Any]) -> Held:
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


def entry_of(row: Mapping[str, Any]) -> Entry:
    fields: dict[str, Any] = {name: row.get(name) for name in Entry.__slots__}
    return Entry(**fields)


_ADD_NEW = text(f"""
    INSERT INTO dossier AS d ({", ".join(_ALL)})
    SELECT {", ".join(_ALL)} FROM {bulk.unnest(DOSSIER, _ALL)} ORDER BY holder, code
    ON CONFLICT (holder, code) DO UPDATE SET {_CHANGES} WHERE d.refused RETURNING holder, code
""")  # noqa: S608 - constant text
