"""A program that starts as a word of the command does not pay for the words that call the hub."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("httpx", "rich", "pydantic", "sqlalchemy", "fastapi")


def test_the_command_imports_nothing_heavy_before_it_knows_the_word() -> None:
    program = f"import sys, deploy.cli; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.split() == []
