"""One call of `Producer.send`: which record was queued, refused or answered, and what that means for its key."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from services.kernel.messaging.records import Ack, Outgoing, SendFailure

Answer = asyncio.Future[Any]
Result = Ack | SendFailure


class Sending:
    """Collects one result per message, in their order. A key that failed once has no ack after that."""

    def __init__(self, messages: Sequence[Outgoing]) -> None:
        self._messages = messages
        self._answers: list[Answer | SendFailure] = []
        self._refused: dict[str, SendFailure] = {}
        self._broken: str | None = None

    def remaining(self) -> Iterator[Outgoing]:
        """Messages to queue, one after the other: without those of a refused key, until something broke."""
        for message in self._messages:
            if self._broken is not None:
                return
            before = self._refused.get(message.key)
            if before is None:
                yield message
            else:
                self._answers.append(SendFailure(message, before.reason, before.away))

    def queued(self, message: Outgoing, answer: Answer) -> None:
        self._answers.append(answer)

    def refused(self, message: Outgoing, reason: str) -> None:
        """This record can never be sent."""
        failure = SendFailure(message, reason, away=False)
        self._refused[message.key] = failure
        self._answers.append(failure)

    def broken(self, reason: str) -> None:
        """Nothing more can be queued now."""
        self._broken = reason

    async def wait(self) -> None:
        answers = [answer for answer in self._answers if isinstance(answer, asyncio.Future)]
        if answers:
            await asyncio.wait(answers)

    def all_failed(self, reason: str) -> list[Result]:
        return [SendFailure(message, reason, away=True) for message in self._messages]

    def results(self) -> list[Result]:
        """What is known now; unanswered records count as failed."""
        results: list[Result] = []
        failed: dict[str, SendFailure] = {}
        for place, message in enumerate(self._messages):
            answer = self._answers[place] if place < len(self._answers) else None
            result = _result(message, answer, self._broken or "no answer in time")
            before = failed.get(message.key)
            if before is not None and isinstance(result, Ack):
                result = SendFailure(message, "an earlier record of the key failed", before.away)
            if isinstance(result, SendFailure):
                failed.setdefault(message.key, result)
            results.append(result)
        return results


def _result(message: Outgoing, answer: Answer | SendFailure | None, unanswered: str) -> Result:
    if isinstance(answer, SendFailure):
        return answer
    if answer is None:
        return SendFailure(message, unanswered, away=True)
    if not answer.done():
        answer.cancel()
        return SendFailure(message, unanswered, away=True)
    if answer.cancelled():
        return SendFailure(message, "cancelled", away=True)
    error = answer.exception()
    if error is not None:
        return SendFailure(message, type(error).__name__, away=type(error).__name__ not in _RECORD_ERRORS)
    metadata = answer.result()
    # A duplicate is answered without an offset: -1, to which aiokafka adds the place in the batch. The start of the
    # log, absent from such an answer, gives it away. It is no ack: where the record lies is not known.
    if metadata.offset < 0 or metadata.log_start_offset is None or metadata.log_start_offset < 0:
        return SendFailure(message, "ack without an offset", away=True)
    return Ack(message, metadata.partition, metadata.offset)


_RECORD_ERRORS = frozenset({"MessageSizeTooLargeError", "RecordListTooLargeError", "InvalidMessageError"})
