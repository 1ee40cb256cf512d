"""The Kafka door: a chunk of `ingest.*`, whatever its topics, becomes one unit of work in one transaction."""

from collections.abc import Callable, Sequence

import structlog

from contracts.protocol import Verdict
from gateway.delivery import actions as delivery
from gateway.delivery import store as deliveries
from gateway.delivery import stuck
from gateway.ingest import actions
from gateway.ingest.asking import Asking
from gateway.ingest.rules import Sorted, sort
from gateway.operations import dead_letters
from gateway.subjects import store as subjects
from gateway.work import Desk, Work
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.kernel.database import ring_on_commit
from services.kernel.errors import RetryLater
from services.kernel.messaging.outbox import BELL
from services.kernel.messaging.records import Record

log = structlog.get_logger(__name__)


class IngestDoor:
    """Handler of the consumer for the three `ingest.*` topics; nothing to prepare, the chunk is all there is."""

    def __init__(self, desk: Desk, asking: Asking, *, ready: Callable[[], bool] = lambda: True) -> None:
        self._desk, self._asking, self._ready = desk, asking, ready

    async def prepare(self, records: Sequence[Record]) -> None:
        """No network: attachments stay where they are. Without registries nothing can be judged: later."""
        if not self._ready():
            raise RetryLater("the registries are not read yet")

    async def apply(self, conn: Connection, records: Sequence[Record]) -> None:
        found = sort(records)
        states, made = await subjects.hold(conn, (a.envelope.subject for a in found.facts), existing=found.named)
        work = self._desk.begin(states)
        work.waits = self._asking.may_wait
        reads, writes = Reads(), Writes()
        actions.look_up(reads, work, [fact.envelope for fact in found.facts], made)
        standing = delivery.look_up(reads, work, found.receipts)
        await reads.run(conn)
        outcome = await actions.accept(conn, work, found.facts)
        astray = delivery.settle(writes, work, found.receipts, standing)
        self._asking.ask(work)
        actions.save(writes, work)
        await writes.run(conn)
        # after the writing: what is receipted is not stuck, and is sent again all the same to an office that asks
        astray += await stuck.note(conn, found.stuck)
        await deliveries.resend_from(conn, found.requests)
        await self._bury(conn, records, found, outcome.dead, astray)
        _report(work, found)
        ring_on_commit(conn, BELL)

    async def _bury(
        self,
        conn: Connection,
        records: Sequence[Record],
        found: Sorted,
        dead: Sequence[tuple[int, Verdict]],
        astray: Sequence[int],
    ) -> None:
        misaddressed = Verdict(step="receipt", code="delivery.misaddressed")
        everything = [*found.dead, *dead, *((place, misaddressed) for place in sorted(set(astray)))]
        for place, verdict in everything:
            record = records[place]
            log.error(
                "message.buried",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                step=verdict.step,
                code=verdict.code,
            )
            await dead_letters.bury(conn, record, verdict)

    async def bury(self, conn: Connection, record: Record, error: Exception) -> None:
        """What the consumer found to fail for no reason the rules know: a defect of ours, kept for a person."""
        log.error("message.buried", topic=record.topic, offset=record.offset, step="unexpected", error=repr(error))
        await dead_letters.bury(conn, record, Verdict(step="unexpected", code="system.failed"))

    def committed(self, records: Sequence[Record]) -> None:
        """Bells are rung by the transaction itself."""


def _report(work: Work, found: Sorted) -> None:
    """One wide line per decided fact: who, what, verdict; no content."""
    for row in work.transfers:
        log.info(
            "transfer.decided",
            transfer=row["id"],
            type=row["type"],
            subject=row["subject"],
            organ=row["sender"],
            state=row["state"],
            verdict=row["verdict"] or None,
            traceparent=row["traceparent"],
        )
    if work.repeated or found.receipts:
        log.info("chunk.taken", facts=len(found.facts), answered_again=len(work.repeated), receipts=len(found.receipts))
