"""Queries of systems, their secrets and the signing keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select, text

from contracts.levels import Level
from contracts.messages.registry import KeyPublished, SystemChanged
from gateway.identity.model import system as systems
from gateway.identity.model import system_organ
from services.kernel.bulk import insert_many
from services.kernel.connection import Connection, Row

SECRETS_AT_ONCE = 2
MARK_SECONDS = 3600
"""How exactly the last use of a secret is known: a token an hour must not cost a write each."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of a system, as it may be shown."""

    id: str
    created_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """All given ones must fit; `words` all occur in name or client id, folded; `before` is where the page begins."""

    words: Sequence[str] = ()
    organ: str | None = None
    level: Level | None = None
    suspended: bool | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A system as the token door needs it: who it is, and the hashes one of which its secret must fit."""

    system: SystemChanged
    hashes: tuple[str, ...] = field(repr=False)
    unmarked: frozenset[str] = field(repr=False, default=frozenset())
    """Those whose last use was not written down for a while."""


async def candidate(conn: Connection, client_id: str) -> Candidate | None:
    rows = (await conn.execute(_CANDIDATE, {"client_id": client_id, "seconds": MARK_SECONDS})).all()
    if not rows:
        return None
    hashes = tuple(row.hash for row in rows if row.hash is not None)
    unmarked = frozenset(row.hash for row in rows if row.unmarked)
    return Candidate(SystemChanged.model_validate_json(rows[0].document), hashes, unmarked)


async def system(conn: Connection, client_id: str) -> SystemChanged | None:
    found = await candidate(conn, client_id)
    return None if found is None else found.system


async def page(conn: Connection, chosen: Filter, limit: int) -> list[tuple[int, bytes]]:
    """Position and document of the systems, the youngest first."""
    columns = systems.c
    conditions = [func.strpos(columns.search, word) > 0 for word in chosen.words]
    if chosen.organ is not None:
        speaking = select(system_organ.c.client_id).where(system_organ.c.organ == chosen.organ)
        conditions.append(columns.key.in_(speaking))
    if chosen.level is not None:
        conditions.append(columns.level == chosen.level.value)
    if chosen.suspended is not None:
        conditions.append(columns.suspended == chosen.suspended)
    if chosen.before is not None:
        conditions.append(columns.id < chosen.before)
    query = select(columns.id, columns.document).where(*conditions).order_by(columns.id.desc()).limit(limit)
    return [(row.id, row.document) for row in await conn.execute(query)]


async def replace_organs(conn: Connection, client_id: str, organs: Sequence[str]) -> None:
    await conn.execute(_CLEAR_ORGANS, {"client_id": client_id})
    await insert_many(conn, system_organ, [{"client_id": client_id, "organ": organ} for organ in organs])


async def other_administrator(conn: Connection, client_id: str) -> bool:
    """Whether another system may administer the hub and has a secret to do so."""
    return bool((await conn.execute(_OTHER_ADMINISTRATOR, {"client_id": client_id})).scalar_one())


async def secrets(conn: Connection, client_id: str) -> list[Secret]:
    """The newest first."""
    return [_secret(row) for row in await conn.execute(_SECRETS, {"client_id": client_id})]


async def add_secret(conn: Connection, client_id: str, hashed: str) -> tuple[Secret, list[Secret]]:
    """The newest secrets stay valid, two at a time; older ones are gone. The new one, and those that are gone."""
    row = (await conn.execute(_ADD_SECRET, {"client_id": client_id, "hash": hashed})).one()
    gone = await conn.execute(_DROP_SECRETS, {"client_id": client_id, "keep": SECRETS_AT_ONCE})
    return _secret(row), [_secret(each) for each in gone]


async def remove_secret(conn: Connection, client_id: str, id_: str) -> Secret | None:
    row = (await conn.execute(_REMOVE_SECRET, {"client_id": client_id, "id": id_})).one_or_none()
    return None if row is None else _secret(row)


async def mark_used(conn: Connection, client_id: str, hashed: str) -> None:
    await conn.execute(_MARK_USED, {"client_id": client_id, "hash": hashed})


async def clear_secrets(conn: Connection, client_id: str) -> list[Secret]:
    return [_secret(row) for row in await conn.execute(_DROP_SECRETS, {"client_id": client_id, "keep": 0})]


async def add_private_key(conn: Connection, kid: str, sealed: bytes) -> None:
    await conn.execute(_ADD_PRIVATE, {"kid": kid, "sealed": sealed})


async def private_keys(conn: Connection, kids: Sequence[str]) -> dict[str, bytes]:
    rows = await conn.execute(_PRIVATE, {"kids": list(kids)})
    return {row.kid: row.sealed for row in rows}


async def keys(conn: Connection, now: datetime) -> list[KeyPublished]:
    """The keys a token may be signed with, now or later, the oldest first."""
    rows = await conn.execute(_KEYS, {"now": now})
    found = [KeyPublished.model_validate_json(row.document) for row in rows]
    return sorted(found, key=lambda key: (key.valid_from, key.kid))


def _secret(row: Row) -> Secret:
    return Secret(row.id, row.created_at, row.last_used_at)


_CANDIDATE = text("""
    SELECT s.document, h.hash,
           h.hash IS NOT NULL AND coalesce(h.last_used_at < now() - make_interval(secs => :seconds), true) AS unmarked
      FROM system s LEFT JOIN system_secret h ON h.client_id = s.key
     WHERE s.key = :client_id ORDER BY h.created_at DESC
""")

_CLEAR_ORGANS = text("DELETE FROM system_organ WHERE client_id = :client_id")

_OTHER_ADMINISTRATOR = text("""
    SELECT EXISTS (SELECT FROM system s WHERE s.administers AND NOT s.suspended AND s.key <> :client_id
                      AND EXISTS (SELECT FROM system_secret h WHERE h.client_id = s.key))
""")

_SECRETS = text("""
    SELECT id, created_at, last_used_at FROM system_secret
     WHERE client_id = :client_id ORDER BY created_at DESC, hash
""")

_ADD_SECRET = text("""
    INSERT INTO system_secret (client_id, hash) VALUES (:client_id, :hash) RETURNING id, created_at, last_used_at
""")

_REMOVE_SECRET = text("""
    DELETE FROM system_secret WHERE client_id = :client_id AND id = :id RETURNING id, created_at, last_used_at
""")

_MARK_USED = text("UPDATE system_secret SET last_used_at = now() WHERE client_id = :client_id AND hash = :hash")

_DROP_SECRETS = text("""
    DELETE FROM system_secret WHERE client_id = :client_id AND hash NOT IN (
        SELECT hash FROM system_secret WHERE client_id = :client_id ORDER BY created_at DESC, hash LIMIT :keep)
    RETURNING id, created_at, last_used_at
""")

_ADD_PRIVATE = text("INSERT INTO signing_secret (kid, sealed) VALUES (:kid, :sealed)")

_PRIVATE = text("SELECT kid, sealed FROM signing_secret WHERE kid = ANY(CAST(:kids AS text[]))")

_KEYS = text("SELECT document FROM signing_key WHERE valid_to IS NULL OR valid_to > :now")
