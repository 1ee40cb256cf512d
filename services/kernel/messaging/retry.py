"""When something is sent again: the schedules of the protocol, pure."""

from dataclasses import dataclass

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Schedule:
    """Waits after the first, second, … sending; the last one goes on for ever."""

    delays: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.delays or min(self.delays) <= 0:
            raise ValueError("a schedule needs positive delays")

    def after(self, attempts: int) -> float:
        """Seconds to wait when it was sent `attempts` times (1 = once)."""
        return self.delays[min(max(attempts, 1), len(self.delays)) - 1]

    def scaled(self, factor: float) -> "Schedule":
        return Schedule(tuple(delay * factor for delay in self.delays))


UNROUTED = Schedule((1.0, 5.0, 30.0, 2 * MINUTE, 10 * MINUTE, HOUR))
"""Facts the gateway has not answered."""

UNSETTLED = Schedule((2 * MINUTE, 10 * MINUTE, HOUR, DAY))
"""Facts the gateway has routed and not all recipients have receipted."""

DELIVERY = Schedule((30.0, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR))
"""Deliveries without a receipt."""


def backoff(attempts: int, *, first: float = 0.2, limit: float = 5.0) -> float:
    """Doubling wait of a loop whose counterpart is away."""
    return float(min(first * 2 ** min(attempts, 16), limit))
