"""A process ends with the one that started it, and only what is ours is ever ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.processes import (
    Child,
    Command,
    await_condition,
    command_line,
    descendants,
    end_leftover,
    start_mark,
)

WAIT_FOREVER = [sys.executable, "-c", "import signal; signal.pause()"]
STARTS_ONE_AND_WAITS = """
import sys, signal
from pathlib import Path
from deploy.local.processes import Child, Command
child = Child(Command(argv=sys.argv[2:], cwd=Path.cwd(), log=None, pid_file=Path(sys.argv[1])))
print(child.pid, flush=True)
signal.pause()
"""


def command(folder: Path, argv: list[str] = WAIT_FOREVER, *, pid_file: str | None = "one.pid") -> Command:
    noted = None if pid_file is None else folder / "run" / pid_file
    return Command(argv=argv, cwd=folder, log=folder / "log" / "one.log", pid_file=noted)


def is_what_it_shall_be(pid: int) -> bool:
    """The launcher has become the program."""
    return "signal.pause" in command_line(pid) and "launch.py" not in command_line(pid)


def test_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE_AND_WAITS, str(tmp_path / "one.pid"), *WAIT_FOREVER],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    mark = start_mark(pid)
    assert await_condition(lambda: is_what_it_shall_be(pid), 10)

    parent.kill()
    parent.wait()

    assert await_condition(lambda: start_mark(pid) != mark, 10)


def test_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    started: list[Child] = []

    def ask() -> None:
        started.append(Child(command(tmp_path)))
        await_condition(lambda: is_what_it_shall_be(started[0].pid), 10)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    (child,) = started
    try:
        assert is_what_it_shall_be(child.pid)
        assert not child.ended.wait(0.3)
    finally:
        child.kill()


def test_kills_the_whole_tree(tmp_path: Path) -> None:
    spawns = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import signal; signal.pause()'])"
    child = Child(command(tmp_path, [sys.executable, "-c", spawns]))
    assert await_condition(lambda: len(descendants(child.pid)) == 1, 10)
    (grandchild,) = descendants(child.pid)

    child.kill()

    assert start_mark(grandchild) is None
    assert not child.alive
    assert not (tmp_path / "run" / "one.pid").exists()


def test_kills_what_does_not_end_when_asked(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    child = Child(command(tmp_path, [sys.executable, "-c", deaf]))
    assert await_condition(lambda: "deaf" in (tmp_path / "log" / "one.log").read_text(), 10)

    child.stop(0.1)

    assert child.exit_code == -signal.SIGKILL


def test_ends_a_leftover_and_spares_whoever_has_its_number_now(tmp_path: Path) -> None:
    child = Child(command(tmp_path))
    pid_file = tmp_path / "run" / "one.pid"
    noted = json.loads(pid_file.read_text())
    try:
        pid_file.write_text(json.dumps({**noted, "mark": "an earlier process"}))
        end_leftover(pid_file, seconds=5)
        assert child.alive
        assert not pid_file.exists()

        pid_file.write_text(json.dumps(noted))
        end_leftover(pid_file, seconds=5)
        assert child.ended.wait(5)
    finally:
        child.kill()


def test_pid_file_that_says_nothing_is_removed(tmp_path: Path) -> None:
    torn = tmp_path / "torn.pid"
    torn.write_text("{")
    end_leftover(torn, seconds=0)
    assert not torn.exists()


def test_tells_in_one_sentence_what_cannot_be_run(tmp_path: Path) -> None:
    child = Child(command(tmp_path, ["/nowhere/at/all"]))
    assert child.ended.wait(10)
    assert child.exit_code == 1
    assert "/nowhere/at/all: No such file or directory" in (tmp_path / "log" / "one.log").read_text()
    with pytest.raises(LocalError, match="Cannot run"):
        Child(Command(argv=WAIT_FOREVER, cwd=tmp_path / "missing", log=None))


def test_knows_a_process_by_more_than_its_number() -> None:
    me = os.getpid()
    assert start_mark(me) == start_mark(me)
    assert "python" in command_line(me)
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert start_mark(gone.pid) is None
    assert command_line(gone.pid) == ""
