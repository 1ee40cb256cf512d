"""Changes of the organ directory. Only the database changes here; copies in memory follow (snapshot.py)."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.identifiers import organ_key
from contracts.messages.registry import OrganChanged
from gateway.organs import store
from gateway.organs.model import REGISTRY
from gateway.organs.rules import search_text
from gateway.registries import actions as registries


async def load(conn: AsyncConnection, organs: Iterable[OrganChanged]) -> int:
    """Takes these organs as they are given; tells how many were new or differed, and so got the next version.

    Organs that are not given stay: an organ is closed by its `valid_to`, never removed. Of two with the same code the
    last counts.
    """
    given = {organ_key(organ.code): organ for organ in organs}
    changed = await registries.save(
        conn,
        REGISTRY,
        given,
        lambda organ: {
            "level": organ.level.value,
            "search": search_text(organ),
            "valid_from": organ.valid_from,
            "valid_to": organ.valid_to,
        },
    )
    await store.replace_superiors(conn, changed)
    return len(changed)
