"""A hub that is filled is as one that has been at work: everything in its place, nothing of the filling left behind."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.bench import stored
from tests.bench.bench import Bench, await_all_handed_over, now, post_dossier
from tests.bench.ground import SENDER, Ground, running
from tests.bench.http import closed_loop
from tests.bench.stored import Stretch, fillings
from tests.bench.stored_rows import ROWS, Rows

AT = datetime(2024, 6, 3, tzinfo=UTC)
STRETCH = Stretch(first=0, count=1_000, start=AT - timedelta(days=330), end=AT)
HOLDS = re.compile(r"at >= '(.+?)' AND at < '(.+?)'")


def of(owner: str, table: str) -> Rows:
    return next(rows for rows in ROWS[owner] if rows.table == table)


def test_a_table_without_parts_is_filled_at_once() -> None:
    (filling,) = fillings("commune", of("commune", "dossier"), STRETCH)

    assert filling.table == "dossier"
    assert "at >= '2023-07-09T00:00:00+00:00'" in filling.query


def test_the_parts_of_a_table_share_the_whole_time() -> None:
    found = fillings("commune", of("commune", "transfer"), STRETCH)

    bounds = [HOLDS.search(filling.query) for filling in found]
    times = [tuple(map(datetime.fromisoformat, bound.groups())) for bound in bounds if bound]
    assert [filling.table for filling in found][:: len(found) - 1] == ["transfer_2023_07", "transfer_2024_06"]
    assert len(times) == len(found) == 12
    assert times[0][0] == STRETCH.start
    assert [end for _, end in times[:-1]] == [begin for begin, _ in times[1:]]
    assert times[-1][1] > STRETCH.end


def test_what_goes_after_a_month_is_there_for_the_youngest_only() -> None:
    found = fillings("gateway", of("gateway", "payload"), STRETCH)

    assert [filling.table for filling in found] == ["payload_2024_05", "payload_2024_06"]
    assert "at >= '2024-05-05T00:00:00+00:00'" in found[0].query


@pytest.mark.more
@pytest.mark.timeout(240)
async def test_a_filled_hub_has_all_it_had_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as ground:
        bench, since = Bench(quick=False, repeats=1, say=print, ground=ground), now()
        await sent(bench, 3)
        for dossiers, many in ((300, 1_000), (700, 1)):  # added, then loaded
            monkeypatch.setattr(stored, "MANY", many)
            await stored.fill(bench, dossiers=dossiers, organs=200)
            await in_its_place(ground, dossiers + 3)
        await ground.sign_in()
        await sent(bench, 2)
        assert await await_all_handed_over(ground, since, 5, seconds=30.0) == 0


async def sent(bench: Bench, count: int) -> None:
    since = now()
    await closed_loop(bench.ground.callers[SENDER].url, post_dossier(bench), at_once=1, most=count)
    assert await await_all_handed_over(bench.ground, since, count, seconds=30.0) == 0


async def in_its_place(ground: Ground, dossiers: int) -> None:
    for owner, several in ROWS.items():
        assert await ground.sql(owner, "SELECT indexrelid FROM pg_index WHERE NOT (indisvalid AND indisready)") == []
        for rows in several:
            ((count,),) = await ground.sql(owner, f"SELECT count(*) FROM {rows.table}")
            least = dossiers // 20 if rows.young else dossiers
            assert count >= least, (owner, rows.table)
        ((codes, numbers),) = await ground.sql(
            owner, f"SELECT count(DISTINCT {CODE[owner]}), count(*) FROM dossier"
        )  # fmt: skip
        assert codes == numbers == dossiers
    for setting, value in (("wal_level", "replica"), ("autovacuum", "on"), ("fsync", "on")):
        assert [tuple(row) for row in await ground.sql("gateway", f"SHOW {setting}")] == [(value,)]
    assert ground.hub.postgres is not None
    assert not list(ground.hub.postgres.data.glob("bench-*"))


CODE = {"commune": "code", "province": "code", "gateway": "subject"}
