"""The command itself, in its shortest form: a hub is started, measured and gone, and the results are written."""

import asyncio
from pathlib import Path

import orjson
import pytest

from tests.bench.__main__ import main


@pytest.mark.more
@pytest.mark.timeout(300)
async def test_the_command_measures_and_writes_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await asyncio.to_thread(main, ["--quick", "--only", "spread", "--out", str(tmp_path)])

    told = orjson.loads((tmp_path / "bench.json").read_bytes())
    assert [each["name"] for each in told["figures"]] == ["spread.1", "spread.10", "spread.150"]
    assert all(each["ours"] > 0 and not each["void"] for each in told["figures"])
    assert code == 0
    assert "150" in (tmp_path / "bench.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.splitlines()[-1].startswith("bench: ")
