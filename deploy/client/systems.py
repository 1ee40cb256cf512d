"""Agency systems at the gateway, for administrators (scope `admin`): who may call, for which organs; secrets."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from deploy.client.registers import System
from deploy.client.transport import Ask, Hand, matching, segment

PATH = "/v1/systems"


class Systems:
    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def list(self, **filters: str | int | bool | None) -> AsyncIterator[System]:
        """All systems, page after page; the filters are those of `GET /v1/systems`."""
        return self._hand.items(PATH, filters, at="gateway")

    async def create(self, system: Mapping[str, Any], *, reason: str = "") -> System:
        """Registers a system. The answer holds its secret, which is never shown again."""
        created: System = await self._hand.post(PATH, system, params=_why(reason), at="gateway")
        return created

    async def show(self, client_id: str) -> System:
        system: System = await self._hand.get(f"{PATH}/{segment(client_id)}", at="gateway")
        return system

    async def me(self) -> System:
        """The system that calls; no scope is needed."""
        return await self.show("me")

    async def change(
        self, client_id: str, changes: Mapping[str, Any], *, if_match: int | None = None, reason: str = ""
    ) -> System:
        """Changes the members named, leaves the others; lists are given whole."""
        changed: System = await self._hand.tell(
            "PATCH",
            f"{PATH}/{segment(client_id)}",
            changes,
            headers=matching(if_match),
            params=_why(reason),
            at="gateway",
        )
        return changed

    async def add_secret(self, client_id: str, *, reason: str = "") -> dict[str, Any]:
        """A second secret beside the present one, so that a system can change over without a pause."""
        path = f"{PATH}/{segment(client_id)}/secrets"
        added: dict[str, Any] = await self._hand.post(path, {}, params=_why(reason), at="gateway")
        return added

    async def drop_secret(self, client_id: str, secret: str, *, reason: str = "") -> None:
        """The secret of that id is not taken any more. Tokens it gave before run to their end."""
        path = f"{PATH}/{segment(client_id)}/secrets/{segment(secret)}"
        await self._hand.send(Ask(method="DELETE", path=path, params=_why(reason), at="gateway"))

    async def suspend(self, client_id: str, reason: str) -> System:
        """Within two seconds no office takes its calls any more, whatever token it holds."""
        return await self._turn(client_id, "suspend", reason)

    async def resume(self, client_id: str, reason: str) -> System:
        return await self._turn(client_id, "resume", reason)

    async def _turn(self, client_id: str, verb: str, reason: str) -> System:
        path = f"{PATH}/{segment(client_id)}:{verb}"
        turned: System = await self._hand.post(path, {"reason": reason}, at="gateway")
        return turned


def _why(reason: str) -> dict[str, object]:
    """For the audit."""
    return {"reason": reason or None}
