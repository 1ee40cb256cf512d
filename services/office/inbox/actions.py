"""What came for an organ: added with the fact that tells it, collected by its systems, acknowledged per system."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid5

from contracts.envelope import TYPE_PREFIX
from contracts.identifiers import HUB_NAMESPACE
from services.kernel.bulk import Writes
from services.kernel.connection import Connection
from services.office.inbox import store

DOSSIER, DOCUMENT, STATUS, RECEIPT = KINDS = ("dossier", "document", "status", "receipt")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """One thing to show to one organ. `type` is without prefix. A fact's item bears the transfer's id, so that the
    reader can ask for the transfer; word about an own transfer has an id made of it. Either is the same however often
    the item is added."""

    organ: str
    transfer: str
    kind: str
    type: str
    subject: str
    sender: str
    href: str
    data: bytes

    @property
    def id(self) -> str:
        if self.kind != RECEIPT:
            return self.transfer
        return _told_of(self.transfer, f"{self.transfer}\n{self.organ}\n{self.kind}\n{self.type}")


def _told_of(transfer: str, name: str) -> str:
    """An id for word about the transfer, the same whenever it is made; with the time of the transfer's UUIDv7, so that
    both are of one month."""
    made = str(uuid5(HUB_NAMESPACE, name))
    return f"{transfer[:14]}7{made[15:]}" if transfer[14:15] == "7" else made


def bell(organ: str) -> str:
    return f"inbox:{organ}"


def add(writes: Writes, items: Sequence[NewItem], received_at: datetime) -> None:
    """Adds items in order, by the last writes of a transaction: they hold the organs' counters until the commit."""
    rows = [
        {
            "organ": item.organ,
            "id": item.id,
            "kind": item.kind,
            "type": TYPE_PREFIX + item.type,
            "subject": item.subject,
            "sender": item.sender,
            "received_at": received_at,
            "href": item.href,
            "data": item.data,
        }
        for item in items
    ]
    store.add(writes, rows)
    writes.ring(*(bell(item.organ) for item in items))


async def acknowledge(
    conn: Connection, reader: tuple[str, str], ids: Sequence[str], kinds: Collection[str]
) -> tuple[list[str], list[str]]:
    """Acknowledges for (client, organ); returns the ids taken and those that are not (visible) there."""
    found = await store.find(conn, reader[1], ids, kinds)
    if found:
        await store.acknowledge(conn, reader, [(kind, position) for _, kind, position in found])
    known = {item_id for item_id, _, _ in found}
    wanted = list(dict.fromkeys(ids))
    return [each for each in wanted if each in known], [each for each in wanted if each not in known]
