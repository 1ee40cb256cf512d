"""How much a system may send: token buckets for its requests and the bytes of their bodies, two seconds deep.

A quota counts per process, in its memory: a program that runs as n processes lets n times as much through.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from contracts.problems import HubError
from services.kernel.settings import Settings

BURST_SECONDS: Final = 2.0
DEFAULT_REQUESTS_PER_SECOND: Final = 200
DEFAULT_BYTES_PER_SECOND: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    """None: no bound; of a system, the hub's default."""

    requests_per_second: int | None = None
    bytes_per_second: int | None = None


def default_of(settings: Settings) -> Quota:
    """Of systems whose registry entry says nothing; local mode has none unless it is set."""
    requests, size = settings.quota_requests_per_second, settings.quota_bytes_per_second
    if settings.local:
        return Quota(requests, size)
    return Quota(requests or DEFAULT_REQUESTS_PER_SECOND, size or DEFAULT_BYTES_PER_SECOND)


class _Bucket:
    """Full at first. A cost beyond the burst needs a full bucket and leaves a debt."""

    __slots__ = ("_at", "level", "rate")

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        self.level = rate * BURST_SECONDS
        self._at = now

    def refill(self, rate: int, now: float) -> None:
        self.level = min(self.level + (now - self._at) * self.rate, rate * BURST_SECONDS)
        self.rate = rate
        self._at = now

    def wait(self, cost: int) -> float:
        """Seconds until the cost can be taken; 0 or less: now."""
        return (min(cost, self.rate * BURST_SECONDS) - self.level) / self.rate


class Load:
    """What the body of one request weighs: `declared` beforehand, or None when only the stream will tell."""

    __slots__ = ("charged", "declared", "draw", "seen")

    def __init__(self, declared: int | None) -> None:
        self.declared = declared
        self.seen = 0
        self.charged = False
        self.draw: Callable[[int, int], None] | None = None

    def add(self, count: int) -> None:
        """More of the body came; refuses what is beyond the caller's quota."""
        if self.declared is None:
            self.seen += count
            if self.draw is not None:
                self.draw(count, self.seen)


class Quotas:
    """Of all systems of one process; `monotonic` is a clock in seconds."""

    def __init__(self, default: Quota, monotonic: Callable[[], float]) -> None:
        self._default = default
        self._monotonic = monotonic
        self._requests: dict[str, _Bucket] = {}
        self._bytes: dict[str, _Bucket] = {}

    def charge(self, client_id: str, quota: Quota, load: Load | None = None) -> None:
        """Takes one request and its body from the system's quota, once per request, or raises `quota.exceeded` and
        takes nothing. A body of unknown size is taken as it comes."""
        if load is not None:
            if load.charged:
                return
            load.charged = True
        requests = self._bucket(
            self._requests, client_id, quota.requests_per_second or self._default.requests_per_second
        )
        if requests is not None and requests.wait(1) > 0:
            raise _exceeded("requests", requests, requests.wait(1))
        if load is not None and load.declared != 0:
            self._charge_body(client_id, quota.bytes_per_second or self._default.bytes_per_second, load)
        if requests is not None:
            requests.level -= 1

    def _charge_body(self, client_id: str, rate: int | None, load: Load) -> None:
        bucket = self._bucket(self._bytes, client_id, rate)
        if bucket is None:
            return
        cost = load.seen if load.declared is None else load.declared
        if (wait := bucket.wait(cost)) > 0:
            raise _exceeded("bytes of request bodies", bucket, wait)
        bucket.level -= cost
        if load.declared is None:

            def draw(count: int, own: int) -> None:
                """A stream may run into debt by its own size; it is cut when others alone have used up the quota."""
                bucket.refill(bucket.rate, self._monotonic())
                bucket.level -= count
                if bucket.level + own < 0:
                    raise _exceeded("bytes of request bodies", bucket, -bucket.level / bucket.rate)

            load.draw = draw

    def _bucket(self, buckets: dict[str, _Bucket], client_id: str, rate: int | None) -> _Bucket | None:
        if rate is None:
            return None
        now = self._monotonic()
        bucket = buckets.get(client_id)
        if bucket is None:
            bucket = buckets[client_id] = _Bucket(rate, now)
        else:
            bucket.refill(rate, now)
        return bucket


def _exceeded(what: str, bucket: _Bucket, wait: float) -> HubError:
    retry = str(max(1, math.ceil(wait)))
    return HubError("quota.exceeded", f"the quota of {what}: {bucket.rate} per second", headers={"Retry-After": retry})
