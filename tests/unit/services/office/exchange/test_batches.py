"""Receipts travel in few records, none of them too large."""

from contracts.messages.receipt import BATCH
from services.office.exchange.actions import MAX_BATCH_BYTES, batches


def test_nothing_makes_no_record() -> None:
    assert batches([]) == []


def test_cuts_by_number() -> None:
    assert [len(part) for part in batches([b"x"] * (2 * BATCH + 1))] == [BATCH, BATCH, 1]


def test_cuts_by_size_and_keeps_order() -> None:
    items = [bytes([65 + number]) * (MAX_BATCH_BYTES // 2 - 1) for number in range(5)]

    parts = batches(items)

    assert [item for part in parts for item in part] == items
    assert all(sum(map(len, part)) <= MAX_BATCH_BYTES for part in parts)
    assert len(parts) == 3
