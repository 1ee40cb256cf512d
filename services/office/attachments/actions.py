"""Attachments by digest: put, fetched by organs that hold them, copied in from other offices."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.problems import HubError
from services.kernel.vault import Vault
from services.office.attachments import store

Sizes = Mapping[tuple[str, str], int]


def with_sizes(
    attachments: Sequence[Mapping[str, Any]], organ: str, sizes: Sizes, pointer: str = "/attachments"
) -> list[dict[str, Any]]:
    """The posted attachments with their sizes; `attachment.missing` names the first that was not put before."""
    for place, attachment in enumerate(attachments):
        if (attachment["sha256"], organ) not in sizes:
            raise HubError("attachment.missing", pointer=f"{pointer}/{place}")
    return [{**attachment, "size": sizes[attachment["sha256"], organ]} for attachment in attachments]


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

    async def size(self, conn: AsyncConnection, organ: str, sha256: str) -> int:
        """`request.not_found` unless the organ put it or holds it through a dossier or document."""
        found = await store.sizes(conn, [(sha256, organ)])
        if not found:
            raise HubError("request.not_found")
        return found[sha256, organ]

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """The bytes, for an organ that `size` found entitled."""
        return await self._vault.read(self.namespace, sha256)

    async def fetch(self, conn: AsyncConnection, organ: str, sha256: str) -> tuple[int, AsyncIterator[bytes]]:
        """Both at once, for a caller that reads several within one transaction."""
        return await self.size(conn, organ, sha256), await self.read(sha256)

    async def sizes(self, conn: AsyncConnection, pairs: Iterable[tuple[str, str]]) -> Sizes:
        """Sizes of those (digest, organ) pairs that the organ put or holds."""
        return await store.sizes(conn, pairs)

    async def copy_in(self, origin: str, digests: Iterable[str]) -> dict[str, int]:
        """Copies what is not here yet, verified and durable; returns sizes, raises `attachment.unavailable`."""
        return {
            sha256: await self._vault.copy_in(sha256, origin=origin, namespace=self.namespace) for sha256 in digests
        }

    async def share(self, conn: AsyncConnection, sizes: Mapping[str, int], grants: Iterable[tuple[str, str]]) -> None:
        """Lets organs fetch what facts brought them: (digest, organ). The bytes must have been copied in."""
        await store.keep(conn, sizes.items())
        await store.grant(conn, grants)

    async def sweep(self) -> int:
        """Deletes what broken uploads left."""
        return await self._vault.sweep(self.namespace)
