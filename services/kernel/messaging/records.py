"""What goes to and comes from the log, and the ways a broker can fail, as plain values that know no Kafka client.

Topics are the logical names of contracts/topics; only kafka.py adds the prefix of the cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Headers = tuple[tuple[str, bytes], ...]


class BrokerAway(Exception):
    """The broker cannot be reached or is not ready; nothing is lost, try again."""


class LogLost(Exception):
    """Records that were in the log are gone: readers start again, unsettled work is sent again."""


class TopicPartition(NamedTuple):
    topic: str
    partition: int


Unread = Mapping[TopicPartition, range]
"""Offsets ahead of the group that reads the partition (`contracts.protocol.unread`); what is not named is not waited
for."""


class Identity(NamedTuple):
    """What names an envelope everywhere."""

    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to send. `ref` is the source's own reference to the row; records of one key keep their order."""

    topic: str
    key: str
    value: bytes | None = field(repr=False)
    headers: Headers = field(repr=False)
    ref: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ack:
    """The broker holds the record at this offset."""

    outgoing: Outgoing
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class SendFailure:
    """The record is not known to be in the log. `away` = nothing is wrong with the record itself."""

    outgoing: Outgoing
    reason: str
    away: bool


@dataclass(frozen=True, slots=True)
class Record:
    """One record read from the log."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None = field(repr=False)
    headers: Headers = field(repr=False)
    timestamp_ms: int = 0

    @property
    def size(self) -> int:
        return len(self.value or b"") + sum(len(name) + len(text or b"") for name, text in self.headers)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be; an existing one is left as it is."""

    name: str
    partitions: int
    replication: int = 1
    configs: Mapping[str, str] = field(default_factory=dict)
