"""The system may speak for the organ. A fact without a named system needs at least one that may."""

from contracts.protocol import GATEWAY, Verdict
from gateway.enforcement.rules import Case

STEP = "competence"


def check(case: Case) -> Verdict | None:
    if case.level == GATEWAY:
        return None
    registry = case.registry
    if case.envelope.system:
        system = registry.systems.get(case.envelope.system)
        if system is None or case.sender not in system.organs:
            return case.refuse(STEP, "organ.forbidden")
        if system.suspended:
            return case.refuse(STEP, "system.suspended")
    elif not registry.speakers.get(case.sender):
        return case.refuse(STEP, "organ.forbidden")
    return _receiving_organ(case)


def _receiving_organ(case: Case) -> Verdict | None:
    """Only the receiving organ itself submits, under a code of its own."""
    if case.envelope.type != "dossier.submitted":
        return None
    registry, code = case.registry, case.payload["code"]
    receiving = registry.directory.find(case.payload["receiving_organ"], registry.on)
    if receiving is None or receiving.code != case.sender:
        return case.refuse(STEP, "organ.forbidden", "/receiving_organ")
    named = registry.directory.find(code.rsplit("-", 2)[0], registry.on)
    if named is None or named.code != case.sender:
        return case.refuse(STEP, "dossier.code_invalid", "/code")
    return None
