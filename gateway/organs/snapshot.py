"""The organ directory in memory, as routing reads it: replaced as a whole when organs changed, never in place."""

import asyncio
from collections.abc import Sequence

from contracts.directory import Directory
from contracts.messages.registry import OrganChanged
from gateway.organs.model import REGISTRY
from gateway.registries import store
from services.kernel.connection import Connection

AT_ONCE = 200
"""More are read in a thread, so that others of this process need not wait."""


class OrganSnapshot:
    """`directory` stays as it is for whoever took it; take it once per piece of work."""

    def __init__(self) -> None:
        self.directory = Directory()
        self._revision = 0

    async def refresh(self, conn: Connection) -> bool:
        """Takes over what was committed since the last time; tells whether anything was."""
        revision, documents = await store.since(conn, REGISTRY.table, self._revision)
        if revision <= self._revision:  # also when another refresh was faster
            return False
        if len(documents) > AT_ONCE:
            organs = await asyncio.to_thread(_read, documents)
        else:
            organs = _read(documents)
        if revision > self._revision:
            directory = self.directory.copy()
            for organ in organs:
                directory.put(organ)
            self.directory, self._revision = directory, revision
        return True


def _read(documents: Sequence[bytes]) -> list[OrganChanged]:
    return [OrganChanged.model_validate_json(document) for document in documents]
