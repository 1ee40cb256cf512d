"""npm packages at exact versions in a folder outside of the repository, and programs of theirs run."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

INSTALL_SECONDS = 240
RUN_SECONDS = 120
OLDEST_NODE = 20
# no lock file: it would name the registry of whoever wrote it; no scripts of packages, nothing is reported home
INSTALL = ("install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "SCARF_ANALYTICS": "false"}


class NodeMissing(Exception):
    """Node or npm is absent or too old: these tests need them."""


class Workshop:
    """A folder with packages; everything runs beside the event loop, which other tests' hubs may need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    async def open(cls, source: Path, folder: Path) -> Workshop:
        """A copy of `source` in `folder`, its packages installed from the registry npm is configured for."""
        await asyncio.to_thread(_require_node)
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
        workshop = cls(folder)
        done = await workshop.run("npm", *INSTALL, seconds=INSTALL_SECONDS)
        assert done.returncode == 0, f"npm could not install the packages:\n{done.stdout}\n{done.stderr}"
        return workshop

    async def run(self, *words: str, seconds: int = RUN_SECONDS) -> subprocess.CompletedProcess[str]:
        """One command with the packages' programs on its path; its output is caught."""
        return await asyncio.to_thread(self._run, words, seconds)

    def _run(self, words: Sequence[str], seconds: int) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join((str(self.folder / "node_modules" / ".bin"), os.environ["PATH"]))
        environment = {**os.environ, **QUIET, "PATH": path}
        return subprocess.run(
            words, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )


def _require_node() -> None:
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise NodeMissing(f"node {OLDEST_NODE} or newer and npm must be installed for this test")
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=RUN_SECONDS, check=True)
    if int(told.stdout.strip().removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        raise NodeMissing(f"node is {told.stdout.strip()}; {OLDEST_NODE} or newer is needed")
