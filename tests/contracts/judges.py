"""The three judges of a payload: the registry (jsonschema-rs on the frozen file), jsonschema, and the model."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from contracts import registry

EXAMPLES = Path(registry.__file__).parent / "examples"
CONTRACTS = [contract for message in registry.MESSAGES.values() for contract in message.contracts]

FORMATS = FormatChecker(formats=["date"])


@FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    """`fromisoformat` takes +07:60 for +08:00, which RFC 3339 does not."""
    if not isinstance(value, str):
        return True
    return datetime.fromisoformat(value).tzinfo is not None and (value[-1] in "Zz" or int(value[-2:]) < 60)


def schema_of(contract: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((registry.SCHEMAS / f"{contract}.json").read_bytes())
    return schema


def examples(kind: str) -> list[tuple[str, Path]]:
    """(contract, file) of every valid or invalid example."""
    return [(f"{path.parts[-4]}/{path.parts[-3]}", path) for path in sorted(EXAMPLES.glob(f"*/v*/{kind}/*.json"))]


def accepted_by_registry(contract: str, value: bytes) -> bool:
    return registry.validate(contract, value) is None


def accepted_by_jsonschema(contract: str, value: bytes) -> bool:
    return bool(_second_judge(contract).is_valid(orjson.loads(value)))


def accepted_by_model(contract: str, value: bytes) -> bool:
    try:
        registry.MESSAGES[contract.split("/")[0]].model.model_validate_json(value)
    except ValidationError:
        return False
    return True


@cache
def _second_judge(contract: str) -> Draft202012Validator:
    # In ECMA 262, which JSON Schema names, "$" is the end of the text; Python's also fits before a last line break
    strict = json.loads(json.dumps(schema_of(contract)), object_hook=_end_means_end)
    return Draft202012Validator(strict, format_checker=FORMATS)


def _end_means_end(node: dict[str, Any]) -> dict[str, Any]:
    pattern = node.get("pattern")
    if isinstance(pattern, str):
        node["pattern"] = pattern.removesuffix("$") + r"\Z"
    return node
