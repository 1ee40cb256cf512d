"""Two clocks."""

import uuid
from datetime import timedelta

from services.kernel.clock import SystemClock


def test_hub_time_is_shifted_and_ids_follow_machine_time() -> None:
    clock = SystemClock(offset_seconds=-3600)
    assert abs(clock.machine_now() - clock.hub_now() - timedelta(hours=1)) < timedelta(seconds=1)
    ids = [clock.new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    made = uuid.UUID(ids[0])
    assert made.version == 7
    assert abs((made.int >> 80) / 1000 - clock.machine_now().timestamp()) < 5
