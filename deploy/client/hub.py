"""The client a vendor's program uses: `async with Hub(credentials) as hub:` and then the parts of it.

    async with Hub(read_credentials(".lienthong")["commune-a"]) as hub:
        paper = await hub.attachments.upload(Path("to-khai.pdf"))
        posted = await hub.dossiers.submit({"procedure": "1.001612", "applicant": {…}, "attachments": [paper]})
        async for item in hub.inbox(kinds=["dossier"]):
            …

Every call is repeated while that can help, every POST under one key of its own; refusals are exceptions (`problems`).
"""

from types import TracebackType
from typing import Self

import httpx

from deploy.client.attachments import Attachments
from deploy.client.credentials import Credentials
from deploy.client.documents import Documents
from deploy.client.dossiers import Dossiers
from deploy.client.inbox import Inbox
from deploy.client.operations import Operations
from deploy.client.organs import Organs
from deploy.client.retry import Attempts, Retry, Timing
from deploy.client.systems import Systems
from deploy.client.transfers import Transfers
from deploy.client.transport import Hand, Transport


class Hub:
    """One agency system at the hub. Cheap to keep for the life of a program, and safe for many tasks of one loop.

    `organ` is whom it acts for; needed when the system has several. `http` may be handed in (own certificates, a
    proxy); it is then the caller's to close.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        organ: str = "",
        retry: Retry | None = None,
        http: httpx.AsyncClient | None = None,
        timing: Timing | None = None,
    ) -> None:
        used = http or httpx.AsyncClient(trust_env=not credentials.is_local)
        self._own = None if http else used
        transport = Transport(credentials, used, timing or Timing())
        self._join(Hand(transport, retry or Retry(), organ))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections, unless they were handed in."""
        if self._own:
            await self._own.aclose()

    @property
    def credentials(self) -> Credentials:
        return self._hand.transport.credentials

    @property
    def name(self) -> str:
        return self.credentials.name

    @property
    def organ(self) -> str:
        """The organ acted for: the one chosen, or the system's first."""
        return self._hand.organ or self.credentials.organ

    async def token(self) -> str:
        """A bearer token that is good for now, for calls this client does not have."""
        return await self._hand.transport.token(self._hand.retry, Attempts(self._hand.retry, self._hand.timing))

    def acting_for(self, organ: str) -> "Hub":
        """The same system for another of its organs; shares token and connections."""
        return self._with(self._hand.acting_for(organ))

    def within(self, seconds: float) -> "Hub":
        """The same with another deadline for repeats; 0: each call is tried once."""
        return self._with(self._hand.within(seconds))

    def _with(self, hand: Hand) -> "Hub":
        other = Hub.__new__(Hub)
        other._own = None
        other._join(hand)
        return other

    def _join(self, hand: Hand) -> None:
        self._hand = hand
        self.dossiers = Dossiers(hand)
        self.documents = Documents(hand)
        self.attachments = Attachments(hand)
        self.inbox = Inbox(hand)
        self.transfers = Transfers(hand)
        self.organs = Organs(hand)
        self.systems = Systems(hand)
        self.operations = Operations(hand)
