"""The gateway checks by schema and reads by model, integrators check with libraries of their own: all must agree.

Valid examples are bent in one to three places, with values that have fooled validators before.
"""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import registry
from tests.contracts import judges

NASTY: list[Any] = [
    None, True, False, 0, 1, -1, 4, 4.0, 4.5, 1.0, 1e29, 2**53, 2**63, 2**70,
    "", " ", "4", "75.000", "true", "null", "\x00", "a\x00b", "\n", "03\n", "x" * 501, "x" * 2001, "Ñgữ 😀", "٣",
    "000.03.21.H28", "000.03.21.H28\n", "h28", "H28;1", "018fdb2a-7c10-700c-9d2e-5b8f0c3a1e0c",
    "018FDB2A-7C10-700C-9D2E-5B8F0C3A1E0C", "2024-06-03", "2024-02-30", "0000-01-01", "9999-12-31", "1000-01-01",
    "2024-06-03T08:00:00Z", "2024-06-03T08:00:00z", "2024-06-03 08:00:00Z", "2024-06-03T08:00Z", "2024-06-03T24:00:00Z",
    "2024-06-03T08:00:00.123456789+07:00", "2024-06-03T23:59:60Z", "2024-06-03T08:00:00+24:00",
    "2024-06-03T08:00:00-00:00", "2024-06-03T08:00:00+07:60", "1000-01-01T00:00:00+23:59", "2024-06-03T08:00:00Z\n",
    1717553550, [], {}, [""], [None], [[]], {"": ""}, {"name": "x"}, {"vi": "a", "en": "b"},
]  # fmt: skip
PAYLOADS = {
    contract: [json.loads(path.read_bytes()) for of, path in judges.examples("valid") if of == contract]
    for contract in judges.CONTRACTS
}


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else []
    return [path] * bool(path) + [place for step, member in members for place in places(member, (*path, step))]


@st.composite
def bent(draw: st.DrawFn) -> tuple[str, bytes]:
    contract = draw(st.sampled_from(judges.CONTRACTS))
    payload = copy.deepcopy(draw(st.sampled_from(PAYLOADS[contract])))
    for _ in range(draw(st.integers(1, 3))):
        if not (within := places(payload)):
            break
        *way, last = draw(st.sampled_from(within))
        parent = payload
        for step in way:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                parent[last] = copy.deepcopy(draw(st.sampled_from(NASTY)))
            case "remove":
                del parent[last]
            case "add" if isinstance(parent, dict):
                parent[draw(st.sampled_from(["extra", "Items", "", "code "]))] = copy.deepcopy(
                    draw(st.sampled_from(NASTY))
                )
    return contract, json.dumps(payload, ensure_ascii=draw(st.booleans())).encode()


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(bent())
def test_registry_jsonschema_and_model_agree(case: tuple[str, bytes]) -> None:
    contract, value = case
    verdict = judges.accepted_by_registry(contract, value)
    assert judges.accepted_by_jsonschema(contract, value) == verdict, "jsonschema judges otherwise"
    assert judges.accepted_by_model(contract, value) == verdict, "the model judges otherwise"


@settings(max_examples=500, deadline=None, derandomize=True)
@given(bent())
def test_violation_speaks_in_words_of_the_schema_only(case: tuple[str, bytes]) -> None:
    contract, value = case
    violation = registry.validate(contract, value)
    if violation is None:
        return
    words = names_in(judges.schema_of(contract))
    assert all(step.isdigit() or step in words for step in violation.pointer.split("/")[1:])
    assert violation.rule.isalpha()


def names_in(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(names_in, node))
    if not isinstance(node, dict):
        return set()
    return set(node.get("properties", {})).union(*map(names_in, node.values()))


@pytest.mark.parametrize("contract", judges.CONTRACTS)
def test_each_nasty_value_at_each_place_is_judged_alike(contract: str) -> None:
    payload = PAYLOADS[contract][0]
    for *way, last in places(payload):
        for nasty in NASTY:
            bent_one = copy.deepcopy(payload)
            parent = bent_one
            for step in way:
                parent = parent[step]
            parent[last] = nasty
            value = json.dumps(bent_one).encode()
            verdict = judges.accepted_by_registry(contract, value)
            assert judges.accepted_by_model(contract, value) == verdict, (way, last, nasty)
