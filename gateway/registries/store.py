"""Statements over registry tables: saving entries with the next version, reading changes, marking what to publish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, TextClause, text

from services.kernel.bulk import Reads, Writes, insert_many, upsert
from services.kernel.connection import Connection
from services.kernel.messaging.log_watch import SOUND

_ALONE = "SELECT pg_advisory_xact_lock(hashtext('lienthong.registries'))"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is published."""

    key: str
    version: int
    document: bytes


@dataclass(frozen=True, slots=True)
class Unsent:
    """One entry to send; `round` tells an ack for this sending from one for an earlier."""

    id: int
    round: int
    key: str
    version: int
    document: bytes


async def lock(conn: Connection) -> None:
    """Writers of registries follow one another until their commit, so revisions become visible in order.

    One lock for all of them: there is no order of locks to agree on, and writers are few.
    """
    await conn.execute(text(_ALONE))


async def held(conn: Connection, table: Table, keys: Sequence[str]) -> dict[str, Entry]:
    rows = await conn.execute(
        _statement("SELECT key, version, document FROM {table} WHERE key = ANY(CAST(:keys AS text[]))", table),
        {"keys": list(keys)},
    )
    return {row.key: Entry(row.key, row.version, row.document) for row in rows}


async def write(conn: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Inserts or replaces whole entries (`key`, `version`, `document` and the owner's columns); the lock is held."""
    if not rows:
        return
    found = await conn.execute(_statement("SELECT coalesce(max(revision), 0) + 1 FROM {table}", table))
    revision = found.scalar_one()
    changing = [name for name in (*rows[0], "revision") if name != "key"]
    tail = f"{upsert('key', update=changing)}, pending = true, round = {table.name}.round + 1"
    await insert_many(conn, table, [{**row, "revision": revision} for row in rows], tail)


async def since(conn: Connection, table: Table, revision: int) -> tuple[int, list[bytes]]:
    """The newest revision, and the documents changed after the given one."""
    rows = await conn.execute(
        _statement("SELECT revision, document FROM {table} WHERE revision > :revision ORDER BY revision, id", table),
        {"revision": revision},
    )
    found = rows.all()
    return (found[-1].revision if found else revision), [row.document for row in found]


def unsent(reads: Reads, table: Table, limit: int, avoiding: Sequence[str]) -> Sequence[tuple[Any, ...]]:
    """The fields of `Unsent`, by id."""
    return reads.add(
        f"SELECT ROW(id, round, key, version, document) FROM {table.name}"  # noqa: S608 - a name of ours
        f" WHERE pending AND NOT key = ANY(CAST(:avoiding AS text[])) ORDER BY id LIMIT {limit}",
        {"avoiding": avoiding},
    )


def mark_sent(writes: Writes, table: Table, sent: Sequence[tuple[int, int]]) -> None:
    """(id, round) pairs the broker took; nothing of an entry that changed meanwhile.

    Takes the writers' lock, as everything that touches several entries does: no order of rows to agree on.
    """
    writes.add(
        f"""
        WITH alone AS MATERIALIZED ({_ALONE})
        UPDATE {table.name} t SET pending = false
          FROM unnest(CAST(:ids AS bigint[]), CAST(:rounds AS int[])) AS a(id, round)
         WHERE t.id = a.id AND t.round = a.round AND {SOUND} AND EXISTS (SELECT FROM alone)
        """,  # noqa: S608 - a name of ours
        {"ids": [id_ for id_, _ in sent], "rounds": [round_ for _, round_ in sent]},
    )


async def mark_unsent(conn: Connection, table: Table) -> int:
    """Everything is to be sent (again); returns how much."""
    await lock(conn)
    done = await conn.execute(_statement("UPDATE {table} SET pending = true, round = round + 1", table))
    return done.rowcount


@lru_cache(maxsize=64)
def _statement(template: str, table: Table) -> TextClause:
    return text(template.replace("{table}", table.name))
