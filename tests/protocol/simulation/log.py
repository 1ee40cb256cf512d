"""A log that loses, doubles, cuts and wipes; and its readers. Order within a partition is all it promises."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from .wire import Message

PARTITIONS = 2
Place = tuple[str, int]
"""(topic, partition)."""


class Fate(StrEnum):
    """What becomes of one append."""

    KEPT = "kept"
    LOST = "acknowledged, but gone"
    DOUBLED = "stored twice"
    UNACKED = "stored, but the ack is lost"
    FAILED = "not stored, and the sender knows"


class SendFailed(Exception):
    """The sender has no ack."""


def partition_of(key: str) -> int:
    return int(key[-1], 36) % PARTITIONS


@dataclass
class Log:
    """`fate` decides each append; `cluster` changes when all data is deleted."""

    fate: Callable[[], Fate]
    cluster: int = 1
    records: dict[Place, list[Message | None]] = field(default_factory=dict)
    committed: dict[tuple[str, str, int], int] = field(default_factory=dict)
    starts: dict[Place, int] = field(default_factory=dict)
    appended: int = 0

    def append(self, topic: str, key: str, message: Message) -> tuple[int, int]:
        """(partition, offset) of the record; raises `SendFailed` where there is no ack."""
        fate, partition = self.fate(), partition_of(key)
        self.appended += 1
        if fate is Fate.FAILED:
            raise SendFailed
        held = self.records.setdefault((topic, partition), [])
        held.append(None if fate is Fate.LOST else message)
        if fate is Fate.DOUBLED:
            held.append(message)
        if fate is Fate.UNACKED:
            raise SendFailed
        return partition, len(held) - 1

    def start(self, place: Place) -> int:
        return self.starts.get(place, 0)

    def end(self, place: Place) -> int:
        return len(self.records.get(place, ()))

    def passed(self, group: str, place: Place) -> int | None:
        """How far the group has committed, None if it never did."""
        return self.committed.get((group, *place))

    def cut(self, place: Place, keep: int) -> None:
        """The newest records of a partition are gone (an unclean change of leader)."""
        del self.records.get(place, [])[keep:]
        self.starts[place] = min(self.start(place), self.end(place))

    def expire(self, place: Place, first: int) -> None:
        """The oldest records of a partition are gone (its retention is over, or they were deleted)."""
        self.starts[place] = max(self.start(place), min(first, self.end(place)))

    def recreate(self, topic: str) -> None:
        """One topic is deleted, with its offsets, and made anew; nothing tells."""
        self.records = {place: held for place, held in self.records.items() if place[0] != topic}
        self.starts = {place: first for place, first in self.starts.items() if place[0] != topic}
        self.committed = {key: offset for key, offset in self.committed.items() if key[1] != topic}

    def wipe(self, *, noticeable: bool) -> None:
        """All data and all offsets are deleted; `noticeable` when the cluster id tells."""
        self.records.clear()
        self.starts.clear()
        self.committed.clear()
        if noticeable:
            self.cluster += 1


@dataclass(frozen=True, slots=True)
class Chunk:
    place: Place
    first: int
    next: int
    messages: tuple[Message, ...]


class Reader:
    """One process's consumer: positions are volatile, commits are the group's."""

    def __init__(self, log: Log, group: str) -> None:
        self._log = log
        self._group = group
        self._positions: dict[Place, int] = {}
        self._cluster = log.cluster

    def read(self, place: Place, limit: int) -> Chunk | None:
        """The next records, None at the end. A position out of range is log loss: back to the beginning. Who begins
        where nothing is committed commits that he does."""
        start, passed = self._log.start(place), self._log.passed(self._group, place)
        if passed is None and place not in self._positions:
            self._log.committed[(self._group, *place)] = start
        position = self._positions.setdefault(place, start if passed is None else passed)
        if not start <= position <= self._log.end(place):
            position = start
            self._cluster = -1
        records = self._log.records.get(place, [])[position : position + limit]
        if not records:
            self._positions[place] = position
            return None
        self._positions[place] = position + len(records)
        return Chunk(place, position, self._positions[place], tuple(record for record in records if record is not None))

    def saw_loss(self) -> bool:
        """Whether the log is another one than before, by cluster id or an out-of-range fetch. True once."""
        lost = self._cluster != self._log.cluster
        self._cluster = self._log.cluster
        return lost

    def rewind(self) -> None:
        """Back to the beginning of everything; reading again is harmless."""
        self._positions = {place: self._log.start(place) for place in self._positions}

    def commit(self, chunk: Chunk) -> None:
        self._log.committed[(self._group, *chunk.place)] = chunk.next

    def back(self, chunk: Chunk) -> None:
        """Reads the chunk again."""
        self._positions[chunk.place] = chunk.first

    def forget(self, place: Place) -> None:
        """The partition was given to another process, or the process starts anew."""
        self._positions.pop(place, None)

    def restart(self) -> None:
        self._positions.clear()
        self._cluster = self._log.cluster
