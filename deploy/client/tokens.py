"""The token of a system: one for all its calls, renewed once at a time, kept while the gateway is away."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from deploy.client.problems import QuotaExceeded, TimedOut, Unavailable, Unreachable
from deploy.client.retry import Timing

MARGIN_SECONDS = 30.0
"""A token that ends so soon is not used any more: the call may be repeated, and clocks differ."""
PAUSE_SECONDS = 30.0
"""Between vain attempts to renew a token that still serves."""


@dataclass(frozen=True, slots=True)
class Token:
    text: str = field(repr=False)
    since: float
    seconds: float

    @property
    def renew_at(self) -> float:
        return self.since + self.seconds / 2

    @property
    def ends_at(self) -> float:
        return self.since + max(self.seconds - MARGIN_SECONDS, self.seconds / 2)


Grant = Callable[[], Awaitable[Token]]


class Tokens:
    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._not_before = 0.0

    async def get(self, grant: Grant, renew: Grant) -> str:
        """The present token; whoever finds it half spent renews it, the others go on with it meanwhile.

        `grant` may take its time, `renew` tries once.
        """
        token, now = self._token, self._timing.now()
        if token and (now < token.renew_at or (now < token.ends_at and self._is_left(now))):
            return token.text
        async with self._lock:
            token, now = self._token, self._timing.now()
            if token and now < token.renew_at:
                return token.text
            if token and now < token.ends_at:
                return (await self._renewed(token, renew)).text
            self._token = await grant()
            return self._token.text

    def forget(self, text: str) -> None:
        """The hub refused it; a newer one stays."""
        if self._token and self._token.text == text:
            self._token = None

    def _is_left(self, now: float) -> bool:
        return self._lock.locked() or now < self._not_before

    async def _renewed(self, token: Token, renew: Grant) -> Token:
        self._not_before = self._timing.now() + PAUSE_SECONDS
        with suppress(Unreachable, TimedOut, Unavailable, QuotaExceeded):
            self._token = token = await renew()
        return token
