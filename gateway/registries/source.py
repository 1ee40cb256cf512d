"""The relay's `Source` over the registries: sends entries that changed, and everything at start, daily and on log loss.

Topics are compacted and readers upsert by version, so only the newest entry of a key is ever sent.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from uuid import uuid5

from contracts.envelope import Envelope, to_headers
from contracts.identifiers import HUB_NAMESPACE
from contracts.registry import MESSAGES
from gateway.registries import actions, store
from gateway.registries.model import Registry
from services.kernel.bulk import Reads, Writes
from services.kernel.clock import Clock
from services.kernel.connection import Connection
from services.kernel.messaging.records import Ack, Outgoing, Unread

DAY_SECONDS = 24 * 60 * 60.0


class RegistrySource:
    """Registries are sent in the order given. `source` is the CloudEvents source of this hub's gateway."""

    name = "registries"

    def __init__(self, registries: Sequence[Registry], *, source: str, clock: Clock) -> None:
        self._registries = tuple(registries)
        self._source = source
        self._clock = clock
        self._started = False

    def take(self, reads: Reads, limit: int, held: Collection[str]) -> Callable[[], list[Outgoing]]:
        found = [store.unsent(reads, registry.table, limit, list(held)) for registry in self._registries]
        return lambda: [
            self._outgoing(place, registry, store.Unsent(*row))
            for place, (registry, rows) in enumerate(zip(self._registries, found, strict=True))
            for row in rows
        ][:limit]

    def acknowledge(self, writes: Writes, acks: Sequence[Ack]) -> None:
        sent: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for ack in acks:
            place, id_, round_ = ack.outgoing.ref
            sent[place].append((id_, round_))
        for place in sorted(sent):
            store.mark_sent(writes, self._registries[place].table, sent[place])

    async def fall_due(self, conn: Connection, unread: Unread) -> int:
        """Everything of a registry that was not sent as a whole for a day, or since this process began to relay."""
        if self._started:
            due = await actions.overdue(conn, self._registries, seconds=DAY_SECONDS)
        else:
            due = list(self._registries)
        # a rolled back start is made up for within the day; readers keep their copies meanwhile
        self._started = True
        return await actions.republish(conn, due) if due else 0

    async def log_lost(self, conn: Connection) -> None:
        await actions.republish(conn, self._registries)

    def _outgoing(self, place: int, registry: Registry, row: store.Unsent) -> Outgoing:
        """The same entry is the same envelope (`id` and value) however often it is sent."""
        identity = f"{registry.topic}\n{row.key}\n{row.version}\n{self._source}"
        envelope = Envelope(
            id=str(uuid5(HUB_NAMESPACE, identity)),
            source=self._source,
            type=registry.type,
            version=MESSAGES[registry.type].version,
            subject=row.key,
            time=self._clock.hub_now(),
            value=row.document,
        )
        return Outgoing(
            topic=registry.topic,
            key=envelope.key,
            value=envelope.value,
            headers=to_headers(envelope),
            ref=(place, row.id, row.round),
        )
