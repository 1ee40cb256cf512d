"""Schedules of the protocol."""

import pytest

from services.kernel.messaging.retry import DELIVERY, UNROUTED, UNSETTLED, Schedule, backoff


@pytest.mark.parametrize(
    ("schedule", "waits"),
    [
        (UNROUTED, [10, 30, 120, 600, 3600, 3600]),
        (UNSETTLED, [120, 600, 3600, 86400, 86400]),
        (DELIVERY, [30, 120, 600, 3600, 21600, 21600]),
    ],
)
def test_waits_follow_the_protocol_and_the_last_goes_on(schedule: Schedule, waits: list[float]) -> None:
    assert [schedule.after(attempts) for attempts in range(1, len(waits) + 1)] == waits


def test_a_schedule_can_be_scaled_but_not_empty() -> None:
    assert UNROUTED.scaled(0.1).after(1) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="positive"):
        Schedule(())


def test_backoff_doubles_to_a_limit() -> None:
    assert [backoff(n, first=1, limit=5) for n in range(5)] == [1, 2, 4, 5, 5]
    assert backoff(10_000) == 5
