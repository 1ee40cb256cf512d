"""The registry: a closed list, and a check that answers for any input and never repeats it."""

import json
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema_rs import ValidationError

from contracts import registry
from contracts.registry import MESSAGES, ContractViolation, Kind

PAID = "dossier.paid/v1"
CODE = "000.03.21.H28-20240603-0000012"
FINE = orjson.dumps({"code": CODE, "at": "2024-06-05T09:12:30+07:00", "amount": 75000})


def changed(**fields: object) -> bytes:
    return orjson.dumps({**orjson.loads(FINE), **fields})


def test_payload_that_fits_has_no_violation_and_is_handed_on_parsed() -> None:
    assert registry.validate(PAID, FINE) is None
    assert registry.read(PAID, FINE) == orjson.loads(FINE)


@pytest.mark.parametrize(
    "contract", ["", "dossier.paid", "dossier.paid/v0", "dossier.paid/v2", "dossier.paid/v01", "../registry/v1", "x/v1"]
)
def test_unknown_contract_is_known_to_be_unknown(contract: str) -> None:
    assert not registry.is_known(contract)
    assert registry.validate(contract, FINE) == ContractViolation("", "contract")


def test_every_listed_contract_is_known_and_compiles() -> None:
    registry.warm()
    assert all(registry.is_known(contract) for message in MESSAGES.values() for contract in message.contracts)


@pytest.mark.parametrize("gone", ["contract.published", "procedure.published"])
def test_what_is_not_built_is_not_known(gone: str) -> None:
    assert not registry.is_known(f"{gone}/v1")
    assert registry.kind_of(gone) is None


def test_facts_are_the_ones_the_protocol_numbers() -> None:
    facts = {name for name, message in MESSAGES.items() if message.kind is Kind.FACT}
    assert {name.split(".")[0] for name in facts} == {"dossier", "document", "message"}
    assert len(facts) == 19
    assert registry.kind_of("delivery.voided") is Kind.CONTROL
    assert registry.kind_of("receipt.handed-over") is Kind.RECEIPT


def test_newest_version_is_the_one_to_write() -> None:
    assert MESSAGES["dossier.paid"].contract == PAID


@pytest.mark.parametrize(
    "value",
    [
        b"", b" ", b"{", b"{}{}", b"nul", b"'a'", b"{'a':1}", b"{\"a\":1,}", b"// x\n{}",
        b'{"amount":NaN}', b'{"amount":Infinity}', b'{"amount":-Infinity}', b'{"amount":1e999}', b'{"amount":01}',
        b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b'{"code":"\xff"}', b'{"code":"\xed\xa0\x80"}',
        b'{"code":"\\ud83d"}', b'{"code":"\\ude00\\ud83d"}', b'{"code":"a\x00b"}', b'{"code":"a\nb"}',
        b"[" * 100_000, b'{"a":' * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(value: bytes) -> None:
    assert registry.validate(PAID, value) == ContractViolation("", "json")


def test_escaped_nul_is_refused_where_it_stands() -> None:
    assert registry.validate(PAID, changed(staff="a\x00b")) == ContractViolation("/staff", "pattern")


def test_backslash_before_u0000_is_text() -> None:
    assert registry.validate(PAID, changed(staff="a\\u0000b")) is None


def test_of_duplicate_keys_the_last_one_wins() -> None:
    assert registry.validate(PAID, FINE[:-1] + b',"amount":"x"}') == ContractViolation("/amount", "type")
    assert registry.validate(PAID, b'{"amount":"x",' + FINE[1:]) is None


def test_numbers_are_handed_on_as_whole_numbers() -> None:
    payload = registry.read(PAID, FINE.replace(b"75000", b"7.5e4"))
    assert isinstance(payload, dict)
    assert payload["amount"] == 75000
    assert type(payload["amount"]) is int


def test_whole_numbers_are_found_at_any_depth() -> None:
    item = {"subject": "x", "emitter": "", "first": 2.0}
    payload = registry.read("control.resend-requested/v1", orjson.dumps({"items": [item, item]}))
    assert isinstance(payload, dict)
    assert [type(entry["first"]) for entry in payload["items"]] == [int, int]


@pytest.mark.parametrize("value", [b"[]", b"null", b'"text"', b"7", b"true"])
def test_payload_is_an_object(value: bytes) -> None:
    assert registry.validate(PAID, value) == ContractViolation("", "type")


def test_missing_field_is_pointed_at_by_name() -> None:
    assert registry.validate(PAID, b"{}") == ContractViolation("/code", "required")


def test_place_inside_an_optional_part_is_the_innermost() -> None:
    value = orjson.dumps({"code": CODE, "at": "2024-06-05T09:12:30+07:00", "result": {"attachments": [{}]}})
    assert registry.validate("dossier.result-issued/v1", value) == ContractViolation(
        "/result/attachments/0/sha256", "required"
    )


def test_name_of_an_unknown_field_is_not_repeated() -> None:
    violation = registry.validate(PAID, changed(**{"Bùi Thị Mận": "017190004512"}))
    assert violation == ContractViolation("", "additionalProperties")


@pytest.mark.parametrize("depth", [2, 200, 254, 255, 256, 1000])
@pytest.mark.parametrize("name", ["snapshot", "items", "at", "unknown"])
def test_never_raises_on_depth(depth: int, name: str) -> None:
    for opening, closing in ((b'{"%s":' % name.encode(), b"}"), (b"[", b"]")):
        value = b'{"%s":' % name.encode() + opening * depth + b"1" + closing * depth + b"}"
        for message_type in MESSAGES:
            assert isinstance(registry.validate(f"{message_type}/v1", value), ContractViolation)


def test_too_deep_is_called_by_its_name() -> None:
    value = b'{"code":' + b"[" * 500 + b"]" * 500 + b"}"
    assert registry.validate(PAID, value) == ContractViolation("", "depth")


@settings(max_examples=400)
@given(st.binary(max_size=200))
@example(b"\x00")
def test_never_raises_on_bytes(value: bytes) -> None:
    assert isinstance(registry.validate(PAID, value), ContractViolation)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@settings(max_examples=400)
@given(st.sampled_from(sorted(MESSAGES)), st.dictionaries(st.sampled_from(["code", "at", "items", "amount"]), JSON))
def test_never_raises_on_json(message_type: str, payload: dict[str, object]) -> None:
    violation = registry.validate(f"{message_type}/v1", json.dumps(payload).encode())
    assert isinstance(violation, ContractViolation)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(registry, "SCHEMAS", tmp_path)
    registry._validator.cache_clear()
    yield tmp_path
    registry._validator.cache_clear()


def test_schema_that_refers_elsewhere_does_not_compile(elsewhere: Path) -> None:
    for contract in (contract for message in MESSAGES.values() for contract in message.contracts):
        path = elsewhere / f"{contract}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"$ref": "https://elsewhere.example/schema.json"}', encoding="utf-8")
    with pytest.raises(ValidationError, match="Retrieval is disabled"):
        registry.warm()


def test_missing_schema_shows_at_start(elsewhere: Path) -> None:
    assert list(elsewhere.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        registry.warm()
