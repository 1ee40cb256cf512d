"""The choices for everything of an organ, in memory as routing reads them; a choice elsewhere shows within seconds.

What is routed before it shows waits, and is sent by the worker.
"""

from collections.abc import Mapping

from contracts.directory import NOTHING_CHOSEN
from gateway.succession import store
from services.kernel.connection import Connection


class ChoiceSnapshot:
    """`decided` stays as it is for whoever took it."""

    def __init__(self) -> None:
        self.decided: Mapping[str, str] = NOTHING_CHOSEN

    async def refresh(self, conn: Connection) -> bool:
        """Takes over what was committed since the last time; tells whether anything was."""
        decided = await store.decided(conn)
        changed = decided != self.decided
        self.decided = decided
        return changed
