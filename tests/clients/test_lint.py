"""Redocly and Spectral, in their strict sets, have nothing to say about the OpenAPI documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.openapi import FOLDER
from tests.clients.npm import Workshop

pytestmark = pytest.mark.more

DOCUMENTS = ("office", "gateway")
LINTERS: dict[str, Sequence[str]] = {
    "redocly": ("redocly", "lint", "--config", "redocly.yaml"),
    "spectral": ("spectral", "lint", "--ruleset", "spectral.yaml", "--fail-severity", "hint"),
}


@pytest.fixture(scope="module")
async def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return await Workshop.open(Path(__file__).parent / "lint", tmp_path_factory.mktemp("lint"))


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("linter", LINTERS)
async def test_a_linter_finds_nothing(workshop: Workshop, linter: str, name: str) -> None:
    done = await workshop.run(*LINTERS[linter], str(FOLDER / f"{name}.json"))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("linter", LINTERS)
async def test_a_linter_finds_what_is_wrong(workshop: Workshop, linter: str) -> None:
    document = json.loads((FOLDER / "office.json").read_text(encoding="utf-8"))
    del document["paths"]["/v1/inbox"]["get"]["operationId"]
    broken = workshop.folder / "broken.json"
    broken.write_text(json.dumps(document), encoding="utf-8")
    done = await workshop.run(*LINTERS[linter], str(broken))
    assert done.returncode == 1
    assert "operation-operationId" in done.stdout + done.stderr
