"""Who may do this with the dossier, and in which epoch: the rules of `contracts.custody` against the locked state."""

from contracts import custody
from contracts.custody import Dossier, Move
from contracts.protocol import Verdict
from gateway.enforcement.rules import Case

STEP = "custody"
_ACTION_OF = {rule.message: name for name, rule in custody.ACTIONS.items() if name not in custody.STATUS_CHANGES} | {
    message: name for name, message in custody.CUSTODY_ACTIONS.items()
}


def check(case: Case) -> Verdict | None:
    if not case.envelope.type.startswith("dossier."):
        return None
    if case.envelope.type == "dossier.submitted":
        return _submit(case)
    if case.state.dossier is None:
        return case.refuse(STEP, "dossier.unknown")
    case.move = _move(case)
    outcome = custody.decide(case.state.dossier, case.move)
    if isinstance(outcome, Dossier):
        case.after = outcome
        return None
    return case.refuse(outcome.step, outcome.code, outcome.pointer) if outcome.step != "status" else None


def _submit(case: Case) -> Verdict | None:
    if case.state.dossier is not None:
        return case.refuse(STEP, "dossier.exists")
    deciding = case.recipients[0] if case.recipients else ""
    case.after = custody.submit(case.sender, deciding)
    return None


def _move(case: Case) -> Move:
    envelope, payload = case.envelope, case.payload
    return Move(
        action=payload.get("action") or _ACTION_OF[envelope.type],
        actor=case.sender,
        epoch=envelope.epoch,
        offer=payload.get("offer", ""),
        taker=case.recipients[0] if case.recipients else "",
    )
