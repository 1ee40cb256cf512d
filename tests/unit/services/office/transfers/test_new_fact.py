"""What the gateway would refuse by itself is refused before a fact is made, and names the contract."""

import pytest

from contracts.envelope import MAX_VALUE_BYTES
from contracts.problems import HubError
from services.office.transfers.actions import NewFact


def new_fact(value: bytes) -> NewFact:
    return NewFact(id="i", type="dossier.withdrawn", subject="H28.1-20260101-0000001", sender="H28.1", value=value)


@pytest.mark.parametrize("value", [b"{}", b"\xff"])
def test_a_payload_that_breaks_its_contract_is_refused_by_its_name(value: bytes) -> None:
    with pytest.raises(HubError) as refused:
        new_fact(value)
    assert refused.value.code == "contract.invalid"
    assert refused.value.contract == "dossier.withdrawn/v1"


def test_a_payload_larger_than_a_message_is_refused_before_it_is_read() -> None:
    with pytest.raises(HubError) as refused:
        new_fact(b" " * (MAX_VALUE_BYTES + 1))
    assert refused.value.code == "size.too_large"
