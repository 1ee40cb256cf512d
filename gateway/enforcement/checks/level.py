"""The topic's level is the sender's level, and the source is that level's office."""

from contracts.protocol import GATEWAY, Verdict
from gateway.enforcement.rules import Case

STEP = "level"


def check(case: Case) -> Verdict | None:
    envelope, registry = case.envelope, case.registry
    if envelope.source.partition(";")[0] != f"urn:lienthong:{registry.hub}:{case.level}":
        return case.refuse(STEP, "level.mismatch")
    resolution = registry.directory.resolve(envelope.sender, registry.on)
    organ = resolution.organ
    if organ is None or resolution.redirected_from:
        return case.refuse(STEP, "sender.unknown")
    if organ.suspended:
        return case.refuse(STEP, "sender.suspended")
    case.sender = organ.code
    on_axis = organ.home == "axis"
    right = on_axis if case.level == GATEWAY else (not on_axis and organ.level.value == case.level)
    return None if right else case.refuse(STEP, "level.mismatch")
