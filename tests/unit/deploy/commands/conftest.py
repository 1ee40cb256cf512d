"""A command line run against a script of answers, with the credentials of a home of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import app
from deploy.client.credentials import SETTINGS, Credentials
from deploy.client.hub import Hub
from deploy.commands import acting
from tests.unit.deploy.client.hubs import CREDENTIALS, Script, Time, hub_of

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command line against a script of answers."""
    entry = {name: getattr(CREDENTIALS, name) for name in Credentials.__dataclass_fields__}
    systems = [{**entry, "name": name} for name in ("commune-a", "district-a", "operator", "administrator")]
    (tmp_path / "credentials.json").write_text(json.dumps(systems))
    monkeypatch.setenv("LIENTHONG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)

    def run(script: Script, *words: str, stdin: str | bytes | None = None) -> Result:
        def connect(credentials: Credentials, options: acting.Options) -> Hub:
            chosen.append((credentials.name, options))
            return hub_of(script, time, organ=options.organ or "").within(options.timeout or 20)

        monkeypatch.setattr(acting, "connect", connect)
        result = CliRunner().invoke(app, words, input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    chosen: list[tuple[str, acting.Options]] = []
    time = Time()
    run.chosen, run.time = chosen, time  # type: ignore[attr-defined]
    return run
