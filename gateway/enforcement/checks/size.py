"""Size of value and headers: large content travels as attachments by digest."""

from contracts.envelope import MAX_VALUE_BYTES
from contracts.protocol import Verdict
from gateway.enforcement.rules import Case


def check(case: Case) -> Verdict | None:
    too_large = len(case.envelope.value) > MAX_VALUE_BYTES
    return case.refuse("size", "size.too_large") if too_large else None
