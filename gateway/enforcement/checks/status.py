"""The status move is allowed. Runs behind custody, which leaves the verdict on the status to this step."""

from contracts import custody
from contracts.custody import Refusal
from contracts.protocol import Verdict
from gateway.enforcement.rules import Case


def check(case: Case) -> Verdict | None:
    if case.move is None or case.after is not None or case.state.dossier is None:
        return None
    outcome = custody.decide(case.state.dossier, case.move)
    return case.refuse(outcome.step, outcome.code, outcome.pointer) if isinstance(outcome, Refusal) else None
