"""One function per verb on dossiers, for lists where the path is hot. Nothing here commits or waits for the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.problems import HubError
from services.kernel.clock import Clock
from services.kernel.messaging.inbox import lock_subjects
from services.office.attachments.actions import Attachments
from services.office.dossiers import store
from services.office.dossiers.rules import View
from services.office.organs.actions import Organs
from services.office.organs.rules import Actor
from services.office.transfers.actions import Transfers

MAX_SNAPSHOT_STEPS = 1000
MAX_SNAPSHOT_ATTACHMENTS = 500
CODES_PER_DAY = 10_000_000


@dataclass(frozen=True, slots=True)
class NewDossier:
    """A dossier to submit; `fields` are those of the API, as JSON values."""

    actor: Actor
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """What an organ wants to do with a dossier; `fields` are those of the API besides `action`."""

    action: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The dossier after a verb and the facts it made; `awaited` is the one whose stamp the caller may wait for."""

    view: View
    transfers: tuple[str, ...] = ()
    awaited: str | None = None


class Numbers:
    """Numbers of issued codes, taken from the database in blocks."""

    def __init__(self) -> None:
        self._left: list[int] = []

    async def take(self, conn: AsyncConnection, count: int) -> list[int]:
        while len(self._left) < count:
            self._left.extend(await store.next_block(conn))
        taken, self._left = self._left[:count], self._left[count:]
        return taken


class Dossiers:
    """The verbs, with what they need."""

    def __init__(self, transfers: Transfers, attachments: Attachments, organs: Organs, clock: Clock) -> None:
        self._transfers = transfers
        self._attachments = attachments
        self._organs = organs
        self._clock = clock
        self._numbers = Numbers()

    async def submit(self, conn: AsyncConnection, dossiers: Sequence[NewDossier]) -> list[Outcome | HubError]:
        """Stores new dossiers with their facts; each ends in an outcome or in the reason why not.

        Every chosen code's subject is locked; an issued code is nobody else's.
        """
        chosen = [each.fields["code"] for each in dossiers if "code" in each.fields]
        await lock_subjects(conn, chosen)
        issued = iter(await self._numbers.take(conn, len(dossiers) - len(chosen)))
        return [await self._submit_one(conn, each, issued) for each in dossiers]
