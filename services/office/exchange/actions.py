"""What a chunk does to the office: facts received and receipted, word about own facts taken, what is missing asked for.

Everything happens in the caller's one transaction, subjects locked first, organs' inbox counters last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from contracts.envelope import Envelope, rfc3339
from contracts.messages.receipt import BATCH
from contracts.protocol import GATEWAY
from services.kernel.bulk import Reads, Writes
from services.kernel.clock import Clock
from services.kernel.connection import Connection
from services.kernel.messaging.inbox import advance, last_hops, lock_subjects
from services.kernel.messaging.outbox import Outbox
from services.office.attachments.actions import Attachments
from services.office.attachments.rules import Via
from services.office.attachments.store import Grant
from services.office.doors import About, Addressee, Door, Fact, Visit
from services.office.exchange import rules, store, words
from services.office.exchange.rules import Hop, Plan, Word
from services.office.exchange.store import Answered, Stuck
from services.office.inbox import actions as inbox
from services.office.inbox.actions import NewItem
from services.office.keeping import Cutoff
from services.office.transfers.actions import Transfers
from services.office.transfers.journal import Journal

MAX_BATCH_BYTES = 200 * 1024
ROUNDING = timedelta(days=1)
"""The id of a fact, by which its receipt goes, is a little older than the time it bears."""
HOP_STUCK = "control.hop-stuck"

Effect = tuple[Fact, str]
"""A fact and the organ that takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """How the office speaks to the gateway."""

    outbox: Outbox
    clock: Clock
    source: str
    topic: str

    def send(self, writes: Writes, told: Mapping[str, Sequence[bytes]]) -> None:
        """Receipts or controls by kind, each in as few records as they fit into."""
        envelopes = [self._batch(kind, part) for kind, items in told.items() for part in batches(items)]
        self.outbox.append(writes, self.topic, envelopes)

    def _batch(self, message_type: str, items: Sequence[bytes]) -> Envelope:
        name = self.clock.new_id()
        return Envelope(
            id=name,
            source=self.source,
            type=message_type,
            subject=self.topic,
            partitionkey=name,
            time=self.clock.hub_now(),
            value=b'{"items":[' + b",".join(items) + b"]}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Takes chunks of `deliver.*`. `waits` are the seconds after which stuck hops are tried again; a receipt may be
    gone after `receipts_months`."""

    doors: Sequence[Door]
    transfers: Transfers
    attachments: Attachments
    post: Post
    waits: Sequence[float] = field(default=rules.STUCK_SECONDS)
    receipts_months: int = 24

    def door_of(self, message_type: str) -> Door | None:
        return next((door for door in self.doors if message_type in door.types), None)

    async def take(self, conn: Connection, hops: Sequence[Hop], told: Sequence[Word], sizes: Mapping[str, int]) -> None:
        """All effects of a chunk. `sizes` are those of the attachments copied in for it, by digest.

        What is read under the locks is read at once, and what comes of it is written at once, at the end.
        """
        about = words.about(told)
        await lock_subjects(conn, _subjects(hops) | {item["subject"] for word in told for item in word.items})
        await words.resend(conn, self.transfers, told)
        reads, writes = Reads(), Writes()
        last = last_hops(reads, _subjects(hops))
        stuck = store.stuck_among(reads, _subjects(hops))
        journal = self.transfers.journal(reads, {rules.identity(item) for _, item in about})
        visits = self._visits(reads, hops, about, journal)
        await reads.run(conn)
        plan = rules.plan(hops, dict(last), {subject for (subject,) in stuck})
        now = self.post.clock.hub_now()
        again = await self._answer_again(conn, plan.again, now)
        refusals = await _receive(conn, visits, plan.take, now)
        kept = _effects(plan.take, refusals)
        journal.receive(kept, now)
        await self._share(conn, kept, sizes)
        items = [item for each in kept if (item := self._item(*each))]
        items += await words.take(conn, journal, visits, about)
        answers = [(_answered(hop), _answer(hop, refusals, now)) for hop in plan.take]
        told_of_stuck = await self._keep_stuck(conn, plan)
        journal.write(writes)
        for _, visit in visits:
            visit.write(writes)
        store.add_receipts(writes, answers, now)
        advance(writes, plan.hops)
        sent = {
            "receipt.handed-over": [*(answer for _, answer in answers), *again],
            "control.resend-requested": [_request(*each) for each in plan.ask.items()],
            HOP_STUCK: [_stuck(each) for each in told_of_stuck],
        }
        self.post.send(writes, sent)
        inbox.add(writes, items, now)
        await writes.run(conn)

    async def hold(self, conn: Connection, hop: Hop, reason: str) -> bool:
        """Keeps a hop that cannot be applied for a reason nobody foresaw; False when its turn is not now."""
        await lock_subjects(conn, [hop.subject])
        reads = Reads()
        last = last_hops(reads, [hop.subject])
        await reads.run(conn)
        plan = rules.plan([rules.with_problem(hop, reason)], dict(last), set())
        await self.tell_stuck(conn, await self._keep_stuck(conn, plan))
        return bool(plan.stuck)

    def _visits(
        self, reads: Reads, hops: Sequence[Hop], about: Sequence[tuple[Word, words.Item]], journal: Journal
    ) -> list[tuple[Door, Visit]]:
        told = {(item["subject"], item["id"]) for _, item in about}
        subject = About(subjects=_subjects(hops) | {code for code, _ in told}, told=told)
        return [(door, door.visit(reads, subject, journal.answer)) for door in self.doors]

    async def _share(self, conn: Connection, kept: Sequence[Effect], sizes: Mapping[str, int]) -> None:
        grants = [grant for fact, organ in kept for grant in self._grants(fact, organ)]
        await self.attachments.share(conn, {digest: sizes[digest] for digest, *_ in grants}, grants)

    async def _answer_again(self, conn: Connection, hops: Sequence[Hop], now: datetime) -> list[bytes]:
        """What was answered before. Without an answer a hop would be sent for ever, so when the receipt of one is no
        longer kept, the subject's records speak; of one too young for that nothing is known, and nothing is said."""
        repeated = {_answered(hop): hop for hop in sorted(hops, key=lambda hop: not hop.voided)}
        kept = await store.receipts(conn, repeated)
        old = Cutoff.months_ago(self.post.clock, self.receipts_months).hub + ROUNDING
        forgotten = [hop for name, hop in repeated.items() if name not in kept and hop.envelope.time < old]
        facts = [Fact(hop.envelope, hop.payload) for hop in forgotten if not hop.voided]
        refusals: dict[Addressee, str] = {}
        for door in self.doors:
            mine = [fact for fact in facts if fact.envelope.type in door.types]
            if mine:
                refusals |= await door.lacking(conn, mine)
        answers = [_answer(hop, refusals, now) for hop in forgotten if not (hop.voided and hop.problem)]
        return [*kept.values(), *answers]

    def _grants(self, fact: Fact, organ: str) -> list[Grant]:
        door = self.door_of(fact.envelope.type)
        if door is None:
            return []
        via = Via.DOSSIER if door.kind(fact.envelope.type) == "dossier" else Via.DOCUMENT
        return [(digest, organ, via) for digest in door.digests(fact)]

    def _item(self, fact: Fact, organ: str) -> NewItem | None:
        envelope, door = fact.envelope, self.door_of(fact.envelope.type)
        if door is None:
            return None
        return NewItem(
            organ=organ,
            transfer=envelope.id,
            kind=door.kind(envelope.type),
            type=envelope.type,
            subject=envelope.subject,
            sender=envelope.sender,
            href=door.href(envelope.subject),
            data=envelope.value,
        )

    async def _keep_stuck(self, conn: Connection, plan: Plan) -> list[Stuck]:
        """Returns what the operators do not know yet; a retry was told when it was claimed."""
        await store.free(conn, plan.freed)
        now = self.post.clock.machine_now()
        times = {"now": now, "due_at": now + timedelta(seconds=self.waits[0])}
        new: list[Stuck] = []
        for subject, hop in plan.stuck.items():
            kept = await store.stick(conn, (subject, hop.number), hop.record, reason=hop.problem, times=times)
            if hop.record.partition != store.RETRY_PARTITION:
                new.append(kept)
        return new

    async def tell_stuck(self, conn: Connection, stuck: Sequence[Stuck]) -> None:
        """The operators see at the gateway what waits here and why; nothing of the message but codes."""
        writes = Writes()
        self.post.send(writes, {HOP_STUCK: [_stuck(each) for each in stuck]})
        await writes.run(conn)


async def _receive(
    conn: Connection, visits: Sequence[tuple[Door, Visit]], hops: Sequence[Hop], now: datetime
) -> dict[Addressee, str]:
    """Has each slice take its facts; a fact that nobody here receives any more took effect all the same."""
    facts = [Fact(hop.envelope, hop.payload) for hop in hops if not hop.voided]
    refusals: dict[Addressee, str] = {}
    for door, visit in visits:
        mine = [fact for fact in facts if fact.envelope.type in door.types]
        if mine:
            refusals |= await visit.receive(conn, mine, now)
    stamps = {hop.subject: hop.envelope.stamp for hop in hops if hop.voided and hop.envelope.stamp}
    if stamps:
        for _, visit in visits:
            visit.mirror(stamps)
    return refusals


def _effects(hops: Sequence[Hop], refusals: Mapping[Addressee, str]) -> list[Effect]:
    return [
        (Fact(hop.envelope, hop.payload), organ)
        for hop in hops
        if not hop.voided
        for organ in hop.envelope.recipients
        if Addressee(hop.envelope.id, organ) not in refusals
    ]


def _subjects(hops: Sequence[Hop]) -> set[str]:
    return {hop.subject for hop in hops}


def batches(items: Sequence[bytes]) -> list[list[bytes]]:
    """Items cut into records of at most BATCH items and MAX_BATCH_BYTES."""
    parts: list[list[bytes]] = []
    size = 0
    for item in items:
        if not parts or len(parts[-1]) >= BATCH or size + len(item) > MAX_BATCH_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(item)
        size += len(item) + 1
    return parts


def _answered(hop: Hop) -> Answered:
    return Answered(hop.transfer, hop.subject, hop.number)


def _answer(hop: Hop, refusals: Mapping[Addressee, str], now: datetime) -> bytes:
    mine = {each.organ: code for each, code in refusals.items() if each.transfer == hop.envelope.id}
    return orjson.dumps(rules.receipt(hop, mine, rfc3339(now)))


def _stuck(hop: Stuck) -> bytes:
    return orjson.dumps(
        {
            "subject": hop.subject,
            "hopsequence": hop.hopsequence,
            "reason": rules.code_of(hop.reason),
            "since": rfc3339(hop.since),
            "attempts": hop.attempts,
        }
    )


def _request(subject: str, first: int) -> bytes:
    return orjson.dumps({"subject": subject, "emitter": GATEWAY, "first": first})
