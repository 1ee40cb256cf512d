"""When burying turns into stopping."""

import pytest

from services.kernel.messaging.limits import DeadLetterLimit, TooManyDeadLetters


def test_a_few_unexpected_errors_are_buried() -> None:
    limit = DeadLetterLimit(allowed=3, share=0.1, window_seconds=60)
    for moment in range(3):
        limit.count_buried(moment)
    assert limit.tripped(3)
    with pytest.raises(TooManyDeadLetters):
        limit.count_buried(3)
    assert not limit.tripped(61), "the window has moved on"
    limit.count_buried(61)


def test_many_are_buried_as_long_as_they_are_a_small_share() -> None:
    limit = DeadLetterLimit(allowed=3, share=0.1, window_seconds=60)
    limit.count_done(1000, 0)
    for _ in range(100):
        limit.count_buried(1)
    assert not limit.tripped(1)
    assert limit.tripped(61), "what went well is out of the window, the burials are not"
