"""The record of who read personal data: written with the read, in its transaction."""

from typing import Any, Literal

import structlog

from services.kernel.clock import Clock
from services.kernel.connection import Connection
from services.office.audit import store
from services.office.audit.store import Wanted
from services.office.organs.rules import Actor

Action = Literal["dossier.read", "dossier.listed", "attachment.read", "document.read"]


class Audit:
    """Handed to every slice that shows what is about a person."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def note(self, conn: Connection, actor: Actor, action: Action, subject: str) -> None:
        """Records that the actor read the subject; the transaction must commit before the answer is sent."""
        row = {
            "at": self._clock.hub_now(),
            "client_id": actor.system,
            "organ": actor.organ,
            "action": action,
            "subject": subject,
            "request_id": structlog.contextvars.get_contextvars().get("request_id", ""),
        }
        await store.add(conn, row)

    async def page(self, conn: Connection, wanted: Wanted, limit: int) -> list[dict[str, Any]]:
        """Records newest first."""
        return [dict(row) for row in await store.newest(conn, wanted, limit)]
