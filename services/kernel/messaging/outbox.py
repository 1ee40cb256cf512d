"""An office's outbox: facts are numbered and written with what they tell, and climb unsent → sent → routed → settled.

Everything here runs inside the caller's transaction. What the relay does with the rows is in outbox_source.py.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import text

from contracts.envelope import Envelope, to_headers
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.kernel.database import ring_on_commit
from services.kernel.messaging.records import Headers, Identity
from services.kernel.messaging.retry import UNSETTLED, Schedule

# unsent ──ack──▶ sent ──receipt──▶ routed ──receipts──▶ settled
#   ▲  resend ◀─────┘ │               │ (asked again: stays routed, `pending`)
#   └─────────────────┴── refused, closed: final from any of the three, the number stays used

BELL = "outbox"

_NUMBER = text("""
    INSERT INTO emission AS e (subject, organ, source, last)
    SELECT n.subject, n.organ, :source, n.count
      FROM unnest(CAST(:subjects AS text[]), CAST(:organs AS text[]), CAST(:counts AS bigint[]))
           AS n(subject, organ, count)
     ORDER BY n.subject, n.organ
    ON CONFLICT (subject, organ, source) DO UPDATE SET last = e.last + excluded.last
    RETURNING subject, organ, last
""")

_FIRST = """
    INSERT INTO emission (subject, organ, source, last)
    SELECT n.subject, n.organ, :source, 1
      FROM unnest(CAST(:subjects AS text[]), CAST(:organs AS text[])) AS n(subject, organ) ORDER BY n.subject, n.organ
"""

_APPEND = """
    INSERT INTO outbox (source, envelope_id, topic, key, subject, organ, type, headers, value, digest, sequence)
    SELECT r.source, r.envelope_id, :topic, r.key, r.subject, r.organ, r.type, r.headers, r.value, r.digest, r.sequence
      FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[]), CAST(:keys AS text[]), CAST(:subjects AS text[]),
                  CAST(:organs AS text[]), CAST(:types AS text[]), CAST(:headers AS text[]), CAST(:values AS bytea[]),
                  CAST(:digests AS bytea[]), CAST(:sequences AS bigint[])) WITH ORDINALITY
           AS r(source, envelope_id, key, subject, organ, type, headers, value, digest, sequence, place)
     ORDER BY r.place
"""

_CLIMB = """
    WITH receipts AS (
        SELECT * FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[]), CAST(:states AS text[]),
                             CAST(:verdicts AS text[])) AS r(source, envelope_id, state, verdict)
    ), locked AS (
        SELECT o.id, r.state, r.verdict FROM receipts r JOIN outbox o USING (envelope_id, source)
         WHERE o.sequence IS NOT NULL AND o.state = ANY(CAST(:below AS text[]))
         ORDER BY o.id FOR UPDATE OF o
    )
    UPDATE outbox o SET state = locked.state, pending = false, routed_at = coalesce(o.routed_at, now()), {more}
      FROM locked WHERE o.id = locked.id
"""
_ROUTE = _CLIMB.format(more="attempts = 1, due_at = now() + make_interval(secs => :delay)")
_FINISH = _CLIMB.format(more="closed_at = now(), verdict = locked.verdict")
_RUNGS = """
    SELECT ROW(o.source, o.envelope_id, o.state)
      FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS r(source, envelope_id)
      JOIN outbox o USING (envelope_id, source) WHERE o.sequence IS NOT NULL
"""

_TAIL = text("""
    UPDATE outbox
       SET pending = true, round = round + 1, attempts = 0, state = CASE state WHEN 'sent' THEN 'unsent' ELSE state END
     WHERE subject = :subject AND organ = :organ AND source = :source AND sequence >= :first
    RETURNING sequence
""")

_PURGE = text("""
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE closed_at < now() - make_interval(days => :days) AND NOT pending
         ORDER BY closed_at LIMIT :limit)
""")

_UNROUTED_RUNGS = ("unsent", "sent")
_OPEN = (*_UNROUTED_RUNGS, "routed")


class Outbox:
    """Writes and settles the rows of one program. `source` names who numbers."""

    def __init__(self, source: str, *, unsettled: Schedule = UNSETTLED) -> None:
        self._source = source
        self._unsettled = unsettled

    async def number(self, conn: Connection, pairs: Sequence[tuple[str, str]]) -> list[int]:
        """The next sequence of each (subject, organ), in the order given; a pair may come several times.

        The counters stay locked until the transaction ends, and a rolled-back number is not used up.
        """
        counts = Counter(pairs)
        rows = await conn.execute(
            _NUMBER,
            {
                "source": self._source,
                "subjects": [subject for subject, _ in counts],
                "organs": [organ for _, organ in counts],
                "counts": list(counts.values()),
            },
        )
        upcoming = {(subject, organ): last - counts[subject, organ] + 1 for subject, organ, last in rows}
        numbers = []
        for pair in pairs:
            numbers.append(upcoming[pair])
            upcoming[pair] += 1
        return numbers

    def start(self, writes: Writes, pairs: Sequence[tuple[str, str]]) -> None:
        """Counts the first fact of each (subject, organ): its number is 1. The whole statement is refused (unique
        violation) if one of them has told of the subject before."""
        writes.add(
            _FIRST,
            {
                "source": self._source,
                "subjects": [subject for subject, _ in pairs],
                "organs": [organ for _, organ in pairs],
            },
        )

    def append(self, writes: Writes, topic: str, envelopes: Sequence[Envelope]) -> None:
        """Writes rows in the order given; the relay is woken when the transaction has committed."""
        if not envelopes:
            return
        writes.add(
            _APPEND,
            {
                "topic": topic,
                "sources": [envelope.source for envelope in envelopes],
                "ids": [envelope.id for envelope in envelopes],
                "keys": [envelope.key for envelope in envelopes],
                "subjects": [envelope.subject for envelope in envelopes],
                "organs": [envelope.sender for envelope in envelopes],
                "types": [envelope.type for envelope in envelopes],
                "headers": [headers_to_text(to_headers(envelope)) for envelope in envelopes],
                "values": [envelope.value for envelope in envelopes],
                "digests": [envelope.digest() for envelope in envelopes],
                "sequences": [envelope.sequence for envelope in envelopes],
            },
        )
        writes.ring(BELL)

    def rungs(self, reads: Reads, identities: Iterable[Identity]) -> "Rungs":
        """How far these facts are, to move them on. Their subjects must be locked before the read."""
        return Rungs(reads, sorted(set(identities)), delay=self._unsettled.after(1))

    async def tail_from(self, conn: Connection, subject: str, organ: str, first: int) -> list[int]:
        """Has everything of (subject, organ) from number `first` on sent again, in order; returns its numbers.

        A gap in the answer, or an empty one, means rows that are no longer kept.
        """
        rows = await conn.execute(_TAIL, {"source": self._source, "subject": subject, "organ": organ, "first": first})
        ring_on_commit(conn, BELL)
        return sorted(row.sequence for row in rows)

    async def purge(self, conn: Connection, *, days: int = 30, limit: int = 5000) -> int:
        """Deletes rows finished that long ago; returns how many."""
        return (await conn.execute(_PURGE, {"days": days, "limit": limit})).rowcount


class Rungs:
    """Facts on their way up, read once and written once. Only who has a fact's subject locked moves it beyond `sent`,
    so what was read holds until the commit."""

    def __init__(self, reads: Reads, identities: Sequence[Identity], *, delay: float) -> None:
        self._delay = delay
        self._found: Sequence[tuple[Any, ...]] = ()
        self._moved: dict[Identity, tuple[str, str | None]] = {}
        if identities:
            named = {"sources": [each.source for each in identities], "ids": [each.id for each in identities]}
            self._found = reads.add(_RUNGS, named)

    def routed(self, identities: Iterable[Identity]) -> set[Identity]:
        """The gateway holds these. Returns those that changed; one that is further already stays there."""
        return self._move("routed", dict.fromkeys(identities), below=_UNROUTED_RUNGS)

    def settled(self, identities: Iterable[Identity]) -> set[Identity]:
        """Every recipient holds these; implies routed, whatever order the receipts come in."""
        return self._move("settled", dict.fromkeys(identities), below=_OPEN)

    def refused(self, verdicts: Mapping[Identity, str]) -> set[Identity]:
        """The gateway refused these, with the verdict as JSON text. They keep their number and are not sent again."""
        return self._move("refused", verdicts, below=_OPEN)

    def closed(self, reasons: Mapping[Identity, str]) -> set[Identity]:
        """Closed by a person or by a conflict, with the reason as JSON text."""
        return self._move("closed", reasons, below=_OPEN)

    def write(self, writes: Writes) -> None:
        """What moved, each row to where it came to stand."""
        routed = [each for each, (state, _) in self._moved.items() if state == "routed"]
        finished = [each for each, (state, _) in self._moved.items() if state != "routed"]
        if routed:
            writes.add(_ROUTE, self._named(routed) | {"below": list(_UNROUTED_RUNGS), "delay": self._delay})
        if finished:
            writes.add(_FINISH, self._named(finished) | {"below": list(_OPEN)})

    @cached_property
    def _states(self) -> dict[Identity, str]:
        return {Identity(source, envelope_id): state for source, envelope_id, state in self._found}

    def _move(self, state: str, receipts: Mapping[Identity, str | None], *, below: Sequence[str]) -> set[Identity]:
        changed = {each for each in receipts if self._states.get(each) in below}
        for each in changed:
            self._states[each] = state
            self._moved[each] = (state, receipts[each])
        return changed

    def _named(self, identities: Sequence[Identity]) -> dict[str, list[str | None]]:
        moved = [self._moved[each] for each in identities]
        return {
            "sources": [each.source for each in identities],
            "ids": [each.id for each in identities],
            "states": [state for state, _ in moved],
            "verdicts": [verdict for _, verdict in moved],
        }


def headers_to_text(headers: Headers) -> str:
    """Headers as the table keeps them: ASCII JSON in the order they are sent."""
    return orjson.dumps([(name, value.decode("ascii")) for name, value in headers]).decode("ascii")


def headers_from_text(text_: str) -> Headers:
    return tuple((name, value.encode("ascii")) for name, value in orjson.loads(text_))
