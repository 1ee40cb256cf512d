"""What counts as an ack, and what a failure means for its key."""

import asyncio
from types import SimpleNamespace

from services.kernel.messaging.records import Ack, Outgoing, SendFailure
from services.kernel.messaging.sending import Sending


def messages(*keys: str) -> list[Outgoing]:
    return [Outgoing("t", key, b"", (), (place,)) for place, key in enumerate(keys)]


def answered(offset: int, *, log_start: int | None = 0, partition: int = 0) -> asyncio.Future[object]:
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    future.set_result(SimpleNamespace(offset=offset, partition=partition, log_start_offset=log_start))
    return future


def failed(error: Exception) -> asyncio.Future[object]:
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    return future


def queue(sending: Sending, *answers: asyncio.Future[object]) -> None:
    for message, answer in zip(sending.remaining(), answers, strict=False):
        sending.queued(message, answer)


async def test_every_answered_record_is_acknowledged_where_it_lies() -> None:
    sending = Sending(messages("a", "b"))
    queue(sending, answered(7), answered(8, partition=1))
    await sending.wait()
    assert sending.results() == [Ack(messages("a")[0], 0, 7), Ack(messages("a", "b")[1], 1, 8)]


async def test_an_answer_without_an_offset_is_no_ack_even_in_the_middle_of_a_batch() -> None:
    sending = Sending(messages("a", "b", "c"))
    queue(sending, answered(-1), answered(0, log_start=-1), answered(1, log_start=None))
    assert all(isinstance(result, SendFailure) and result.away for result in sending.results())


async def test_after_a_failure_its_key_has_no_ack_and_other_keys_do() -> None:
    sending = Sending(messages("a", "b", "a"))
    queue(sending, failed(ConnectionError()), answered(1), answered(2))
    first, second, third = sending.results()
    assert isinstance(first, SendFailure)
    assert first.away
    assert isinstance(second, Ack)
    assert isinstance(third, SendFailure)


async def test_a_refused_record_keeps_later_ones_of_its_key_from_being_sent() -> None:
    sending = Sending(messages("a", "a", "b"))
    queued = []
    for message in sending.remaining():
        if message.ref == (0,):
            sending.refused(message, "too large")
        else:
            queued.append(message.ref)
            sending.queued(message, answered(1))
    assert queued == [(2,)]
    first, second, third = sending.results()
    assert [first.away, second.away] == [False, False]  # type: ignore[union-attr]
    assert isinstance(third, Ack)


async def test_what_was_not_answered_or_not_queued_is_a_failure() -> None:
    sending = Sending(messages("a", "b", "c"))
    pending: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    for message in sending.remaining():
        if message.ref == (0,):
            sending.queued(message, pending)
        else:
            sending.broken("no leader")
    assert [result.reason for result in sending.results()] == ["no leader"] * 3  # type: ignore[union-attr]
    assert pending.cancelled()
    assert [result.away for result in Sending(messages("a")).all_failed("x")] == [True]  # type: ignore[union-attr]
