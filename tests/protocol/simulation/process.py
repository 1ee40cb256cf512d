"""A process of either end: reads a chunk, locks its subjects, commits its effects, commits its offsets.

Each step is one the world may stop after: a pause keeps what was read and the locks, a crash loses both.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from .log import Chunk, Log, Place, Reader
from .relay import Outlet, Relay
from .wire import Fact, Message, Mistake, Violation, subjects_of


@dataclass
class Memory:
    """What a process holds beside the database; only mistakes put anything here."""

    parked: dict[tuple[str, str, int], Fact] = field(default_factory=dict)
    drawn: dict[tuple[str, str], int] | None = None


@dataclass
class Locks:
    """Row locks of one database, taken one after the other and held until the transaction ends."""

    held: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)

    def acquire(self, owner: str, subjects: Iterable[str]) -> bool:
        """True when all are held; False keeps those got so far. A circle of waiters is a deadlock."""
        for subject in subjects:
            if self.held.setdefault(subject, owner) != owner:
                self.waiting[owner] = subject
                self._look_for_circle(owner)
                return False
        self.waiting.pop(owner, None)
        return True

    def acquire_one(self, owner: str, subjects: Iterable[str]) -> None:
        """Takes the next lock only, so that another process may come in between."""
        for subject in subjects:
            if self.held.get(subject) != owner:
                self.acquire(owner, [subject])
                return

    def are_free(self, subjects: Iterable[str]) -> bool:
        return not any(subject in self.held for subject in subjects)

    def release(self, owner: str) -> None:
        self.held = {subject: holder for subject, holder in self.held.items() if holder != owner}
        self.waiting.pop(owner, None)

    def _look_for_circle(self, owner: str) -> None:
        seen, holder = {owner}, self.held.get(self.waiting[owner])
        while holder is not None and holder in self.waiting:
            if holder in seen:
                raise Violation("no deadlock", sorted(seen))
            seen.add(holder)
            holder = self.held.get(self.waiting[holder])


class Database(Outlet, Protocol):
    locks: Locks
    mistake: Mistake | None

    def take(self, messages: Iterable[Message], now: float, memory: Memory) -> None: ...
    def drawn_hops(self) -> dict[tuple[str, str], int]: ...


class Process:
    def __init__(self, name: str, database: Database, log: Log, group: str) -> None:
        self.name = name
        self.places: set[Place] = set()
        self.paused = False
        self._chunk: list[Chunk] = []
        self.relay = Relay(name, database, log)
        self._database = database
        self._reader = Reader(log, group)
        self._opened = self._locked = self._done = False
        self._memory = Memory()
        self._losses = 0

    def read(self, place: Place, limit: int, now: float) -> bool:
        """Fetches more of a partition of its own; until the transaction begins what is read of several is one chunk.
        On log loss everything open becomes due."""
        if self._opened or place not in self.places or any(part.place == place for part in self._chunk):
            return False
        if self._losses != self._database.losses:
            self._losses = self._database.losses
            self._reader.rewind()
        part = self._reader.read(place, limit)
        if self._reader.saw_loss():
            self._database.log_lost()
        if self._database.mistake is Mistake.UNLOCKED_HOP:
            self._memory.drawn = self._database.drawn_hops()
        self._chunk += [part] if part else []
        return part is not None

    def _messages(self) -> list[Message]:
        return [message for part in self._chunk for message in part.messages]

    def _subjects(self) -> list[str]:
        subjects = subjects_of(self._messages())
        return subjects if self._database.mistake is Mistake.UNSORTED_LOCKS else sorted(subjects)

    def lock_one(self) -> None:
        """Opens the transaction and takes its first free lock, no more."""
        if self._chunk and not self._done:
            self._opened = True
            self._database.locks.acquire_one(self.name, self._subjects())

    def lock(self) -> bool:
        """Opens the transaction; False while another process has one of the rows."""
        if not self._chunk or self._done or self._locked:
            return False
        self._opened = True
        self._locked = self._database.locks.acquire(self.name, self._subjects())
        return self._locked

    def commit(self, now: float) -> bool:
        if not self._locked or self._done:
            return False
        self._database.take(self._messages(), now, self._memory)
        self._database.locks.release(self.name)
        self._done = True
        return True

    def acknowledge(self) -> bool:
        """Commits the offsets of the partitions that are still its own."""
        if not self._done:
            return False
        for part in self._chunk:
            if part.place in self.places:
                self._reader.commit(part)
        self._end()
        return True

    def rollback(self) -> None:
        """The database refuses the transaction; the chunk is read again."""
        if self._chunk and not self._done:
            self._database.locks.release(self.name)
            for part in self._chunk:
                self._reader.back(part)
            self._end()

    def _end(self) -> None:
        self._chunk = []
        self._opened = self._locked = self._done = False

    def own(self, places: set[Place]) -> None:
        """The group gives it other partitions; a chunk in hand stays in hand."""
        for place in self.places ^ places:
            self._reader.forget(place)
        self.places = places

    def forget(self, place: Place) -> None:
        """Its next read of the partition starts from the group's offset."""
        self._reader.forget(place)

    def crash(self) -> None:
        """What was not committed is gone."""
        self._database.locks.release(self.name)
        self._reader.restart()
        self.relay.restart()
        self._memory = Memory()
        self._end()
        self.paused = False
