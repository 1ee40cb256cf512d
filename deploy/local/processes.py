"""Starts, watches and ends the processes of one machine: each dies with the process that started it, and a pid file
lets the next start find what a kill -9 left. Knows nothing of what the processes do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from deploy.local.errors import LocalError

LAUNCHER = Path(__file__).with_name("launch.py")
LOG_BYTES = 20 * 1024 * 1024
MESSAGE_LETTERS = 400
FREEZE_SECONDS = 5.0
# waits for the end of its input, which also comes when whoever holds the other end is killed
THAW_AT_THE_END = 'read -r _; kill -CONT "$@" 2>/dev/null; true'
PROC = Path("/proc")


def start_mark(pid: int) -> str | None:
    """What tells this process from any later one with the same pid; None when it has ended."""
    if not PROC.joinpath("self").exists():
        command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
        line = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
        return None if not line or line.startswith("Z") else line.split(maxsplit=1)[1]
    try:
        # fields after the command name, which may hold blanks and brackets: state is 3, starttime 22
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except (OSError, ValueError):
        return None
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def command_line(pid: int) -> str:
    """The words of a process, joined by blanks; empty when it has ended."""
    if not PROC.joinpath("self").exists():
        command = ["ps", "-o", "args=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    try:
        return os.fsdecode((PROC / str(pid) / "cmdline").read_bytes()).replace("\0", " ").strip()
    except OSError:
        return ""


def _parents() -> dict[int, int]:
    """Parent of each process of the machine."""
    command = ["ps", "-A", "-o", "pid=,ppid="]
    if not PROC.joinpath("self").exists():
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
        return {int(pid): int(parent) for pid, parent in (line.split() for line in text.splitlines())}
    found = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def descendants(pid: int) -> list[int]:
    """Children, grandchildren and so on, nearest first."""
    parents = _parents()
    found: list[int] = []
    front = {pid}
    while front := {child for child, parent in parents.items() if parent in front}:
        found.extend(sorted(front))
    return found


def kill_tree(pid: int, *, seconds: float = 10) -> None:
    """SIGKILL for the process and all it started; returns when none of them runs. It is halted first, so that
    it starts no other while they are counted."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    marks = {member: start_mark(member) for member in [pid, *descendants(pid)]}
    for member in marks:
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    await_condition(lambda: all(not mark or start_mark(member) != mark for member, mark in marks.items()), seconds)


def freeze_tree(pid: int) -> list[int]:
    """SIGSTOP for the process and all it started; returns when they stand still. It is halted first, so that it
    starts no other while they are counted."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    members = [pid, *descendants(pid)]
    for member in members:
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGSTOP)
    await_condition(lambda: all(_stands_still(member) for member in members), FREEZE_SECONDS)
    return members


def _stands_still(pid: int) -> bool:
    """Stopped, or ended; where there is no /proc the order is taken for the deed."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return True
    return text.rpartition(")")[2].split()[0] in "TZX"


def await_condition(condition: Callable[[], bool], seconds: float, *, every: float = 0.02) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(every)
    return True


def end_leftover(pid_file: Path, *, seconds: float) -> None:
    """End the process a pid file names, if it still is the one that was started: politely first, then for good."""
    try:
        noted = json.loads(pid_file.read_text())
        pid, mark, stop_signal = int(noted["pid"]), str(noted["mark"]), int(noted["signal"])
    except (OSError, ValueError, KeyError):
        pid_file.unlink(missing_ok=True)
        return
    if start_mark(pid) == mark:
        with suppress(ProcessLookupError):
            os.kill(pid, stop_signal)
        if not await_condition(lambda: start_mark(pid) != mark, seconds):
            kill_tree(pid)
    pid_file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Command:
    """What to run. `stop_signal` asks it to end in good order, and is what it gets when its parent dies.
    `account`: whom a process started by root becomes."""

    argv: list[str]
    cwd: Path
    log: Path | None
    pid_file: Path | None = None
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    stop_signal: int = signal.SIGTERM
    account: str = ""


class Child:
    """A running process of ours, in a session of its own."""

    def __init__(self, command: Command) -> None:
        """Returns when the process exists. The thread that starts it waits for it as well: Linux takes the end of
        the *thread* that started a process for the end of its parent."""
        self.command = command
        self.ended = threading.Event()
        self._started: threading.Event = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None
        self._warden: subprocess.Popen[bytes] | None = None
        threading.Thread(target=self._run, name=Path(command.argv[0]).name, daemon=True).start()
        self._started.wait()
        if self._failure is not None:
            raise LocalError(
                f"Không chạy được {command.argv[0]}: {self._failure.strerror}",
                f"Cannot run {command.argv[0]}: {self._failure.strerror}",
            )

    def _run(self) -> None:
        command = self.command
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(command.stop_signal))]
        try:
            output = open_log(command.log)
            self._process = subprocess.Popen(  # noqa: S603
                [*launcher, command.account, "--", *command.argv],
                cwd=command.cwd,
                env=dict(command.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            if output is not None:
                output.close()
            self._note()
        except OSError as error:
            self._failure = error
            if self._process is not None:
                kill_tree(self._process.pid)
        finally:
            self._started.set()
        if self._process is not None:
            self._process.wait()
            if command.pid_file is not None:
                command.pid_file.unlink(missing_ok=True)
            self.ended.set()

    def _note(self) -> None:
        if self.command.pid_file is not None:
            noted = {"pid": self.pid, "mark": start_mark(self.pid), "signal": int(self.command.stop_signal)}
            self.command.pid_file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.command.pid_file.with_suffix(".new")
            fresh.write_text(json.dumps(noted))
            fresh.replace(self.command.pid_file)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self.ended.is_set()

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.returncode

    def signal(self, number: int) -> None:
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def freeze(self) -> None:
        """SIGSTOP of the process and all it started, until `thaw`, `stop`, or the end of this process."""
        if not self.alive or self._warden is not None:
            return
        members = freeze_tree(self.pid)
        self._warden = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", THAW_AT_THE_END, "sh", *map(str, members)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def thaw(self) -> None:
        """SIGCONT to all that were halted; nothing when none was."""
        warden, self._warden = self._warden, None
        if warden is not None:
            warden.communicate()

    def ask_to_end(self) -> None:
        """One that is frozen hears it when it is thawed."""
        self.signal(self.command.stop_signal)
        self.thaw()

    def await_end(self, seconds: float) -> None:
        """Kills it when it takes longer."""
        if not self.ended.wait(seconds):
            kill_tree(self.pid)
            self.ended.wait()

    def stop(self, seconds: float) -> None:
        self.ask_to_end()
        self.await_end(seconds)

    def kill(self) -> None:
        """kill -9 of the process and all it started; returns when they are gone."""
        if self.alive:
            kill_tree(self.pid)
            self.ended.wait()
        self.thaw()


def open_log(path: Path | None) -> BinaryIO | None:
    """For appending; None is this process's own output. A log past its size makes room, one older is kept."""
    if path is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(path.suffix + ".1"))
    return path.open("ab")


def log_tail(path: Path, lines: int = 5) -> str:
    """The last lines of a log on one line, for a message."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return " | ".join(line.strip() for line in text.splitlines()[-lines:])[-MESSAGE_LETTERS:]
