"""What is frozen stands still with all it started, can be thawed, stopped and killed, and is not left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import Child, Command, await_condition, command_line, descendants, start_mark

# says that it is alive by a file that grows; so does a process it starts
GROWS = """
import subprocess, sys, time
from pathlib import Path
if len(sys.argv) > 2:
    subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1] + ".child"])
while True:
    with Path(sys.argv[1]).open("a") as file:
        file.write(".")
    time.sleep(0.01)
"""
FREEZES_AND_WAITS = """
import sys, signal
from pathlib import Path
from deploy.local.processes import Child, Command
child = Child(Command(argv=sys.argv[2:], cwd=Path.cwd(), log=None, pid_file=Path(sys.argv[1])))
child.freeze()
print(child.pid, flush=True)
signal.pause()
"""


class Grower:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "grows"
        argv = [sys.executable, "-c", GROWS, str(self.file), GROWS]
        self.child = Child(Command(argv=argv, cwd=folder, log=folder / "log", pid_file=folder / "pid"))

    def sizes(self) -> tuple[int, int]:
        files = (self.file, self.file.with_name("grows.child"))
        own, childs = (file.stat().st_size if file.exists() else 0 for file in files)
        return own, childs

    def grows(self, seconds: float = 20.0) -> bool:
        """Both."""
        before = self.sizes()
        return await_condition(lambda: all(now > old for now, old in zip(self.sizes(), before, strict=True)), seconds)


@pytest.fixture
def grower(tmp_path: Path) -> Iterator[Grower]:
    grower = Grower(tmp_path)
    try:
        assert grower.grows()
        yield grower
    finally:
        grower.child.kill()


def test_stands_still_with_its_children_and_goes_on(grower: Grower) -> None:
    grower.child.freeze()
    grower.child.freeze()
    assert len(descendants(grower.child.pid)) == 1
    before = grower.sizes()
    assert not await_condition(lambda: grower.sizes() != before, 0.5)
    assert grower.child.alive
    grower.child.thaw()
    assert grower.grows()
    grower.child.thaw()


def test_a_frozen_one_is_killed_with_its_children(grower: Grower) -> None:
    grower.child.freeze()
    members = {pid: start_mark(pid) for pid in (grower.child.pid, *descendants(grower.child.pid))}
    grower.child.kill()
    assert len(members) == 2
    assert all(start_mark(pid) != mark for pid, mark in members.items())


def test_a_frozen_one_is_stopped_in_good_order(grower: Grower) -> None:
    grower.child.freeze()
    grower.child.stop(20)
    assert grower.child.exit_code == -signal.SIGTERM


def test_a_frozen_one_ends_with_its_parent(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", GROWS, str(tmp_path / "grows")]
    parent = subprocess.Popen(
        [sys.executable, "-c", FREEZES_AND_WAITS, str(tmp_path / "one.pid"), *argv],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    mark = start_mark(pid)
    assert mark
    assert command_line(pid)

    parent.kill()
    parent.wait()

    assert await_condition(lambda: start_mark(pid) != mark, 20)
