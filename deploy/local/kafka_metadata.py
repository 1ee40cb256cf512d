"""What a broker says of its cluster, asked on the wire without a client library: who is a member, who leads what, which
replicas are in sync."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

# the request is at version 2: the first that answers with the cluster's id
METADATA, METADATA_VERSION = 3, 2
ALL_TOPICS, NO_TOPICS = -1, 0
ANSWER_SECONDS = 2.0


@dataclass(frozen=True)
class Partition:
    """One partition as a broker sees it; `leader` is -1 while there is none."""

    topic: str
    number: int
    leader: int
    replicas: frozenset[int]
    in_sync: frozenset[int]


@dataclass(frozen=True)
class State:
    """`cluster_id` is None, and there are no brokers, as long as the one that was asked is not yet a member."""

    cluster_id: str | None
    brokers: frozenset[int]
    partitions: tuple[Partition, ...] = ()


def state_of(port: int, *, topics: bool = False) -> State | None:
    """Ask the broker on this port; None while it does not answer. `topics`: with all partitions, internal ones too."""
    header = struct.pack(">hhih", METADATA, METADATA_VERSION, 1, -1)
    request = header + struct.pack(">i", ALL_TOPICS if topics else NO_TOPICS)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as stream:
                (size,) = struct.unpack(">i", stream.read(4))
                return _Answer(stream.read(size)).state()
    except (OSError, struct.error, UnicodeDecodeError):
        return None


class _Answer:
    """Reads the response from its beginning to its end; a text is its length and its bytes, -1 is none."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def state(self) -> State:
        self._number("i")  # correlation id
        brokers = frozenset([self._broker() for _ in range(self._number("i"))])
        cluster_id = self._text()
        self._number("i")  # controller
        partitions = [each for _ in range(self._number("i")) for each in self._topic()]
        return State(cluster_id if brokers else None, brokers, tuple(partitions))

    def _broker(self) -> int:
        node = self._number("i")
        self._text()  # host
        self._number("i")  # port
        self._text()  # rack
        return node

    def _topic(self) -> list[Partition]:
        self._number("h")  # error
        name = self._text() or ""
        self._number("b")  # internal
        return [self._partition(name) for _ in range(self._number("i"))]

    def _partition(self, topic: str) -> Partition:
        self._number("h")  # error
        number, leader = self._number("i"), self._number("i")
        return Partition(topic, number, leader, self._nodes(), self._nodes())

    def _nodes(self) -> frozenset[int]:
        return frozenset([self._number("i") for _ in range(self._number("i"))])

    def _number(self, kind: str) -> int:
        (number,) = struct.unpack_from(f">{kind}", self._content, self._place)
        self._place += struct.calcsize(f">{kind}")
        return int(number)

    def _text(self) -> str | None:
        length = self._number("h")
        if length < 0:
            return None
        self._place += length
        return self._content[self._place - length : self._place].decode()
