"""The connector to the national axis: claims, sends and records; fetches, accepts and only then says `done`.

Network calls happen between transactions. Repeats are harmless both ways: a file sent again is byte-identical and gets
the same DocId, a message fetched again is the same fact.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from contracts.edxml.attachments import Attachment as File
from contracts.edxml.attachments import iterate_attachments
from contracts.edxml.errors import EdxmlError
from contracts.edxml.model import Document
from contracts.edxml.reader import read
from contracts.envelope import Envelope
from contracts.messages.base import Attachment
from contracts.problems import HubError
from contracts.protocol import GATEWAY
from gateway.delivery import actions as delivery
from gateway.national import incoming, rules, store
from gateway.national.client import AxisClient, AxisRefused, AxisUnavailable, MessageType
from gateway.national.incoming import Arrived
from gateway.national.rules import EDXML, Unfit
from gateway.national.store import Claim
from gateway.subjects import store as subjects
from gateway.transfers import store as transfers
from gateway.work import Desk, Work, context_of
from services.kernel.database import Database, ring_on_commit
from services.kernel.messaging.outbox import BELL
from services.kernel.messaging.retry import Schedule
from services.kernel.vault import Vault

HOLD_SECONDS = 180.0
ASIDE_SECONDS = 15.0
ASIDE_LIMIT_SECONDS = 3600.0
ASIDE_REMEMBERED = 10_000
RETRY = Schedule((2.0, 10.0, 60.0, 300.0, 1800.0, 3600.0))
REFUSED = "axis.refused"
OURS_TO_MEND = ("15", "local")
"""Wrong credentials of ours, an answer too large for us: no verdict on the document, so nothing is closed."""

log = structlog.get_logger(__name__)

Accept = Callable[[Any, Work, list[Envelope]], Awaitable[None]]
"""The gateway's one way in for facts (`ingest.actions`), whose subjects are held; joined in main."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """`organ` is how the hub signs its TraceHeader: the province's code."""

    database: Database
    client: AxisClient
    vault: Vault
    desk: Desk
    accept: Accept
    source: str
    organ: str
    retry: Schedule = RETRY
    aside: "Aside" = field(default_factory=lambda: Aside())

    async def take_over(self) -> None:
        """Before the first transfer under a lease: what another worker was killed over, or could not note, is due."""
        async with self.database.transaction() as conn:
            await store.free(conn, hold_seconds=HOLD_SECONDS)

    async def send_next(self) -> bool:
        """Sends the oldest transfer due; False when none is. A failure of the axis is noted and tried again later."""
        async with self.database.single() as conn:
            claim = await store.claim(conn, hold_seconds=HOLD_SECONDS)
        if claim is None:
            return False
        try:
            sender, kind, data = await self._file(claim)
            message_type: MessageType = "status" if kind == "document.status-changed" else "edoc"
            doc_id = await self.client.send_edoc(data, sender=sender, to=claim.organs, message_type=message_type)
        except AxisRefused as error:
            log.error("axis.refused", transfer=claim.identity[1], step="send", code=error.code)
            if error.code in OURS_TO_MEND:
                await self._postpone(claim)
            else:
                await self._record(claim, code=REFUSED, doc_id="")
        except (AxisUnavailable, HubError) as error:
            log.warning("axis.unavailable", transfer=claim.identity[1], step="send", error=type(error).__name__)
            await self._postpone(claim)
        else:
            log.info("axis.handed_over", transfer=claim.identity[1], subject=claim.subject, doc_id=doc_id)
            await self._record(claim, code="", doc_id=doc_id)
        return True

    async def _postpone(self, claim: Claim) -> None:
        async with self.database.single() as conn:
            await store.postpone(conn, claim, self.retry.after(claim.attempts))

    async def _file(self, claim: Claim) -> tuple[str, str, bytes]:
        """Sender, kind and bytes; built once, kept in the vault, the same at every attempt."""
        async with self.database.read() as conn:
            fact = await store.fact(conn, claim.identity)
        if claim.file:
            return fact["sender"], fact["type"], await self._read(GATEWAY, claim.file)
        payload = rules.payload_of(self.desk.sealer.open(fact["sealed"], context_of(*claim.identity)))
        original = payload.get("original")
        listed = payload.get("document", {}).get("attachments", []) if not original else []
        is_recall = fact["type"] == "document.recalled" and not original
        data = rules.outgoing(
            fact["type"],
            payload,
            sender=fact["sender"],
            organs=claim.organs,
            directory=self._directory(),
            at=claim.at,
            original=await self._read(fact["origin"], original["sha256"]) if original else None,
            files=[File(a["name"], await self._read(fact["origin"], a["sha256"])) for a in listed],
            hub=self.organ,
            about=await self._issued(claim.subject) if is_recall else None,
        )
        file = File("message.edxml", data).sha256
        await self.vault.put(GATEWAY, file, _once(data))
        async with self.database.transaction() as conn:
            await store.keep_file(conn, claim, file)
        return fact["sender"], fact["type"], data

    async def _issued(self, subject: str) -> dict[str, Any] | None:
        """The fields of a document as it was issued."""
        async with self.database.read() as conn:
            known = (await subjects.documents(conn, [subject])).get(subject)
            fact = await store.fact(conn, (known.issued_source, known.issued_id)) if known else None
        if fact is None or known is None:
            return None
        sealed = self.desk.sealer.open(fact["sealed"], context_of(known.issued_source, known.issued_id))
        fields: dict[str, Any] = rules.payload_of(sealed)["document"]
        return fields

    async def _record(self, claim: Claim, *, code: str, doc_id: str) -> None:
        """The outcome, as an office's receipt would be taken: delivery, transfer state, word to the sender."""
        async with self.database.transaction() as conn:
            work = self.desk.begin(await subjects.lock(conn, (), existing=[claim.subject]))
            at = None if code else work.hub_now
            organs = await store.finish(conn, claim, code=code, doc_id=doc_id, at=at)
            for organ in organs:
                await delivery.conclude(conn, work, claim.identity, organ)
            await delivery.tell(conn, work)
            ring_on_commit(conn, BELL)

    async def fetch(self, message_type: MessageType) -> int:
        """Takes what waits at the axis for our organs; returns how many messages. One that cannot be read or taken
        never holds up the others: it is told `fail`, left alone for a while and then looked at again."""
        taken = 0
        for item in await self.client.received(message_type):
            if self.aside.holds(item.doc_id):
                continue
            try:
                envelopes = await self._take(item.doc_id)
                await self.client.update_status(item.doc_id, "done")
            except (EdxmlError, Unfit) as error:
                log.error("axis.message_unfit", doc_id=item.doc_id, step="fetch", code=_word(error))
                self.aside.put(item.doc_id)
                await self._tell_failure(item.doc_id, _word(error))
            except (AxisUnavailable, AxisRefused) as error:
                log.warning("axis.message_unavailable", doc_id=item.doc_id, step="fetch", code=type(error).__name__)
                self.aside.put(item.doc_id)
            else:
                taken += 1
                for envelope in envelopes:
                    log.info("axis.received", transfer=envelope.id, type=envelope.type, doc_id=item.doc_id)
        return taken

    async def _tell_failure(self, doc_id: str, word: str) -> None:
        with suppress(AxisUnavailable, AxisRefused):  # it is looked at again, and told then
            await self.client.update_status(doc_id, "fail", word[:100])

    async def _take(self, doc_id: str) -> list[Envelope]:
        """Durable before `done`: attachments in the vault, the facts decided and committed."""
        data = await self.client.get_edoc(doc_id)
        message = read(data)
        now = self.desk.clock.hub_now()
        if isinstance(message, Document):
            envelopes = incoming.facts(await self._arrived(message, data, now))
        else:
            directory = self._directory()
            envelopes = [rules.status_fact(message, data=data, source=self.source, directory=directory, at=now)]
        async with self.database.transaction() as conn:
            states, _ = await subjects.hold(conn, {envelope.subject for envelope in envelopes})
            work = self.desk.begin(states)
            await self.accept(conn, work, envelopes)
            code = ""
            for envelope in envelopes:
                code = code or await self._verdict(conn, work, envelope)
            ring_on_commit(conn, BELL)
        if code:
            raise Unfit(code)
        return envelopes

    async def _arrived(self, message: Document, data: bytes, now: datetime) -> Arrived:
        """The files inside kept, and what the gateway knows of the documents it names."""
        directory = self._directory()
        named = incoming.mentioned(message, rules.organ_of(directory, message.sender.organ_id, now))
        async with self.database.read() as conn:
            known = await subjects.documents(conn, named)
        return Arrived(
            message=message,
            data=data,
            source=self.source,
            directory=directory,
            at=now,
            attachments=[await self._keep(file) for file in iterate_attachments(data)],
            original=await self._keep(File("van-ban.edxml", data), EDXML),
            known=known,
        )

    async def _verdict(self, conn: Any, work: Work, envelope: Envelope) -> str:
        """Why the fact was refused, or nothing."""
        verdict = (await transfers.known(conn, [(envelope.source, envelope.id)]))[envelope.source, envelope.id]
        code = str(rules.payload_of(verdict.verdict.encode())["code"]) if verdict.verdict else ""
        known = code == "document.exists" and await self._is_known(conn, work, envelope)
        return "" if known else code

    async def _is_known(self, conn: Any, work: Work, envelope: Envelope) -> bool:
        """The same document in another copy (a TraceHeader more): it was taken, so it is `done`."""
        issued = work.states[envelope.subject].document
        if issued is None:
            return False
        given = rules.payload_of(envelope.value)["document"]
        identity = (issued.issued_source, issued.issued_id)
        fact = await store.fact(conn, identity)
        if fact is None:  # the content is kept for a while only, what the document is called for ever
            code = "/".join(part for part in (given.get("number"), given.get("notation")) if part)
            return (issued.code, issued.promulgated_on) == (code, given.get("promulgated_on") or "")
        payload = rules.payload_of(self.desk.sealer.open(fact["sealed"], context_of(*identity)))
        return bool(payload["document"] == given)

    async def _keep(self, file: File, media_type: str | None = None) -> Attachment:
        await self.vault.put(GATEWAY, file.sha256, _once(file.content))
        return Attachment(
            sha256=file.sha256, name=file.name, media_type=media_type or file.media_type, size=len(file.content)
        )

    async def _read(self, namespace: str, sha256: str) -> bytes:
        return b"".join([bytes(chunk) async for chunk in await self.vault.read(namespace, sha256)])

    def _directory(self) -> Any:
        return self.desk.begin({}).registry.directory


class Aside:
    """Messages at the axis that could not be taken, and until when they are left alone. Forgotten at a restart."""

    def __init__(self, *, seconds: float = ASIDE_SECONDS) -> None:
        self._seconds = seconds
        self._until: dict[str, tuple[int, float]] = {}

    def holds(self, doc_id: str) -> bool:
        return self._until.get(doc_id, (0, 0.0))[1] > time.monotonic()

    def put(self, doc_id: str) -> None:
        """Longer each time, up to an hour."""
        times = self._until.get(doc_id, (0, 0.0))[0] + 1
        wait = min(self._seconds * 4 ** (times - 1), ASIDE_LIMIT_SECONDS)
        self._until[doc_id] = (times, time.monotonic() + wait)
        if len(self._until) > ASIDE_REMEMBERED:
            self._until.pop(next(iter(self._until)))


def _word(error: Exception) -> str:
    """What is wrong in the codec's or the verdict's word: no content, in ASCII."""
    return f"{error.code} {error.path}" if isinstance(error, EdxmlError) else str(error)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
