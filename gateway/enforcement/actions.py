"""The order of the checks and the verdict: the first that refuses decides."""

from collections.abc import Sequence

from contracts.protocol import Verdict
from gateway.enforcement.checks import competence, custody, documents, level, recipients, schema, size, status
from gateway.enforcement.rules import Case, Check

CHECKS: tuple[Check, ...] = (
    size.check,
    schema.check,
    level.check,
    competence.check,
    recipients.check,
    custody.check,
    status.check,
    documents.check,
)
"""Identity and sequence come before these (`ingest`): they decide whether a fact is looked at at all."""


def enforce(case: Case, checks: Sequence[Check] = CHECKS) -> Verdict | None:
    """Runs the checks in order on one fact; what they learn stays in the case."""
    if not checks:
        raise RuntimeError("a gateway without checks must not start")
    for check in checks:
        verdict = check(case)
        if verdict is not None:
            return verdict
    return None
