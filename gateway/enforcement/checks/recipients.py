"""Recipients named by the fact exist at the date and are not suspended; refused as a whole when none is left.

A document to a closed organ with several successors waits for a person, so the organ counts as reached. A dossier is
not handed to nobody in particular: who offers it or names the deciding organ writes the successor. Parties of a dossier
are not named by the fact: who is told follows from custody, and routing settles each.
"""

from contracts.directory import UNDECIDED
from contracts.protocol import Verdict
from gateway.enforcement.rules import Case
from gateway.routing.rules import route

STEP = "recipients"


def check(case: Case) -> Verdict | None:
    named, pointer = _named(case)
    if not named:
        return case.refuse(STEP, "recipient.none") if case.envelope.type.startswith("document.") else None
    offices_only = case.envelope.type.startswith("dossier.")
    registry = case.registry
    way = route(case.sender, named, registry.on, registry.directory, offices_only=offices_only, choices=case.choices)
    waits = None if offices_only else UNDECIDED
    reached = tuple(leg.organ for leg in way.legs if leg.problem in (None, waits))
    if not reached:
        return case.refuse(STEP, way.legs[0].problem or "recipient.none", pointer)
    case.recipients = reached
    return None


def _named(case: Case) -> tuple[tuple[str, ...], str]:
    kind, payload = case.envelope.type, case.payload
    if kind == "dossier.submitted":
        deciding = payload.get("deciding_organ")
        return ((deciding,) if deciding else ()), "/deciding_organ"
    if kind == "dossier.transferred":
        return (payload["to"],), "/to"
    if kind.startswith("document."):
        return case.envelope.recipients, ""
    return (), ""
