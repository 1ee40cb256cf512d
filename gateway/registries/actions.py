"""Saving registry entries: what differs from the entry held gets the next version and is published.

What an entry means is its slice's matter; sending is source.py's.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.messages.registry import KeyPublished, OrganChanged, SystemChanged
from gateway.registries import store
from gateway.registries.model import Registry
from services.kernel.database import ring_on_commit
from services.kernel.messaging.outbox import BELL as RELAY_BELL

BELL = "registry"

P = TypeVar("P", OrganChanged, SystemChanged, KeyPublished)


async def save(
    conn: AsyncConnection,
    registry: Registry,
    payloads: Mapping[str, P],
    columns: Callable[[P], Mapping[str, object]],
) -> list[P]:
    """Writes the entries that differ from those held, and returns them with the version they got.

    The version given counts only when it is higher than the next one: versions never go back. `columns` gives the
    owner's further columns of a row, the same for every row.
    """
    await store.lock(conn)
    present = await store.held(conn, registry.table, list(payloads))
    changed: dict[str, P] = {}
    for key, payload in payloads.items():
        entry = present.get(key)
        if entry is None or document(payload, entry.version) != entry.document:
            version = max(payload.version, 1 if entry is None else entry.version + 1)
            changed[key] = payload.model_copy(update={"version": version})
    rows = [
        {"key": key, "version": payload.version, "document": document(payload, payload.version), **columns(payload)}
        for key, payload in changed.items()
    ]
    await store.write(conn, registry.table, rows)
    if changed:
        ring_on_commit(conn, BELL, RELAY_BELL)
    return list(changed.values())


async def republish(conn: AsyncConnection, registries: Iterable[Registry]) -> int:
    """Everything is sent again: at the start of a relay, daily, and when the log was lost."""
    count = 0
    for registry in registries:
        count += await store.mark_unsent(conn, registry.table)
        await conn.execute(_REPUBLISHED, {"topic": registry.topic})
    return count


async def overdue(conn: AsyncConnection, registries: Iterable[Registry], *, seconds: float) -> list[Registry]:
    """The registries that were not republished for so long, or never."""
    rows = await conn.execute(_FRESH, {"seconds": seconds})
    fresh = set(rows.scalars())
    return [registry for registry in registries if registry.topic not in fresh]


def document(payload: P, version: int) -> bytes:
    """The value of the record, the same bytes for the same entry."""
    return payload.model_copy(update={"version": version}).model_dump_json().encode()


_REPUBLISHED = text("""
    INSERT INTO registry (topic) VALUES (:topic) ON CONFLICT (topic) DO UPDATE SET republished_at = now()
""")

_FRESH = text("SELECT topic FROM registry WHERE republished_at > now() - make_interval(secs => :seconds)")
