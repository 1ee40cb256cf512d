"""How far the readers of what is sent have come: asked beside the sending, which never waits for the answer."""

import asyncio
from collections.abc import Mapping, Sequence

from contracts import protocol
from services.kernel.messaging.kafka import Admin
from services.kernel.messaging.records import Ack, BrokerAway, TopicPartition, Unread
from services.kernel.messaging.unread import MAX_OFFSET
from services.kernel.pause import end

WAIT = range(MAX_OFFSET)
"""Unread as far as anybody knows."""


class Readers:
    """One question at a time. `readers` names the group that reads each topic."""

    def __init__(self, admin: Admin, readers: Mapping[str, str]) -> None:
        self._admin = admin
        self._readers = readers
        self._question: asyncio.Task[Unread | None] | None = None
        self._acked: dict[TopicPartition, int] = {}

    def ask(self) -> None:
        """Begins a question, unless one is under way."""
        if self._question is None:
            self._acked.clear()
            self._question = asyncio.create_task(self._ask())

    def sent(self, acks: Sequence[Ack]) -> None:
        """These lie in the log, where an answer that was asked for before may not show them."""
        for ack in acks:
            place = TopicPartition(ack.outgoing.topic, ack.partition)
            self._acked[place] = max(ack.offset, self._acked.get(place, -1))

    def answer(self) -> Unread | None:
        """The answer to the last question, once; None as long as there is none, also when the cluster gave none."""
        if self._question is None or not self._question.done():
            return None
        question, self._question = self._question, None
        unread = question.result()
        return unread and {p: range(r.start, max(r.stop, self._acked.get(p, -1) + 1)) for p, r in unread.items()}

    @property
    def asked(self) -> set[asyncio.Task[Unread | None]]:
        """The question under way, to wait for."""
        return set() if self._question is None else {self._question}

    async def forget(self) -> None:
        """Whatever was asked until now is of no use any more."""
        question, self._question = self._question, None
        if question is not None:
            await end(question)

    async def _ask(self) -> Unread | None:
        """Nothing is sent again before the readers can be asked."""
        try:
            return await self._unread()
        except BrokerAway:
            return None

    async def _unread(self) -> Unread:
        """Commits first: what is written between the two questions counts as unread. Silence keeps back only what it
        is about: the topics of a group that cannot be asked, a partition that nobody leads."""
        passed: dict[TopicPartition, int] = {}
        groups, silent = set(self._readers.values()), set()
        for group in sorted(groups):
            try:
                found = await self._admin.committed(group)
            except BrokerAway:
                silent.add(group)
            else:
                passed |= {place: offset for place, offset in found.items() if self._readers.get(place.topic) == group}
        if groups and silent == groups:
            raise BrokerAway("no group can be asked for its offsets")
        hushed = {topic for topic, group in self._readers.items() if group in silent}
        bounds = await self._admin.bounds({place.topic for place in passed} | hushed)
        unread = {
            place: protocol.unread(passed=offset, start=bounds[place][0], end=bounds[place][1])
            if place in bounds
            else WAIT
            for place, offset in passed.items()
        }
        return unread | {place: WAIT for place in bounds if place.topic in hushed}
