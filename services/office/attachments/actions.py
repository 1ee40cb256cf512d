"""Attachments by digest: put, fetched by organs that hold them, copied in from other offices."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.problems import HubError
from services.office.attachments import store
from services.office.attachments.vault import Vault
from services.office.doors import Paper


class Attachments:
    """The attachments of one office; `namespace` is its level."""

    def __init__(self, vault: Vault, namespace: str) -> None:
        self._vault = vault
        self.namespace = namespace

    async def upload(self, sha256: str, chunks: AsyncIterable[bytes]) -> int:
        """Makes the bytes durable and returns their size; rows are written by `record` afterwards."""
        return await self._vault.put(self.namespace, sha256, chunks)

    async def record(self, conn: AsyncConnection, organ: str, sha256: str, size: int) -> bool:
        """Notes an upload; True when the organ could not use the attachment before."""
        await store.keep(conn, [(sha256, size)])
        return bool(await store.grant(conn, [(sha256, organ)]))

    async def fetch(self, conn: AsyncConnection, organ: str, sha256: str) -> tuple[int, AsyncIterator[bytes]]:
        """Size and bytes; `request.not_found` unless the organ put it or holds it through a dossier or document."""
        found = await store.sizes(conn, organ, [sha256])
        if sha256 not in found:
            raise HubError("request.not_found")
        return found[sha256], await self._vault.read(self.namespace, sha256)

    async def complete(
        self, conn: AsyncConnection, organ: str, attachments: Sequence[dict[str, Any]], pointer: str = "/attachments"
    ) -> list[dict[str, Any]]:
        """The posted attachments with their sizes; `attachment.missing` names the first that was not put before."""
        found = await store.sizes(conn, organ, [attachment["sha256"] for attachment in attachments])
        for place, attachment in enumerate(attachments):
            if attachment["sha256"] not in found:
                raise HubError("attachment.missing", pointer=f"{pointer}/{place}")
        return [{**attachment, "size": found[attachment["sha256"]]} for attachment in attachments]

    async def copy_in(self, origin: str, papers: Iterable[Paper]) -> None:
        """Copies what is not here yet, verified and durable; raises `attachment.unavailable`."""
        for paper in papers:
            await self._vault.copy_in(paper.sha256, origin=origin, namespace=self.namespace)

    async def share(self, conn: AsyncConnection, grants: Iterable[tuple[Paper, str]]) -> None:
        """Lets organs fetch what facts brought them; the bytes must have been copied in."""
        pairs = list(grants)
        await store.keep(conn, {(paper.sha256, paper.size) for paper, _ in pairs})
        await store.grant(conn, [(paper.sha256, organ) for paper, organ in pairs])

    async def sweep(self) -> int:
        """Deletes what broken uploads left."""
        return await self._vault.sweep(self.namespace)
