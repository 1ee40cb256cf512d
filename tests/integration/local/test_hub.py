"""A hub as the end-to-end and chaos tests use it: each part started, killed and started again by its name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.hub import Hub
from deploy.local.kafka import cluster_of
from deploy.local.processes import await_condition, start_mark
from deploy.local.programs import KAFKA_SETTING, OWNERS, PROGRAMS, database_setting, says_ready

COMMAND = (sys.executable, str(Path(__file__).with_name("program.py")))
EXISTING = {
    **{database_setting(owner): f"postgresql+asyncpg://somewhere/{owner}" for owner in OWNERS},
    KAFKA_SETTING: "somewhere:9092",
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """On servers that somebody else runs; the stand-ins for the programs use none."""
    hub = Hub(tmp_path / "hub", environment=EXISTING, command=COMMAND)
    try:
        yield hub
    finally:
        hub.stop()


def test_starts_kills_and_starts_each_part_again(hub: Hub) -> None:
    hub.start()
    assert all(hub.is_ready(name) for name in PROGRAMS)
    assert hub.credentials() == {}
    first = hub.pid("commune")
    mark = start_mark(first)

    hub.kill("commune")
    assert start_mark(first) != mark
    assert not hub.is_ready("commune")
    with pytest.raises(LocalError, match="The program commune did not become ready"):
        hub.await_ready(["commune"])
    hub.start_again("commune")
    hub.await_ready(["commune"])
    assert hub.pid("commune") != first

    hub.stop_program("district")
    assert not hub.alive("district")
    assert hub.alive("province")


def test_a_second_instance_has_a_port_and_a_log_of_its_own(hub: Hub) -> None:
    hub.start(["gateway"])
    hub.start_program("gateway", instance=2)
    assert await_condition(lambda: hub.is_ready("gateway", instance=2), 10)
    assert hub.address("gateway", instance=2) != hub.address("gateway")
    assert hub.log_file("gateway", instance=2).name == "gateway-2.log"

    hub.kill("gateway", instance=2)

    assert not hub.alive("gateway", instance=2)
    assert hub.is_ready("gateway")


def test_stop_leaves_nothing(hub: Hub) -> None:
    hub.start()
    marks = {pid: start_mark(pid) for pid in (hub.pid(name) for name in PROGRAMS)}
    hub.stop()
    assert all(start_mark(pid) != mark for pid, mark in marks.items())
    assert not list((hub.home / "run").glob("*.pid"))
    assert not any(says_ready(hub.ports[name], program.probe) for name, program in PROGRAMS.items())


def test_servers_are_killed_and_started_again_by_name(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "hub", environment={}, command=COMMAND)
    try:
        hub.prepare()
        assert hub.postgres is not None
        assert hub.kafka is not None
        address, cluster = hub.database_url("commune"), hub.kafka.cluster_id

        hub.kill("postgres")
        hub.kill("kafka")
        assert not hub.alive("postgres")
        assert not hub.alive("kafka")
        hub.kafka.wipe()
        hub.start_again("postgres")
        hub.start_again("kafka")

        assert hub.database_url("commune") == address
        assert cluster_of(hub.ports["kafka"]) not in (None, cluster)
        assert {database_setting(owner) for owner in OWNERS} <= hub.child_environment().keys()
    finally:
        hub.stop()
    assert not hub.alive("postgres")
    assert not hub.alive("kafka")
