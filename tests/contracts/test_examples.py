"""Examples integrators learn from: every valid one fits, every invalid one fails for the reason its name gives."""

import json
from pathlib import Path

import pytest
import yaml

from contracts import registry
from tests.contracts import judges

VIOLATIONS = yaml.safe_load((judges.EXAMPLES / "violations.yaml").read_text(encoding="utf-8"))


def name(value: object) -> str:
    return value.stem if isinstance(value, Path) else str(value)


@pytest.mark.parametrize(("contract", "path"), judges.examples("valid"), ids=name)
def test_valid_example_satisfies_all_judges(contract: str, path: Path) -> None:
    value = path.read_bytes()
    assert registry.validate(contract, value) is None
    assert judges.accepted_by_jsonschema(contract, value)
    assert judges.accepted_by_model(contract, value)


@pytest.mark.parametrize(("contract", "path"), judges.examples("invalid"), ids=name)
def test_invalid_example_is_refused_by_all_judges(contract: str, path: Path) -> None:
    value = path.read_bytes()
    expected = VIOLATIONS[f"{contract}/{path.stem}"]
    assert registry.validate(contract, value) == registry.ContractViolation(expected["pointer"], expected["rule"])
    assert not judges.accepted_by_jsonschema(contract, value)
    assert not judges.accepted_by_model(contract, value)


@pytest.mark.parametrize("contract", judges.CONTRACTS)
def test_every_contract_has_examples(contract: str) -> None:
    assert len(list((judges.EXAMPLES / contract / "valid").glob("*.json"))) >= 1
    assert len(list((judges.EXAMPLES / contract / "invalid").glob("*.json"))) >= 2


def test_no_example_without_a_contract() -> None:
    folders = {path.relative_to(judges.EXAMPLES).as_posix() for path in judges.EXAMPLES.glob("*/*") if path.is_dir()}
    assert folders == set(judges.CONTRACTS)


def test_every_violation_names_an_invalid_example_and_back() -> None:
    assert set(VIOLATIONS) == {f"{contract}/{path.stem}" for contract, path in judges.examples("invalid")}


@pytest.mark.parametrize(("contract", "path"), judges.examples("valid"), ids=name)
def test_model_reads_every_version_and_writes_what_the_newest_takes(contract: str, path: Path) -> None:
    message = registry.MESSAGES[contract.split("/")[0]]
    model = message.model.model_validate_json(path.read_bytes())
    written = model.model_dump_json(exclude_none=True).encode()
    assert registry.validate(message.contract, written) is None or "null" in path.read_text(encoding="utf-8")
    assert registry.validate(message.contract, model.model_dump_json().encode()) is None


def test_examples_are_written_as_people_read_them() -> None:
    for _, path in judges.examples("valid"):
        text = path.read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=2) + "\n", path.name
