"""When something is sent again: the protocol's schedules as values that can be scaled, and a loop's own backoff."""

from dataclasses import dataclass

from contracts.protocol import ASK_AGAIN_SECONDS, DELIVERY_RESEND_SECONDS, FACT_RESEND_SECONDS, wait_seconds


@dataclass(frozen=True, slots=True)
class Schedule:
    """Waits after the first, second, … sending; the last one goes on for ever."""

    delays: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.delays or min(self.delays) <= 0:
            raise ValueError("a schedule needs positive delays")

    def after(self, attempts: int) -> float:
        """Seconds to wait when it was sent `attempts` times (1 = once)."""
        return wait_seconds(self.delays, attempts)

    def scaled(self, factor: float) -> "Schedule":
        return Schedule(tuple(delay * factor for delay in self.delays))


UNROUTED = Schedule(FACT_RESEND_SECONDS)
"""Facts the gateway has not answered."""

UNSETTLED = Schedule(ASK_AGAIN_SECONDS)
"""Facts the gateway has routed and not all recipients have receipted."""

DELIVERY = Schedule(DELIVERY_RESEND_SECONDS)
"""Deliveries without a receipt."""


def backoff(attempts: int, *, first: float = 0.2, limit: float = 5.0) -> float:
    """Doubling wait of a loop whose counterpart is away."""
    return float(min(first * 2 ** min(attempts, 16), limit))
