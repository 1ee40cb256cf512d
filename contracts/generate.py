"""Writes what is generated from the models: `python -m contracts.generate`; `--check` only compares.

A schema that is listed in `schemas/RELEASED` never changes again: a change needs a new version of the message.
What comes out depends on the sources alone, never on the machine or the hour.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from contracts.envelope import SCHEMA_PREFIX
from contracts.registry import MESSAGES, SCHEMAS, Message

RELEASED: Final = SCHEMAS / "RELEASED"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Generator = Callable[[], Iterator[tuple[Path, str]]]


def schemas() -> Iterator[tuple[Path, str]]:
    """The newest version of each message; older versions stay as their files are."""
    for message in MESSAGES.values():
        yield SCHEMAS / f"{message.contract}.json", text_of(schema_of(message))


GENERATORS: Final[tuple[Generator, ...]] = (schemas,)
"""What else is generated (documents of HTTP interfaces) joins this list."""


def schema_of(message: Message) -> dict[str, Any]:
    body = _tidy(message.model.model_json_schema(mode="validation"), titled=True)
    body.pop("title", None)
    head = {"$schema": DIALECT, "$id": SCHEMA_PREFIX + message.contract, "title": message.contract}
    return {**head, **body}


def text_of(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def released() -> dict[str, str]:
    """Digest of each released schema by its path under `schemas/`."""
    if not RELEASED.exists():
        return {}
    lines = (line.split("  ", 1) for line in RELEASED.read_text(encoding="utf-8").splitlines())
    return {name: digest for digest, name in lines}


def complaints() -> list[str]:
    """One sentence per file that is not what the sources say; empty when all is well."""
    frozen = released()
    found = [
        f"{_name(path)}: {reason}"
        for generator in GENERATORS
        for path, text in generator()
        if (reason := _complaint(path, text, frozen))
    ]
    for name, digest in frozen.items():
        path = SCHEMAS / name
        if not path.exists() or _digest(path.read_text(encoding="utf-8")) != digest:
            found.append(f"{_name(path)}: the released file was changed or removed; restore it")
    return found


def write() -> list[str]:
    """Writes every file that differs, but no released one; the sentences say which were left."""
    frozen = released()
    left: list[str] = []
    for generator in GENERATORS:
        for path, text in generator():
            if _is_released(path, frozen):
                if (reason := _complaint(path, text, frozen)) is not None:
                    left.append(f"{_name(path)}: {reason}")
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return left


def release() -> None:
    """Freezes every schema that is not released yet."""
    frozen = released()
    for path in sorted(SCHEMAS.glob("*/v*.json")):
        frozen.setdefault(_key(path), _digest(path.read_text(encoding="utf-8")))
    lines = [f"{digest}  {name}\n" for name, digest in sorted(frozen.items())]
    RELEASED.write_text("".join(lines), encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m contracts.generate", description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="compare only; exit 1 when a file differs")
    mode.add_argument("--release", action="store_true", help="write, then freeze every schema for ever")
    chosen = parser.parse_args(arguments)
    found = complaints() if chosen.check else write()
    for sentence in found:
        print(sentence, file=sys.stderr)
    if found:
        return 1
    if chosen.release:
        release()
    print(
        "contracts are up to date" if chosen.check else "contracts written; next: python -m contracts.generate --check"
    )
    return 0


def _complaint(path: Path, text: str, frozen: dict[str, str]) -> str | None:
    if not path.exists():
        return "is missing; run python -m contracts.generate"
    if path.read_text(encoding="utf-8") == text:
        return None
    if _is_released(path, frozen):
        return "is released and its model differs now; make a new version of the message in contracts/registry.py"
    return "differs from its model; run python -m contracts.generate"


def _is_released(path: Path, frozen: dict[str, str]) -> bool:
    return path.is_relative_to(SCHEMAS) and _key(path) in frozen


def _key(path: Path) -> str:
    return path.relative_to(SCHEMAS).as_posix()


def _name(path: Path) -> str:
    return path.relative_to(SCHEMAS.parent.parent).as_posix()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _tidy(node: Any, *, titled: bool = False) -> Any:
    """Without what only repeats (titles made from field names, null as default); choices with null made flat.

    A flat choice gives an error at its place with its own rule, not "fits none of these".
    """
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        name: _tidy_named(value) if name in ("properties", "$defs") else _tidy(value)
        for name, value in node.items()
        if not (name == "title" and not titled) and not (name == "default" and value is None)
    }
    return _flat(kept)


def _tidy_named(members: dict[str, Any]) -> dict[str, Any]:
    """Members of `properties` and `$defs`: their keys are names, not keywords."""
    return {name: _tidy(member) for name, member in members.items()}


def _flat(node: dict[str, Any]) -> dict[str, Any]:
    choices = node.get("anyOf", [])
    if len(choices) != 2 or choices[1] != {"type": "null"} or not isinstance(choices[0].get("type"), str):
        return node
    value = dict(choices[0])
    value["type"] = [value["type"], "null"]
    if "const" in value:
        value["enum"] = [value.pop("const"), None]
    elif "enum" in value:
        value["enum"] = [*value["enum"], None]
    rest = {name: member for name, member in node.items() if name != "anyOf"}
    return {**value, **rest}


if __name__ == "__main__":
    sys.exit(main())
