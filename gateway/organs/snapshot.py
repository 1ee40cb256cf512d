"""The organ directory in memory, as routing reads it: replaced as a whole when organs changed, never in place."""

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.directory import Directory
from contracts.messages.registry import OrganChanged
from gateway.organs.model import REGISTRY
from gateway.registries import store


class OrganSnapshot:
    """`directory` stays as it is for whoever took it; take it once per piece of work."""

    def __init__(self) -> None:
        self.directory = Directory()
        self._revision = 0

    async def refresh(self, conn: AsyncConnection) -> bool:
        """Takes over what was committed since the last time; tells whether anything was."""
        revision, documents = await store.since(conn, REGISTRY.table, self._revision)
        if not documents:
            return False
        directory = self.directory.copy()
        for document in documents:
            directory.put(OrganChanged.model_validate_json(document))
        self.directory, self._revision = directory, revision
        return True
