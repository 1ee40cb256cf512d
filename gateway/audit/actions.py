"""Recording acts: who did what to which entry, before and after. Secrets never come here, not even hashed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from gateway.audit.model import audit
from services.kernel.bulk import insert_many
from services.kernel.connection import Connection

GATEWAY = "gateway"
"""The actor of what the gateway does by itself; no system may have this name, nor the next one."""
SEED = "seed"


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, when (hub time), why, and in which request."""

    client_id: str
    at: datetime
    reason: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done to one target; both documents are JSON, absent before it existed or when it is gone."""

    action: str
    kind: str
    target: str
    before: bytes | None = None
    after: bytes | None = None


async def record(conn: Connection, act: Act, entries: Sequence[Entry]) -> None:
    """Adds to the audit in the transaction of the act: either both are there or none."""
    rows = [
        {
            "at": act.at,
            "client_id": act.client_id,
            "action": entry.action,
            "kind": entry.kind,
            "target": entry.target,
            "before": entry.before.decode() if entry.before else None,
            "after": entry.after.decode() if entry.after else None,
            "reason": act.reason,
            "request_id": act.request_id,
        }
        for entry in entries
    ]
    await insert_many(conn, audit, rows)


def told(**members: object) -> bytes:
    """A document of these members."""
    return orjson.dumps(members)
