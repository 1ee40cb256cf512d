"""What becomes of a delivery that waited when its successor is known. Plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.protocol import DeliveryState as State
from gateway.routing.rules import Leg

Row = Mapping[str, Any]

SHARED = (
    "office",
    "hopsequence",
    "state",
    "code",
    "handed_over_at",
    "channel_at",
    "channel_file",
    "channel_id",
    "due_at",
)
"""What two deliveries of one transfer to one organ have in common: the record that carries them, and its outcome."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`hub` dates what people read, `machine` drives timers."""

    hub: datetime
    machine: datetime


def twin(leg: Leg, delivery: Row, others: Sequence[Row]) -> Row | None:
    """The delivery of the same transfer by which the successor gets it, or got it already. One that was refused or
    given up brings nothing to anybody, so it does not count."""
    reaching = (State.OPEN, State.HANDED_OVER)
    return next(
        (
            row
            for row in others
            if row["id"] != delivery["id"]
            and row["organ"] == leg.organ
            and row["waiting"] is None
            and row["state"] in reaching
        ),
        None,
    )


def released(leg: Leg, delivery: Row, *, shared: Row | None, number: int, at: Moment) -> dict[str, Any]:
    """The delivery on its way to the successor: with its twin, or else by a record of its own under this number."""
    own = {
        "office": leg.level.value if leg.level and leg.via == "office" else "",
        "hopsequence": number,
        "state": State.OPEN.value,
        "code": "",
        "handed_over_at": None,
        "channel_at": at.hub if leg.via == "axis" else None,
        "channel_file": "",
        "channel_id": "",
        "due_at": at.machine if leg.via == "axis" else None,
    }
    return {
        "transfer_id": delivery["transfer_id"],
        "id": delivery["id"],
        "organ": leg.organ,
        "level": leg.level.value if leg.level else "",
        "via": leg.via,
        "redirected_from": leg.redirected_from or delivery["redirected_from"],
        **({name: shared[name] for name in SHARED} if shared else own),
    }
