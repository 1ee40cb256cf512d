"""From when on old rows may go, in machine time and in hub time: ids bear the one, what is told and shown the other."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from services.kernel.clock import Clock
from services.kernel.partitions import months_before


@dataclass(frozen=True, slots=True)
class Cutoff:
    """The beginning of a month of machine time, and hub time at that moment."""

    machine: datetime
    hub: datetime

    @classmethod
    def months_ago(cls, clock: Clock, months: int) -> Self:
        """So many whole months lie between it and the month of now."""
        now = clock.machine_now()
        machine = months_before(now, months)
        return cls(machine, machine + (clock.hub_now() - now))

    def younger(self, column: str) -> str:
        """The condition that a row of hub time is not old, for a `Rule`."""
        return f"p.{column} >= CAST('{self.hub.isoformat()}' AS timestamptz)"
