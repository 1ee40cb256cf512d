"""Every query on the ledger that the hot path needs; the operators' queries are `monitoring`'s."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.transfers.model import payload, transfer
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection

Identity = tuple[str, str]
"""(source, id) of an envelope."""


def keys_of(identities: Collection[Identity]) -> dict[str, Any]:
    """Arrays `sources` and `ids`."""
    return {"sources": [source for source, _ in identities], "ids": [id_ for _, id_ in identities]}


_KNOWN = """
    SELECT ROW(t.source, t.id, t.digest, t.subject, t.origin, t.verdict, t.state)
      FROM transfer t JOIN unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS k(source, id)
        ON t.source = k.source AND t.id = k.id
"""
_SET_STATE = """
    UPDATE transfer t SET state = k.state
      FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[]), CAST(:states AS text[])) AS k(source, id, state)
     WHERE t.source = k.source AND t.id = k.id AND t.state <> k.state
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger remembers of an envelope that comes again."""

    source: str
    id: str
    digest: bytes
    subject: str
    origin: str
    verdict: str
    state: str


def read(reads: Reads, identities: Collection[Identity], into: dict[Identity, Known]) -> None:
    """The ledger's rows of these identities."""
    if identities:
        reads.add(
            _KNOWN, keys_of(identities), lambda rows: into.update({(row[0], row[1]): Known(*row) for row in rows})
        )


async def known(connection: Connection, identities: Collection[Identity]) -> dict[Identity, Known]:
    """As `read`, at once."""
    ledger: dict[Identity, Known] = {}
    reads = Reads()
    read(reads, identities, ledger)
    await reads.run(connection)
    return ledger


def add(writes: Writes, transfers: list[dict[str, Any]], payloads: list[dict[str, Any]]) -> None:
    writes.insert(transfer, transfers)
    writes.insert(payload, payloads)


def set_states(writes: Writes, states: Mapping[Identity, str]) -> None:
    if states:
        writes.add(_SET_STATE, {**keys_of(states), "states": list(states.values())})
