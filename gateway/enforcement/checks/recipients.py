"""Recipients named by the fact exist at the date and are not suspended; refused as a whole when none is left.

Parties of a dossier are not named by the fact: who is told follows from custody, and routing settles each.
"""

from contracts.protocol import Verdict
from gateway.enforcement.rules import Case

STEP = "recipients"


def check(case: Case) -> Verdict | None:
    named, pointer = _named(case)
    if not named:
        return case.refuse(STEP, "recipient.none") if case.envelope.type.startswith("document.") else None
    resolutions = [case.registry.directory.resolve(code, case.registry.on) for code in named]
    reached = tuple(r.organ.code for r in resolutions if r.organ and not r.problem)
    if not reached:
        return case.refuse(STEP, resolutions[0].problem or "recipient.none", pointer)
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
