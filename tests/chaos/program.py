"""Stands where `deploy.cli` is started from: the same words, and a disk for attachments that is full while a file says
so. Part of what was to be written is written, as on a true full disk."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Final

from deploy import cli
from services.kernel import vault

COMMAND: Final = (sys.executable, "-m", "tests.chaos.program")


def full_disk(home: Path, word: str) -> Path:
    """While this file exists the program's store has no room."""
    return home / "full-disk" / word


def met(home: Path, word: str) -> Path:
    """Made when the program has met its full disk."""
    return home / "full-disk" / f"{word}.met"


def main() -> None:
    if len(sys.argv) > 1:
        _fill(Path(os.environ.get("LIENTHONG_HOME", ".lienthong")), sys.argv[1])
    cli.main()


def _fill(home: Path, word: str) -> None:
    """At the one place where bytes go to the disk, so that all above it is the product's own."""
    write_all = vault._write_all

    def write(descriptor: int, data: bytes) -> None:
        if not full_disk(home, word).exists():
            write_all(descriptor, data)
            return
        write_all(descriptor, data[: len(data) // 2])
        met(home, word).touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    vault._write_all = write


if __name__ == "__main__":
    main()
