"""What a person at the terminal reads: plain lines, in Vietnamese and English. Never fails because nobody reads."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from typing import TextIO


class Screen:
    """Lines with the seconds since the start. On a terminal, progress overwrites its own line; elsewhere each step
    is a line and no control code is written."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._open_progress = False

    def say(self, vi: str, en: str) -> None:
        self.line(f"[{time.monotonic() - self._began:5.1f} s] {vi} · {en}")

    def line(self, text: str = "") -> None:
        with self._lock:
            self._write(("\n" if self._open_progress else "") + text + "\n")
            self._open_progress = False

    def progress(self, text: str) -> None:
        """One step of many."""
        if not self._is_terminal():
            self.line(text)
            return
        with self._lock:
            self._write(f"\r{text}\033[K")
            self._open_progress = True

    def _is_terminal(self) -> bool:
        with suppress(ValueError):
            return self._out.isatty()
        return False

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            encoding = self._out.encoding or "utf-8"
            self._out.write(text.encode(encoding, "replace").decode(encoding))
            self._out.flush()
