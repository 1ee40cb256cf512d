"""Faults are done, undone whatever happens, and fail where the hub does not recover; with stand-ins for programs."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from contracts.problems import HubError
from deploy.local.hub import Hub
from deploy.local.processes import log_tail
from deploy.local.programs import KAFKA_SETTING, OWNERS, database_setting
from services.kernel import vault
from services.kernel.vault import Vault
from tests.chaos import program
from tests.chaos.fault_ground import reached
from tests.chaos.faults import Faults
from tests.chaos.log import StoryEnded
from tests.chaos.plan import Fault

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, str(ROOT / "integration" / "local" / "program.py"))
EXISTING = {
    **{database_setting(owner): f"postgresql+asyncpg://somewhere/{owner}" for owner in OWNERS},
    KAFKA_SETTING: "somewhere:9092",
}
WORD = "commune"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """On servers that somebody else runs."""
    hub = Hub(tmp_path / "hub", environment=EXISTING, command=COMMAND)
    try:
        await asyncio.to_thread(hub.start)
        yield hub
    finally:
        await asyncio.to_thread(hub.stop)


async def sings() -> None:
    return None


def faults_of(hub: Hub) -> Faults:
    return Faults(hub, lambda: 0, sings, sings)


def fault(kind: str, seconds: float, *, target: str = WORD, beside: Fault | None = None) -> Fault:
    return Fault(1, kind, target, seconds, 0, beside)


async def test_a_killed_program_is_another_process_afterwards(hub: Hub) -> None:
    before, faults = hub.pid(WORD), faults_of(hub)
    done = await faults.inject(fault("kill", 0.2))
    assert hub.pid(WORD) != before
    assert (done.fault, done.group, faults.done) == ("kill commune", "kill commune", [done])
    assert done.away >= 0.2


async def test_two_at_once_are_both_undone(hub: Hub) -> None:
    before = {name: hub.pid(name) for name in (WORD, "district")}
    other = fault("kill", 0.1, target="district")
    done = await faults_of(hub).inject(fault("freeze", 0.3, beside=other))
    assert (done.fault, done.group) == ("freeze commune 0.3 s + kill district", "two at once")
    assert hub.pid(WORD) == before[WORD]
    assert hub.pid("district") != before["district"]
    assert await reached(lambda: hub.is_ready(WORD) and hub.is_ready("district"), 20)


@pytest.mark.parametrize("kind", ["freeze", "kill"])
async def test_one_that_is_cancelled_is_undone(hub: Hub, kind: str) -> None:
    running = asyncio.create_task(faults_of(hub).inject(fault(kind, 300.0)))
    assert await reached(lambda: not hub.is_ready(WORD), 20)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await reached(lambda: hub.is_ready(WORD), 20), log_tail(hub.log_file(WORD))


async def test_no_recovery_is_told(hub: Hub) -> None:
    async def is_silent() -> None:
        raise StoryEnded("the canary never came")

    faults = Faults(hub, lambda: 0, is_silent, sings)
    with pytest.raises(AssertionError, match="kill commune: no recovery: the canary never came"):
        await faults.inject(fault("kill", 0.1))
    assert faults.done == []


async def test_a_program_that_ended_by_itself_is_told(hub: Hub) -> None:
    async def breaks() -> None:
        hub.kill("province")

    faults = Faults(hub, lambda: 0, breaks, sings)
    with pytest.raises(AssertionError, match="kill commune: province ended by itself"):
        await faults.inject(fault("kill", 0.1))


async def test_an_outage_in_which_nothing_is_accepted_is_told(hub: Hub) -> None:
    with pytest.raises(AssertionError, match="nothing was accepted meanwhile"):
        await faults_of(hub).inject(fault("outage", 0.1))


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Path]:
    """The home of a program whose disk is filled by a file."""
    write_all = vault._write_all
    try:
        program._fill(tmp_path, WORD)
        yield tmp_path
    finally:
        vault._write_all = write_all


async def test_a_full_disk_is_the_products_own_refusal_and_leaves_nothing(filled: Path) -> None:
    store, content = Vault.open((filled / "store").as_uri()), b"x" * 3_000_000
    digest = hashlib.sha256(content).hexdigest()

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    marker = program.full_disk(filled, WORD)
    marker.parent.mkdir()
    marker.touch()
    with pytest.raises(HubError) as refused:
        await store.put(WORD, digest, chunks())
    assert refused.value.code == "system.disk_full"
    assert program.met(filled, WORD).exists()
    assert not [path for path in (filled / "store").rglob("*") if path.is_file()]
    marker.unlink()
    assert await store.put(WORD, digest, chunks()) == len(content)
