"""The contract is a fact's, known, and the payload fits the version it declares."""

from contracts import registry
from contracts.protocol import Verdict
from contracts.registry import ContractViolation, Kind
from gateway.enforcement.rules import Case

STEP = "contract"


def check(case: Case) -> Verdict | None:
    envelope = case.envelope
    if not registry.is_known(envelope.contract) or registry.kind_of(envelope.type) is not Kind.FACT:
        return case.refuse(STEP, "contract.unknown")
    payload = registry.read(envelope.contract, envelope.value)
    if isinstance(payload, ContractViolation):
        return case.refuse(STEP, "contract.invalid", payload.pointer)
    case.payload = payload
    if envelope.type.startswith("dossier.") and payload["code"] != envelope.subject:
        return case.refuse(STEP, "contract.invalid", "/code")
    return None
