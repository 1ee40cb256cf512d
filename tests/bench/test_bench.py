"""The command itself, in its shortest form: a hub is started, measured and gone, and the results are written. And on
a hub: what is lost is seen."""

import asyncio
from pathlib import Path

import asyncpg
import orjson
import pytest

from services.kernel.database import driver_dsn
from tests.bench.__main__ import main
from tests.bench.bench import SENDING_OFFICE, Bench, accepted, await_all_handed_over, now, post_dossier
from tests.bench.ground import SENDER, running
from tests.bench.http import closed_loop


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


@pytest.mark.more
@pytest.mark.timeout(120)
async def test_what_was_accepted_and_is_lost_is_missing() -> None:
    async with running() as ground:
        bench, since = Bench(quick=True, repeats=1, say=print, ground=ground), now()
        await closed_loop(ground.callers[SENDER].url, post_dossier(bench), at_once=1, most=3)
        assert await await_all_handed_over(ground, since, 3, seconds=30.0) == 0

        connection = await asyncpg.connect(driver_dsn(ground.hub.database_url(SENDING_OFFICE)))
        for loss in ("UPDATE transfer_delivery SET state = 'open'", "DELETE FROM transfer_delivery"):
            await connection.execute(f"{loss} WHERE transfer = (SELECT max(transfer) FROM transfer_delivery)")
            assert await await_all_handed_over(ground, since, 3, seconds=0.5) == 1
        await connection.close()
        assert await accepted(ground, since) == 3
        assert await await_all_handed_over(ground, since, 1, seconds=0.5) == -1
