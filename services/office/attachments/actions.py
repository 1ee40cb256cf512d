"""Attachments by digest: put, fetched by organs that hold them, copied in from other offices."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.problems import HubError
from services.kernel.connection import Connection
from services.kernel.database import Database
from services.kernel.vault import Vault
from services.office.attachments import store
from services.office.attachments.rules import Holding, Via
from services.office.attachments.store import Grant
from services.office.organs.rules import Actor

QUOTA_BYTES = 100 * 1024**3

Held = Mapping[tuple[str, str], Holding]
"""By digest and organ."""


def with_sizes(
    attachments: Sequence[Mapping[str, Any]], actor: Actor, held: Held, pointer: str = "/attachments"
) -> list[dict[str, Any]]:
    """The posted attachments with their sizes; `attachment.missing` names the first that the system may not use."""
    found = []
    for place, attachment in enumerate(attachments):
        holding = held.get((attachment["sha256"], actor.organ))
        if holding is None or not holding.is_open(actor.scopes):
            raise HubError("attachment.missing", pointer=f"{pointer}/{place}")
        found.append({**attachment, "size": holding.size})
    return found


def untied(attachments: Iterable[Mapping[str, Any]], organ: str, held: Held, via: Via) -> list[Grant]:
    """What naming these must grant: whoever reads the dossier or document of the organ may fetch all of it, also what
    the organ has through the other kind only."""
    keys = [(each["sha256"], organ) for each in attachments]
    return [(*key, via) for key in keys if not held[key].put and via not in held[key].via]


@dataclass(frozen=True, slots=True)
class Room:
    """What an organ may still put: `counted` bytes it put before cost nothing again."""

    quota: int
    used: int
    counted: bool

    def require(self, size: int) -> None:
        """Raises `attachment.quota_exceeded` when so many bytes are too many."""
        if not self.counted and self.used + size > self.quota:
            raise _exceeded(self.quota, self.used)


class Attachments:
    """The attachments of one office; `namespace` is its level, `quota` the bytes each organ may put."""

    def __init__(self, vault: Vault, namespace: str, *, quota: int = QUOTA_BYTES) -> None:
        self._vault = vault
        self.namespace = namespace
        self._quota = quota

    async def room(self, conn: Connection, organ: str, sha256: str) -> Room:
        """For a first look; what counts in the end is what `record` finds."""
        return Room(self._quota, *await store.used(conn, organ, sha256))

    async def upload(self, sha256: str, chunks: AsyncIterable[bytes]) -> int:
        """Makes the bytes durable and returns their size; rows are written by `record` or `adopt` afterwards."""
        return await self._vault.put(self.namespace, sha256, chunks)

    async def record(self, conn: Connection, organ: str, sha256: str, size: int) -> bool:
        """Notes an upload; True when the organ had not put the attachment before."""
        return sha256 in await self.adopt(conn, organ, {sha256: size})

    async def adopt(self, conn: Connection, organ: str, sizes: Mapping[str, int]) -> set[str]:
        """Notes uploads of the organ, by digest, each counted once against its quota. Returns those it had not put
        before; raises `attachment.quota_exceeded`, and the transaction must not be committed then."""
        await self._name(conn, sizes)
        put = await store.put(conn, organ, sizes)
        cost = sum(sizes[sha256] for sha256 in put)
        if put and not await store.charge(conn, organ, cost, self._quota):
            raise _exceeded(self._quota, (await store.used(conn, organ))[0])
        return put

    async def size(self, conn: Connection, organ: str, sha256: str, scopes: Collection[str]) -> int:
        """`request.not_found` unless the organ put it or holds it through a dossier or document the scopes let read."""
        holding = (await store.holdings(conn, [(sha256, organ)])).get((sha256, organ))
        if holding is None or not holding.is_open(scopes):
            raise HubError("request.not_found")
        return holding.size

    async def read(self, sha256: str, span: tuple[int, int] | None = None) -> AsyncIterator[bytes]:
        """The bytes, for an organ that `size` found entitled; of a span those before its second place."""
        return await self._vault.read(self.namespace, sha256, span)

    async def fetch(
        self, conn: Connection, organ: str, sha256: str, scopes: Collection[str]
    ) -> tuple[int, AsyncIterator[bytes]]:
        """Both at once, for a caller that reads several within one transaction."""
        return await self.size(conn, organ, sha256, scopes), await self.read(sha256)

    async def held(self, conn: Connection, pairs: Iterable[tuple[str, str]]) -> Held:
        """What there is of those (digest, organ) pairs that the organ put or holds."""
        return await store.holdings(conn, pairs)

    async def tie(self, conn: Connection, grants: Iterable[Grant]) -> None:
        """Grants what `untied` found, behind the lock of the subject: the other order could deadlock."""
        await store.grant(conn, grants)

    async def copy_in(self, origin: str, digests: Iterable[str]) -> dict[str, int]:
        """Copies what is not here yet, verified and durable; returns sizes, raises `attachment.unavailable`."""
        return {
            sha256: await self._vault.copy_in(sha256, origin=origin, namespace=self.namespace) for sha256 in digests
        }

    async def share(self, conn: Connection, sizes: Mapping[str, int], grants: Iterable[Grant]) -> None:
        """Lets organs fetch what facts brought them. The bytes must have been copied in; nobody's
        quota is touched, since nobody can help what others send."""
        await self._name(conn, sizes)
        await store.grant(conn, grants)

    async def sweep(self) -> int:
        """Deletes what broken uploads left."""
        return await self._vault.sweep(self.namespace)

    async def sweep_unnamed(self, database: Database) -> int:
        """Deletes bytes that have lain here for a day and that no row names: their post was refused or never came."""
        swept = 0
        async for digests in self._vault.aged(self.namespace):
            async with database.read() as conn:
                known = await store.named(conn, digests)
            for sha256 in digests:
                if sha256 not in known:
                    swept += await self._discard(database, sha256)
        return swept

    async def _discard(self, database: Database, sha256: str) -> bool:
        async with database.transaction() as conn:
            return await store.claim(conn, sha256) and await self._vault.discard(self.namespace, sha256)

    async def _name(self, conn: Connection, sizes: Mapping[str, int]) -> None:
        """Rows for bytes that lie here; bytes named for the first time may just have been swept."""
        new = await store.keep(conn, sizes.items())
        there = await asyncio.gather(*(self._vault.size(self.namespace, sha256) for sha256 in new))
        if None in there:
            raise HubError("attachment.unavailable", "the bytes are gone; send them again")


def _exceeded(quota: int, used: int) -> HubError:
    return HubError("attachment.quota_exceeded", f"the limit is {quota} bytes, {used} are used")
