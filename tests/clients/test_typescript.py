"""The client generated for TypeScript compiles under its strictest settings and plays the smoke story against a hub."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deploy.local.hub import Hub
from deploy.local.programs import OWNERS
from deploy.openapi import FOLDER
from tests.clients.npm import Workshop

pytestmark = pytest.mark.more

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Generated from the kept documents, and compiled."""
    workshop = await Workshop.open(HERE / "typescript", tmp_path_factory.mktemp("typescript"))
    for name in ("office", "gateway"):
        shutil.copy(FOLDER / f"{name}.json", workshop.folder)
    _done(await workshop.run("npm", "run", "generate"))
    _done(await workshop.run("tsc"))
    return workshop


@pytest.fixture(scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    hub = Hub(tmp_path_factory.mktemp("hub") / "home")
    try:
        await asyncio.to_thread(hub.start)
        yield hub
    finally:
        await asyncio.to_thread(hub.stop)


async def test_the_compiler_judges_the_types(client: Workshop) -> None:
    """A body without a field that must be there does not compile."""
    story = client.folder / "src" / "story.ts"
    text = story.read_text(encoding="utf-8")
    assert 'procedure: "1.001612",' in text
    story.write_text(text.replace('procedure: "1.001612",', ""), encoding="utf-8")
    try:
        done = await client.run("tsc", "--noEmit")
    finally:
        story.write_text(text, encoding="utf-8")
    assert done.returncode != 0
    assert "'procedure' is missing" in done.stdout


async def test_every_program_serves_the_kept_document(hub: Hub) -> None:
    """Whatever its level and its settings."""
    async with httpx.AsyncClient(trust_env=False) as http:
        for program in OWNERS:
            served = (await http.get(f"{hub.address(program)}/openapi.json")).json()
            name = "gateway" if program == "gateway" else "office"
            assert served == json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")), program


async def test_it_plays_the_smoke_story(client: Workshop, hub: Hub) -> None:
    done = _done(await client.run("node", "dist/story.js", str(hub.home)))
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["status"] == 10
    assert told["document"]["answers"] == ["01", "03"]


def _done(process: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert process.returncode == 0, f"{process.stdout}\n{process.stderr}"
    return process
