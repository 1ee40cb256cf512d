"""Writes the OpenAPI documents the programs serve: `python -m deploy.openapi`; `--check` only compares.

The apps are built, never started: neither database nor broker is asked. What comes out depends on the sources alone.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from gateway.main import Gateway
from services.commune.profile import PROFILE
from services.kernel.serve import build
from services.kernel.settings import Settings
from services.office.assembly import Office

FOLDER: Final = Path(__file__).resolve().parents[1] / "contracts" / "openapi"
_NOWHERE: Final = SecretStr("postgresql://nobody@127.0.0.1:1/none")

Json = dict[str, Any]


def documents() -> dict[str, Json]:
    """By file name: `office` is the same at every level, `gateway`."""
    with tempfile.TemporaryDirectory(prefix="lienthong-openapi-") as home:
        return asyncio.run(_documents(Path(home)))


async def _documents(home: Path) -> dict[str, Json]:
    office = Office(PROFILE, _settings("commune", home))
    gateway = Gateway(_settings("gateway", home))
    try:
        return {"office": office.app().openapi(), "gateway": build(gateway.process()).openapi()}
    finally:
        await office.close()
        await gateway.close()


def text_of(document: Json) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def complaints() -> list[str]:
    """One sentence per file that is not what the programs serve; empty when all is well."""
    return [
        f"contracts/openapi/{name}.json differs from what the program serves; run python -m deploy.openapi"
        for name, document in documents().items()
        if _held(name) != text_of(document)
    ]


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, document in documents().items():
        (FOLDER / f"{name}.json").write_text(text_of(document), encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when a file differs")
    if not parser.parse_args(arguments).check:
        write()
        print("OpenAPI documents written; next: python -m deploy.openapi --check")
        return 0
    found = complaints()
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        print("OpenAPI documents are up to date")
    return 1 if found else 0


def _held(name: str) -> str | None:
    file = FOLDER / f"{name}.json"
    return file.read_text(encoding="utf-8") if file.exists() else None


def _settings(program: str, home: Path) -> Settings:
    return Settings(program=program, home=home, local=True, database_url=_NOWHERE)


if __name__ == "__main__":
    sys.exit(main())
