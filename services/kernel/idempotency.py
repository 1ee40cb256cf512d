"""`Idempotency-Key`: the answer is kept in the transaction of the effect and given again to a repeat.

An answer that is known only after the commit is kept twice: what can be promised already, in the transaction of the
effect and held back for as long as the process may still be at it; then the final one. Whoever dies in between has
promised, and so has whoever stood still for longer: somebody may have been told.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import text

from contracts.problems import HubError
from services.kernel.bulk import Writes
from services.kernel.connection import Connection, Row
from services.kernel.crypto import Keyring
from services.kernel.database import Database

# begin ──▶ Fresh ──effect, finish──▶ kept 7 days ──▶ Replay
#    │        └──effect, finish with a hold──▶ held back ──finish or the hold ends──▶ kept   (drop: forgotten)
#    └──▶ idempotency.in_progress (concurrent or held back), idempotency.reused (another body)

KEPT_DAYS = 7
PURGE_AT_ONCE = 5000
MAX_KEY_CHARACTERS = 200
REPLAYED = {"Idempotency-Replayed": "true"}

_LOCK = text("""
    SELECT pg_try_advisory_xact_lock(lock) AS locked
      FROM unnest(CAST(:locks AS bigint[])) WITH ORDINALITY AS l(lock, place) ORDER BY place
""")
_FIND = text("""
    SELECT k.place, i.body_digest, i.status, i.answer, i.held_until > now() AS held
      FROM unnest(CAST(:clients AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[])) WITH ORDINALITY
           AS k(client, route, key, place)
      JOIN idempotency i USING (client, route, key)
     WHERE i.created_at > now() - make_interval(days => :days)
""")
_KEEP = """
    INSERT INTO idempotency (client, route, key, body_digest, status, answer, held_until)
    SELECT k.client, k.route, k.key, k.body_digest, k.status, k.answer, now() + make_interval(secs => :hold)
      FROM unnest(CAST(:clients AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[]), CAST(:digests AS bytea[]),
                  CAST(:statuses AS smallint[]), CAST(:answers AS bytea[]))
           AS k(client, route, key, body_digest, status, answer)
     ORDER BY k.client, k.route, k.key
    ON CONFLICT (client, route, key) DO UPDATE
       SET body_digest = excluded.body_digest, status = excluded.status, answer = excluded.answer,
           held_until = excluded.held_until, created_at = now()
     WHERE idempotency.held_until > clock_timestamp() OR idempotency.answer IS NULL
        OR idempotency.created_at <= now() - make_interval(days => :days)
"""
_KEEP_NOW = text(_KEEP)
_DROP = text("""
    DELETE FROM idempotency WHERE client = :client AND route = :route AND key = :key
       AND held_until > clock_timestamp()
""")
_HAVE = text("SELECT pg_advisory_xact_lock(:lock)")
_PURGE = text("""
    DELETE FROM idempotency WHERE (client, route, key) IN (
        SELECT client, route, key FROM idempotency WHERE created_at < now() - make_interval(days => :days)
         ORDER BY created_at LIMIT :limit)
""")


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request with a key. The hash is over the raw bytes of the body."""

    client: str
    route: str
    key: str
    body_digest: bytes = field(repr=False)

    @classmethod
    def of(cls, client: str, route: str, key: str, body: bytes) -> "Keyed":
        """Raises request.malformed for a key that is empty, too long or not printable ASCII."""
        if not key or len(key) > MAX_KEY_CHARACTERS or not key.isascii() or not key.isprintable():
            raise HubError("request.malformed", f"Idempotency-Key: 1 to {MAX_KEY_CHARACTERS} printable characters")
        return cls(client, route, key, sha256(body).digest())

    @property
    def context(self) -> bytes:
        return "\0".join(("idempotency", self.client, self.route, self.key)).encode()

    @property
    def lock(self) -> int:
        return int.from_bytes(sha256(self.context).digest()[:8], "big", signed=True)


@dataclass(frozen=True, slots=True)
class Fresh:
    """The request was not answered before: carry it out."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The first answer; send it with these headers, which say that it is one."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, orjson.dumps(body), headers or {})


class Idempotency:
    """Answers are sealed, since they may hold personal data. All functions run in the caller's transaction."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def once(
        self, conn: Connection, keyed: Keyed | None, work: Callable[[], Awaitable[Answer]]
    ) -> Answer | Replay:
        """The work's answer; with a key it is kept in the same transaction, and given again to a repeat."""
        if keyed is None:
            return await work()
        outcome = await self.begin(conn, keyed)
        if isinstance(outcome, Replay):
            return outcome
        answer = await work()
        await self.finish(conn, keyed, answer)
        return answer

    async def begin(self, conn: Connection, request: Keyed) -> Fresh | Replay:
        """Fresh or the first answer; raises idempotency.in_progress and idempotency.reused.

        The key stays locked until the transaction ends.
        """
        outcome = (await self.begin_many(conn, [request]))[0]
        if isinstance(outcome, HubError):
            raise outcome
        return outcome

    async def begin_many(self, conn: Connection, requests: Sequence[Keyed]) -> list[Fresh | Replay | HubError]:
        """One outcome per request, in order; of equal keys among them the later ones are in progress."""
        outcomes: list[Fresh | Replay | HubError] = [HubError("idempotency.in_progress") for _ in requests]
        first = {(r.client, r.route, r.key): place for place, r in reversed(list(enumerate(requests)))}
        places = sorted(first.values())
        locked = (await conn.execute(_LOCK, {"locks": [requests[place].lock for place in places]})).scalars().all()
        # Rows are read in a statement of their own: one that committed before the lock was free must be seen.
        free = [place for place, got in zip(places, locked, strict=True) if got]
        found = await self._find(conn, [requests[place] for place in free])
        for nth, place in enumerate(free):
            outcomes[place] = self._judge(requests[place], found.get(nth))
        return outcomes

    async def finish(
        self, conn: Connection, request: Keyed, answer: Answer, *, hold_seconds: float = 0.0, late: bool = False
    ) -> bool:
        """Keeps a 2xx answer; others are not kept, and what is held back is forgotten.

        With `hold_seconds` a repeat meets idempotency.in_progress for that long, unless this is called again sooner:
        `late`, in a transaction that did not `begin`. False when it came too late: what was held back is the answer
        for good.
        """
        if late:  # or a repeat could be told what is held back between the look at the clock and the commit
            await conn.execute(_HAVE, {"lock": request.lock})
        if 200 <= answer.status < 300:
            return await self._keep(conn, [(request, answer)], hold_seconds) == 1
        return await self.drop(conn, request)

    def finish_many(self, writes: Writes, answers: Sequence[tuple[Keyed, Answer]]) -> None:
        """Keeps the 2xx among the answers."""
        kept = [(request, answer) for request, answer in answers if 200 <= answer.status < 300]
        if kept:
            writes.add(_KEEP, self._kept(kept, 0.0))

    async def drop(self, conn: Connection, request: Keyed) -> bool:
        """Forgets what is held back: the next request with the key is fresh. False when nothing is held back."""
        await conn.execute(_HAVE, {"lock": request.lock})
        names = {"client": request.client, "route": request.route, "key": request.key}
        return (await conn.execute(_DROP, names)).rowcount == 1

    async def purge(self, database: Database, *, limit: int = PURGE_AT_ONCE) -> int:
        """Forgets what has had its time, so many in one transaction. Returns how many."""
        total, gone = 0, limit
        while gone == limit:
            async with database.transaction() as conn:
                gone = (await conn.execute(_PURGE, {"days": KEPT_DAYS, "limit": limit})).rowcount
            total += gone
        return total

    async def _find(self, conn: Connection, requests: Sequence[Keyed]) -> dict[int, Row]:
        if not requests:
            return {}
        rows = await conn.execute(
            _FIND,
            {
                "clients": [request.client for request in requests],
                "routes": [request.route for request in requests],
                "keys": [request.key for request in requests],
                "days": KEPT_DAYS,
            },
        )
        return {row.place - 1: row for row in rows}

    def _judge(self, request: Keyed, row: Row | None) -> Fresh | Replay | HubError:
        if row is None or row.answer is None:  # without an answer: of an earlier release, its process died
            return Fresh()
        if row.body_digest != request.body_digest:
            return HubError("idempotency.reused")
        if row.held:
            return HubError("idempotency.in_progress")
        kept = orjson.loads(self._keyring.open(row.answer, request.context))
        return Replay(row.status, base64.b64decode(kept["body"]), {**kept["headers"], **REPLAYED})

    async def _keep(self, conn: Connection, answers: Sequence[tuple[Keyed, Answer]], hold_seconds: float) -> int:
        """How many were kept."""
        return (await conn.execute(_KEEP_NOW, self._kept(answers, hold_seconds))).rowcount

    def _kept(self, answers: Sequence[tuple[Keyed, Answer]], hold_seconds: float) -> dict[str, Any]:
        return {
            "clients": [request.client for request, _ in answers],
            "routes": [request.route for request, _ in answers],
            "keys": [request.key for request, _ in answers],
            "digests": [request.body_digest for request, _ in answers],
            "statuses": [answer.status for _, answer in answers],
            "answers": [self._sealed(request, answer) for request, answer in answers],
            "hold": hold_seconds,
            "days": KEPT_DAYS,
        }

    def _sealed(self, request: Keyed, answer: Answer) -> bytes:
        plain = orjson.dumps({"headers": dict(answer.headers), "body": base64.b64encode(answer.body).decode()})
        return self._keyring.seal(plain, request.context)
