"""The gateway for operators (scope `ops`): transfers and routes; for administrators (`admin`): audit and keys."""

from collections.abc import AsyncIterator
from typing import Any, Unpack

from deploy.client.answers import Transfer, TransferFilters
from deploy.client.registers import Route
from deploy.client.transport import Hand, segment


class Operations:
    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def transfers(self, **filters: Unpack[TransferFilters]) -> AsyncIterator[Transfer]:
        """All transfers of the hub that fit, newest first."""
        return self._hand.items("/v1/transfers", filters, at="gateway")

    async def transfer(self, id_: str) -> Transfer:
        """One transfer with every delivery, whoever sent it."""
        transfer: Transfer = await self._hand.get(f"/v1/transfers/{segment(id_)}", at="gateway")
        return transfer

    async def routes(self) -> list[Route]:
        """How it goes from level to level: what is open and since when, how much passes, what failed."""
        routes: list[Route] = await self._hand.get("/v1/routes", at="gateway")
        return routes

    def audit(self, **filters: str | int | bool | None) -> AsyncIterator[dict[str, Any]]:
        """Who changed what and when, newest first; the filters are those of `GET /v1/audit`."""
        return self._hand.items("/v1/audit", filters, at="gateway")

    async def keys(self) -> Any:
        """The keys tokens are signed with, public parts only."""
        return await self._hand.get("/v1/keys", at="gateway")

    async def rotate_keys(self, reason: str) -> Any:
        """Publishes a new key; it signs as soon as every office can know it."""
        return await self._hand.post("/v1/keys:rotate", {"reason": reason}, at="gateway")
