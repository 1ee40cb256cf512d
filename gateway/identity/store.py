"""Queries of systems, their secrets and the signing keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.messages.registry import KeyPublished, SystemChanged

SECRETS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A system as the token door needs it: who it is, and the hashes one of which its secret must fit."""

    system: SystemChanged
    hashes: tuple[str, ...] = field(repr=False)


async def candidate(conn: AsyncConnection, client_id: str) -> Candidate | None:
    rows = (await conn.execute(_CANDIDATE, {"client_id": client_id})).all()
    if not rows:
        return None
    hashes = tuple(row.hash for row in rows if row.hash is not None)
    return Candidate(SystemChanged.model_validate_json(rows[0].document), hashes)


async def system(conn: AsyncConnection, client_id: str) -> SystemChanged | None:
    found = await candidate(conn, client_id)
    return None if found is None else found.system


async def add_secret(conn: AsyncConnection, client_id: str, hashed: str) -> None:
    """The newest secrets stay valid, two at a time; older ones are gone."""
    await conn.execute(_ADD_SECRET, {"client_id": client_id, "hash": hashed})
    await conn.execute(_DROP_SECRETS, {"client_id": client_id, "keep": SECRETS_AT_ONCE})


async def clear_secrets(conn: AsyncConnection, client_id: str) -> None:
    await conn.execute(_DROP_SECRETS, {"client_id": client_id, "keep": 0})


async def add_private_key(conn: AsyncConnection, kid: str, sealed: bytes) -> None:
    await conn.execute(_ADD_PRIVATE, {"kid": kid, "sealed": sealed})


async def private_keys(conn: AsyncConnection, kids: Sequence[str]) -> dict[str, bytes]:
    rows = await conn.execute(_PRIVATE, {"kids": list(kids)})
    return {row.kid: row.sealed for row in rows}


async def keys(conn: AsyncConnection, now: datetime) -> list[KeyPublished]:
    """The keys a token may be signed with, now or later, the oldest first."""
    rows = await conn.execute(_KEYS, {"now": now})
    found = [KeyPublished.model_validate_json(row.document) for row in rows]
    return sorted(found, key=lambda key: (key.valid_from, key.kid))


_CANDIDATE = text("""
    SELECT s.document, h.hash FROM system s LEFT JOIN system_secret h ON h.client_id = s.key
     WHERE s.key = :client_id ORDER BY h.created_at DESC
""")

_ADD_SECRET = text("INSERT INTO system_secret (client_id, hash) VALUES (:client_id, :hash)")

_DROP_SECRETS = text("""
    DELETE FROM system_secret WHERE client_id = :client_id AND hash NOT IN (
        SELECT hash FROM system_secret WHERE client_id = :client_id ORDER BY created_at DESC, hash LIMIT :keep)
""")

_ADD_PRIVATE = text("INSERT INTO signing_secret (kid, sealed) VALUES (:kid, :sealed)")

_PRIVATE = text("SELECT kid, sealed FROM signing_secret WHERE kid = ANY(CAST(:kids AS text[]))")

_KEYS = text("SELECT document FROM signing_key WHERE valid_to IS NULL OR valid_to > :now")
