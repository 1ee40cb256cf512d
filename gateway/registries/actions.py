"""Saving registry entries: what differs from the entry held gets the next version and is published.

What an entry means is its slice's matter; sending is source.py's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import text

from contracts.messages.registry import KeyPublished, OrganChanged, SystemChanged
from gateway.registries import store
from gateway.registries.model import Registry
from services.kernel.connection import Connection
from services.kernel.database import ring_on_commit
from services.kernel.messaging.outbox import BELL as RELAY_BELL

BELL = "registry"

P = TypeVar("P", OrganChanged, SystemChanged, KeyPublished)


@dataclass(frozen=True, slots=True)
class Saved(Generic[P]):
    """An entry that was written, with the version it got; both documents as they are published."""

    key: str
    payload: P
    before: bytes | None
    after: bytes


async def save(
    conn: Connection,
    registry: Registry,
    payloads: Mapping[str, P],
    columns: Callable[[P], Mapping[str, object]],
) -> list[Saved[P]]:
    """Writes the entries that differ from those held, and returns them with the version they got.

    The version given counts only when it is higher than the next one: versions never go back. `columns` gives the
    owner's further columns of a row, the same for every row.
    """
    await store.lock(conn)
    present = await store.held(conn, registry.table, list(payloads))
    changed: list[Saved[P]] = []
    for key, payload in payloads.items():
        entry = present.get(key)
        if entry is not None and document(payload, entry.version) == entry.document:
            continue
        version = payload.version if entry is None else max(payload.version, entry.version + 1)
        new = payload.model_copy(update={"version": version})
        changed.append(Saved(key, new, entry.document if entry else None, new.model_dump_json().encode()))
    rows = [
        {"key": saved.key, "version": saved.payload.version, "document": saved.after, **columns(saved.payload)}
        for saved in changed
    ]
    await store.write(conn, registry.table, rows)
    if changed:
        ring_on_commit(conn, BELL, RELAY_BELL)
    return changed


async def republish(conn: Connection, registries: Iterable[Registry]) -> int:
    """Everything is sent again: at the start of a relay, daily, and when the log was lost."""
    count = 0
    for registry in registries:
        count += await store.mark_unsent(conn, registry.table)
        await conn.execute(_REPUBLISHED, {"topic": registry.topic})
    return count


async def overdue(conn: Connection, registries: Iterable[Registry], *, seconds: float) -> list[Registry]:
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
