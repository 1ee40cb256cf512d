"""Two clocks: hub time (settable: domain dates, deadlines, tokens) and machine time (ids, retries, leases)."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import uuid_utils


class Clock(Protocol):
    """What the rest of the product may know of time; tests pass one that stands still."""

    def hub_now(self) -> datetime: ...

    def machine_now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def new_id(self) -> str: ...


class SystemClock:
    """The machine's clock; hub time is shifted by one constant offset."""

    def __init__(self, offset_seconds: float = 0.0) -> None:
        self._offset = timedelta(seconds=offset_seconds)

    def hub_now(self) -> datetime:
        return self.machine_now() + self._offset

    def machine_now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def new_id(self) -> str:
        """A UUIDv7 of machine time: ordered by time within one process, not across hosts."""
        return str(uuid_utils.uuid7())
