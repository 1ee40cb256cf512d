"""`make run` = `lienthong up`: the whole hub on this machine for a person, until Ctrl-C. What runs is in `programs`,
how in `hub`; this module checks the machine, tells what happens and ends everything in order."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TextIO

from deploy.local import ports
from deploy.local.errors import LocalError
from deploy.local.hub import Hub
from deploy.local.processes import await_condition
from deploy.local.programs import COMMAND, PROGRAMS, SAMPLE
from deploy.local.screen import Screen
from deploy.local.watch import Watch

READY_SECONDS = 180.0
# a program that ends this often before the hub was ever ready will not become ready
DEATHS_ALLOWED = 3
# make and the terminal may each pass on the same Ctrl-C
SAME_SIGNAL_SECONDS = 0.3
LOOK_SECONDS = 0.1


class Up:
    """One run. A second one in the same home is refused while the first lives."""

    def __init__(self, home: Path, *, environment: Mapping[str, str], command: Sequence[str], screen: Screen) -> None:
        self._home = home
        self._screen = screen
        self._hub = Hub(home, ports=ports.chosen(environment), environment=environment, command=command, screen=screen)
        self._watch = Watch(self._hub, screen)
        self._lock: TextIO | None = None
        self._signalled_at: float | None = None
        self._failure: Exception | None = None

    def run(self) -> int:
        """The exit code, when everything has ended."""
        self._check_machine()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup means to outlive the terminal
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        worker = threading.Thread(target=self._work, name="up", daemon=True)
        worker.start()
        while self._signalled_at is None and self._failure is None:
            time.sleep(LOOK_SECONDS)
        if self._failure is not None:
            print(self._failure, file=sys.stderr, flush=True)
        self._screen.say("Đang dừng tất cả…", "Stopping everything…")
        self._watch.end()
        self._hub.stop()
        self._screen.say("Đã dừng. Chạy lại: make run", "Stopped. Start again: make run")
        return 0 if self._failure is None else 1

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """The first is seen by the loop above; the second ends everything at once."""
        if self._signalled_at is None:
            self._signalled_at = time.monotonic()
        elif time.monotonic() - self._signalled_at > SAME_SIGNAL_SECONDS:
            self._watch.ready_file.unlink(missing_ok=True)
            self._hub.kill_all()
            os._exit(128 + number)

    def _check_machine(self) -> None:
        try:
            (self._home / "run").mkdir(parents=True, exist_ok=True)
            self._lock = (self._home / "run" / "up.lock").open("a")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._watch.ready_file.unlink(missing_ok=True)
        except BlockingIOError:
            raise LocalError(
                f"Một hub khác đang chạy trên {self._home}; hãy dừng nó hoặc đặt LIENTHONG_HOME khác.",
                f"Another hub runs on {self._home}; stop it or set another LIENTHONG_HOME.",
            ) from None
        except OSError as error:
            raise LocalError(
                f"Không ghi được vào {self._home} ({error.strerror}); hãy đặt LIENTHONG_HOME là thư mục ghi được.",
                f"Cannot write to {self._home} ({error.strerror}); set LIENTHONG_HOME to a folder you may write to.",
            ) from error
        self._hub.end_leftovers()
        used = dict(self._hub.ports)
        if self._hub.kafka is None:
            del used["kafka"]
        ports.require_free(used)

    def _work(self) -> None:
        """All the way up. Runs beside the main thread, which must stay free for signals."""
        failure: Exception | None = LocalError("Lỗi bất ngờ.", "An unforeseen error.")
        try:
            self._bring_up()
            failure = None
        except (LocalError, OSError) as error:
            failure = error
        finally:
            if self._signalled_at is None:
                self._failure = failure

    def _bring_up(self) -> None:
        self._screen.say(f"Dữ liệu ở {self._home}", f"Data in {self._home}")
        self._hub.prepare()
        for name in PROGRAMS:
            self._hub.start_program(name)
        self._watch.begin()
        await_condition(lambda: self._watch.ready or self._has_given_up() is not None, READY_SECONDS)
        if not self._watch.ready:
            slow = (name for name in PROGRAMS if not self._hub.is_ready(name))
            raise self._hub.not_ready(self._has_given_up() or next(slow, "gateway"))
        self._screen.say("Bốn chương trình đã sẵn sàng", "The four programs are ready")
        code = self._hub.run(SAMPLE)
        if self._signalled_at is not None:
            return
        if code != 0:
            self._screen.say(f"Chuyến mẫu không trọn vẹn (mã {code})", f"The sample traffic failed (exit code {code})")
        self._tell_addresses()

    def _has_given_up(self) -> str | None:
        return next((name for name, count in self._watch.deaths.items() if count >= DEATHS_ALLOWED), None)

    def _tell_addresses(self) -> None:
        line = self._screen.line
        line()
        for name in PROGRAMS:
            line(f"  {name:<10}{self._hub.address(name)}")
        line(f"  {'kafka':<10}{self._hub.bootstrap}")
        line(f"  Khoá truy cập · credentials: {self._hub.credentials_file}")
        line(f"  Nhật ký · logs: {self._hub.home / 'log'}")
        line()
        line("Thử tiếp · Try next:")
        elsewhere = (
            "" if self._home == Path(".lienthong").absolute() else f"LIENTHONG_HOME={shlex.quote(str(self._home))} "
        )
        line(f"  {elsewhere}make smoke")
        line(f"  curl -s {self._hub.address('gateway')}/readyz")
        line(f"  {elsewhere}.venv/bin/lienthong inbox --as commune-a")
        line(f"  {self._hub.address('commune')}/docs   tài liệu cho nhà phát triển · the page for developers")
        line("Ctrl-C để dừng · to stop")


def main(command: Sequence[str] = COMMAND) -> None:
    """Does not return: downloads that are under way must not hold up the end."""
    home = Path(os.environ.get("LIENTHONG_HOME") or ".lienthong").absolute()
    try:
        code = Up(home, environment=os.environ, command=command, screen=Screen()).run()
    except LocalError as error:
        print(error, file=sys.stderr)
        code = 1
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(code)
