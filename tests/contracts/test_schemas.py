"""The frozen schemas: as the models say, closed, bounded, self-contained, and never changed once released."""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from contracts import generate, registry
from contracts.envelope import SCHEMA_PREFIX
from contracts.messages.base import Payload
from contracts.registry import Kind, Message
from tests.contracts import judges

FREE_TEXT = {"^[^\\u0000]*$", None}


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from nodes(item)
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)


def kinds_of(node: dict[str, Any]) -> list[str]:
    kind = node.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind) if isinstance(kind, list) else []


def test_generated_files_are_as_the_models_say() -> None:
    assert generate.complaints() == [], "run python -m contracts.generate, or make a new version of a released message"


def test_every_version_has_its_file_and_every_file_its_version() -> None:
    files = {path.relative_to(registry.SCHEMAS).with_suffix("").as_posix() for path in registry.SCHEMAS.glob("*/*")}
    assert files == set(judges.CONTRACTS)


def test_every_schema_is_released() -> None:
    assert {name.removesuffix(".json") for name in generate.released()} == set(judges.CONTRACTS)


@pytest.mark.parametrize("contract", judges.CONTRACTS)
def test_schema_is_a_schema_and_names_itself(contract: str) -> None:
    schema = judges.schema_of(contract)
    Draft202012Validator.check_schema(schema)
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["$schema"] == generate.DIALECT
    assert schema["$id"] == SCHEMA_PREFIX + contract
    assert schema["title"] == contract
    assert schema["description"]


@pytest.mark.parametrize("contract", judges.CONTRACTS)
def test_schema_is_closed_bounded_and_self_contained(contract: str) -> None:
    for node in nodes(judges.schema_of(contract)):
        kinds = kinds_of(node)
        if "object" in kinds:
            assert node["additionalProperties"] is False
        if "array" in kinds:
            assert node["maxItems"] <= 5000
        if "integer" in kinds:
            assert "enum" in node or {"minimum", "maximum"} <= set(node)
        if "string" in kinds:
            assert {"enum", "const", "pattern"} & set(node)
            assert {"enum", "const", "maxLength", "format"} & set(node) or "{" in node["pattern"]
        assert "number" not in kinds, "fractions are read differently by different readers"
        assert str(node.get("$ref", "#/$defs/")).startswith("#/$defs/")


@pytest.mark.parametrize("message", [m for m in registry.MESSAGES.values() if m.kind is Kind.EVENT], ids=str)
def test_event_has_no_room_for_names_or_free_text(message: Message) -> None:
    for node in nodes(judges.schema_of(message.contract)):
        if "string" in kinds_of(node) and "enum" not in node:
            assert node.get("pattern") not in FREE_TEXT


class Changed(Payload):
    """A model that grew a field."""

    added: bool


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(generate, "SCHEMAS", tmp_path / "contracts" / "schemas")
    monkeypatch.setattr(generate, "RELEASED", tmp_path / "contracts" / "schemas" / "RELEASED")
    (tmp_path / "contracts" / "schemas").mkdir(parents=True)
    return tmp_path / "contracts" / "schemas"


def with_model(monkeypatch: pytest.MonkeyPatch, message: Message) -> None:
    monkeypatch.setattr(generate, "MESSAGES", MappingProxyType({message.type: message}))


def test_released_version_refuses_a_changed_model(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert generate.main(["--release"]) == 0
    before = (elsewhere / "dossier.paid/v1.json").read_bytes()
    with_model(monkeypatch, Message("dossier.paid", Kind.FACT, Changed))
    assert any("dossier.paid/v1.json" in line and "make a new version" in line for line in generate.complaints())
    assert generate.main([]) == 1
    assert (elsewhere / "dossier.paid/v1.json").read_bytes() == before


def test_new_version_stands_beside_the_released_one(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert generate.main(["--release"]) == 0
    with_model(monkeypatch, Message("dossier.paid", Kind.FACT, Changed, version=2))
    assert [line for line in generate.complaints() if "missing" in line]
    assert generate.main([]) == 0
    assert generate.complaints() == []
    assert (elsewhere / "dossier.paid/v1.json").exists()
    assert (elsewhere / "dossier.paid/v2.json").exists()


def test_unreleased_version_is_written_anew(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert generate.main([]) == 0
    with_model(monkeypatch, Message("dossier.paid", Kind.FACT, Changed))
    assert generate.main(["--check"]) == 1
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


@pytest.mark.parametrize("spoil", ["change", "remove"])
def test_released_file_must_stay_as_it_is(elsewhere: Path, spoil: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--release"]) == 0
    path = elsewhere / "key.published/v1.json"
    if spoil == "remove":
        path.unlink()
    else:
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert generate.main(["--check"]) == 1
    assert "contracts/schemas/key.published/v1.json" in capsys.readouterr().err
