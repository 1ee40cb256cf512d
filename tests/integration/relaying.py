"""What a relay does with a source, without one: takes what is to be sent, and records that the broker holds it."""

from collections.abc import Collection, Sequence

from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.kernel.messaging.records import Ack, Outgoing
from services.kernel.messaging.relay import Source

_SOUND = "sound AS MATERIALIZED (SELECT FROM lease WHERE name = :lease AND fence = :fence)"


async def take(source: Source, conn: Connection, limit: int = 500, held: Collection[str] = ()) -> list[Outgoing]:
    reads = Reads()
    offered = source.take(reads, limit, held)
    await reads.run(conn)
    return offered()


async def acknowledge(source: Source, conn: Connection, acks: Sequence[Ack], fence: int = 1) -> None:
    """As the holder of the lease `relay` under this number."""
    writes = Writes()
    if acks:
        source.acknowledge(writes, acks)
    await writes.run_given(conn, _SOUND, "1", {"lease": "relay", "fence": fence})
