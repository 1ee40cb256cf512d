"""Every query on the ledger that the hot path needs; the operators' queries are `monitoring`'s."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from gateway.transfers.model import payload, transfer
from services.kernel.bulk import insert_many
from services.kernel.database import Connection

Identity = tuple[str, str]
"""(source, id) of an envelope."""


def keys_of(identities: Sequence[Identity]) -> dict[str, Any]:
    """Arrays `sources` and `ids`."""
    return {"sources": [source for source, _ in identities], "ids": [id_ for _, id_ in identities]}


_KNOWN = text(
    "SELECT t.source, t.id, t.digest, t.subject, t.type, t.sender, t.origin, t.verdict, t.state,"
    " t.accepted_at"
    " FROM transfer t JOIN unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS k(source, id)"
    " ON t.source = k.source AND t.id = k.id"
)
_SET_STATE = text(
    "UPDATE transfer t SET state = k.state"
    " FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[]), CAST(:states AS text[])) AS k(source, id, state)"
    " WHERE t.source = k.source AND t.id = k.id AND t.state <> k.state"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger remembers of an envelope that comes again."""

    source: str
    id: str
    digest: bytes
    subject: str
    type: str
    sender: str
    origin: str
    verdict: str
    state: str
    accepted_at: Any

    @property
    def identity(self) -> Identity:
        return self.source, self.id


async def known(connection: Connection, identities: Sequence[Identity]) -> dict[Identity, Known]:
    """The ledger's rows of these identities."""
    if not identities:
        return {}
    rows = await connection.execute(_KNOWN, keys_of(identities))
    return {(row["source"], row["id"]): Known(**row) for row in rows.mappings()}


async def add(connection: Connection, transfers: list[dict[str, Any]], payloads: list[dict[str, Any]]) -> None:
    await insert_many(connection, transfer, transfers)
    await insert_many(connection, payload, payloads)


async def set_states(connection: Connection, states: dict[Identity, str]) -> None:
    if states:
        await connection.execute(_SET_STATE, {**keys_of(list(states)), "states": list(states.values())})
