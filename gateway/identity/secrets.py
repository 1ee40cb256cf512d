"""Secrets of systems: made at random, kept as argon2id hashes, verified without holding up the loop.

Verifying is slow on purpose; what was verified once is remembered under a keyed digest, so asking again is cheap.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from contracts.problems import HubError

SECRET_BYTES = 32
MAX_SECRET_LENGTH = 256
# OWASP's least cost for argon2id: our secrets are random, so guessing is hopeless at any cost
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def make_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_secret(secret: str) -> str:
    """Takes some 25 ms of one core: on a loop, call it in a thread."""
    return _HASHER.hash(secret)


class SecretVerifier:
    """Answers from memory where it can; else hashes in its own threads, refusing when too many wait for them.

    The memory holds digests under a key of this process, never a secret. It cannot outlive a change: the hash is
    part of the digest, so a secret taken away or replaced is not found again.
    """

    def __init__(self, *, threads: int = 2, waiting: int = 64, remembered: int = 4096) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, bool] = OrderedDict()
        self._running: dict[bytes, asyncio.Task[bool]] = {}
        self._waiting = waiting
        self._remembered = remembered
        self.hashed = 0
        """How often a hash was really computed."""

    async def matching(self, secret: str, hashes: Sequence[str]) -> str | None:
        """The hash that is of this secret. Raises `system.overloaded` when too much is asked at once."""
        if len(secret) > MAX_SECRET_LENGTH:
            return None
        for hashed in hashes:
            if await self._matches(secret, hashed):
                return hashed
        return None

    async def matches(self, secret: str, hashes: Sequence[str]) -> bool:
        """True when one of the hashes is of this secret."""
        return await self.matching(secret, hashes) is not None

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _matches(self, secret: str, hashed: str) -> bool:
        digest = hmac.digest(self._key, f"{hashed}\0{secret}".encode(), hashlib.sha256)
        known = self._known.get(digest)
        if known is not None:
            self._known.move_to_end(digest)
            return known
        task = self._running.get(digest)
        if task is None:
            if len(self._running) >= self._waiting:
                raise HubError("system.overloaded")
            task = asyncio.create_task(self._compute(digest, secret, hashed))
            self._running[digest] = task
        # who asked may go away; others wait for the same answer
        return await asyncio.shield(task)

    async def _compute(self, digest: bytes, secret: str, hashed: str) -> bool:
        try:
            self.hashed += 1
            good = await asyncio.get_running_loop().run_in_executor(self._pool, _verify, hashed, secret)
            self._known[digest] = good
            if len(self._known) > self._remembered:
                self._known.popitem(last=False)
            return good
        finally:
            del self._running[digest]


def _verify(hashed: str, secret: str) -> bool:
    try:
        return _HASHER.verify(hashed, secret)
    except (VerificationError, InvalidHashError):
        return False
