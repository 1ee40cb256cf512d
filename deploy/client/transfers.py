"""Transfers: where a message is on its way, recipient by recipient."""

from collections.abc import Callable

from deploy.client.answers import Transfer
from deploy.client.transport import Hand, segment
from deploy.client.waiting import WAIT_SECONDS, until
from deploy.client.words import TransferState

FINAL: tuple[TransferState, ...] = ("handed_over", "partly", "refused", "closed")


class Transfers:
    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    async def show(self, id_: str) -> Transfer:
        """The sender sees every recipient, a recipient itself."""
        transfer: Transfer = await self._hand.get(f"/v1/transfers/{segment(id_)}")
        return transfer

    async def wait_for(self, id_: str, *states: TransferState, seconds: float = WAIT_SECONDS) -> Transfer:
        """Until it is in one of the states; none given: until nothing of it is open. Raises `TimedOut`."""
        wanted = states or FINAL
        return await self.until(id_, lambda t: t["state"] in wanted, " or ".join(wanted), seconds=seconds)

    async def until(
        self, id_: str, holds: Callable[[Transfer], bool], what: str, *, seconds: float = WAIT_SECONDS
    ) -> Transfer:
        """Reads the transfer until it is so; raises `TimedOut`."""
        return await until(lambda: self.show(id_), holds, f"{id_}: {what}", self._hand.timing, seconds)
