"""The relay of either end, in three steps that a pause or a crash may part: claim rows, send them, record the acks."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from contracts.protocol import is_log_loss

from .log import Log, Place, SendFailed
from .wire import Message

LEASE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`lane`: after an error nothing more of it is sent in this chunk. `ref` is how the database knows the row; an ack
    for an earlier `round` does not take the mark off a row that was asked for again meanwhile.
    """

    ref: Hashable
    topic: str
    key: str
    lane: str
    message: Message
    sendable: bool = True
    round: int = 0


@dataclass(slots=True)
class Lease:
    """One active relay per database; `fence` grows with each change of hands."""

    holder: str = ""
    fence: int = 0
    until: float = 0.0


class Outlet(Protocol):
    """A database as the relay sees it."""

    lease: Lease
    cluster: int
    losses: int
    acknowledged: dict[Place, int]

    def outgoing(self, now: float) -> list[Outgoing]: ...
    def sent(self, outgoing: Outgoing, partition: int, offset: int, now: float) -> None: ...
    def unsendable(self, outgoing: Outgoing) -> None: ...
    def log_lost(self) -> None: ...


class Relay:
    def __init__(self, name: str, outlet: Outlet, log: Log) -> None:
        self._name = name
        self._outlet = outlet
        self._log = log
        self.restart()

    def restart(self) -> None:
        self._todo: list[Outgoing] = []
        self._held: set[str] = set()
        self._acks: list[tuple[Outgoing, int, int]] = []
        self._refused: list[Outgoing] = []
        self._fence = 0

    def claim(self, now: float) -> bool:
        """Takes what is due, if the lease is free or its own; a changed cluster id makes everything due first."""
        lease = self._outlet.lease
        if self._todo or self._acks or self._refused or (lease.holder != self._name and now < lease.until):
            return False
        if lease.holder != self._name:
            lease.holder, lease.fence = self._name, lease.fence + 1
        lease.until, self._fence = now + LEASE_SECONDS, lease.fence
        if self._outlet.cluster != self._log.cluster:
            self._outlet.cluster = self._log.cluster
            self._outlet.log_lost()
        self._todo = self._outlet.outgoing(now)
        self._held = set()
        return bool(self._todo)

    def send(self, limit: int) -> bool:
        """Sends up to `limit` rows in order. The owner of a lease that ran out meanwhile does so too."""
        batch, self._todo = self._todo[:limit], self._todo[limit:]
        for outgoing in batch:
            if outgoing.lane in self._held:
                continue
            if not outgoing.sendable:
                self._refused.append(outgoing)
                self._held.add(outgoing.lane)
                continue
            try:
                partition, offset = self._log.append(outgoing.topic, outgoing.key, outgoing.message)
            except SendFailed:
                self._held.add(outgoing.lane)
            else:
                self._acks.append((outgoing, partition, offset))
        return bool(batch)

    def record(self, now: float) -> bool:
        """Writes the acks down, unless the lease has changed hands; an ack that goes back is log loss."""
        acks, self._acks = self._acks, []
        refused, self._refused = self._refused, []
        if self._fence != self._outlet.lease.fence:
            return bool(acks or refused)
        for outgoing, partition, offset in acks:
            place = (outgoing.topic, partition)
            if is_log_loss(self._outlet.acknowledged.get(place), offset):
                self._outlet.log_lost()
            self._outlet.acknowledged[place] = offset
            self._outlet.sent(outgoing, partition, offset, now)
        for outgoing in refused:
            self._outlet.unsendable(outgoing)
        return bool(acks or refused)
