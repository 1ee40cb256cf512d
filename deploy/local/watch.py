"""Keeps a hub up: starts again what died, with a growing pause, and keeps the file that says whether it is ready."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from deploy.local.errors import LocalError
from deploy.local.hub import Hub
from deploy.local.jobs import Job, run_jobs
from deploy.local.programs import OWNERS, PROGRAMS
from deploy.local.screen import Screen

SERVERS = ("postgres", "kafka")
LOOK_SECONDS = 0.2
PROBE_EVERY_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# after this long without a death the pauses begin anew
CALM_SECONDS = 60.0


@dataclass
class Restarts:
    pause: float = FIRST_PAUSE_SECONDS
    died_at: float = float("-inf")
    under_way: bool = field(default=False)


class Watch:
    """The ready file exists while all programs with a database are alive and ready and the credentials are
    written. `deaths` counts by name."""

    def __init__(self, hub: Hub, screen: Screen) -> None:
        self.ready_file = hub.home / "ready"
        self.deaths: Counter[str] = Counter()
        self.ready = False
        self._hub = hub
        self._screen = screen
        self._restarts = {name: Restarts() for name in (*SERVERS, *PROGRAMS)}
        self._probed_at = float("-inf")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Nothing is started again after this, and the ready file is gone."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self.ready_file.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            dead = [name for name in self._restarts if not self._hub.alive(name)]
            for name in dead:
                self._see_to(name)
            if not self.credentials_written or any(name in dead for name in OWNERS):
                self._tell(ready=False)
            elif time.monotonic() - self._probed_at >= PROBE_EVERY_SECONDS:
                self._probed_at = time.monotonic()
                self._tell(ready=self._all_ready())

    @property
    def credentials_written(self) -> bool:
        return self._hub.credentials_file.exists()

    def _all_ready(self) -> bool:
        answers: dict[str, bool] = {}

        def probe(name: str) -> None:
            answers[name] = self._hub.is_ready(name)

        run_jobs({name: Job(partial(probe, name)) for name in OWNERS})
        return all(answers.values())

    def _tell(self, *, ready: bool) -> None:
        if ready and not self.ready_file.exists():
            fresh = self.ready_file.with_suffix(".new")
            addresses = {name: self._hub.address(name) for name in PROGRAMS}
            fresh.write_text(json.dumps({"pid": os.getpid(), **addresses}))
            fresh.replace(self.ready_file)
        if not ready:
            self.ready_file.unlink(missing_ok=True)
        self.ready = ready

    def _see_to(self, name: str) -> None:
        restarts = self._restarts[name]
        if restarts.under_way:
            return
        restarts.under_way = True
        calm = time.monotonic() - restarts.died_at > CALM_SECONDS
        restarts.pause = FIRST_PAUSE_SECONDS if calm else min(restarts.pause * 2, LONGEST_PAUSE_SECONDS)
        restarts.died_at = time.monotonic()
        self.deaths[name] += 1
        log = self._hub.log_file(name)
        self._screen.say(
            f"{name} đã dừng bất ngờ; chạy lại sau {restarts.pause:.0f} giây ({log})",
            f"{name} ended by itself; started again in {restarts.pause:.0f} s",
        )
        threading.Thread(target=self._start_again, args=(name, restarts), name=f"restart {name}", daemon=True).start()

    def _start_again(self, name: str, restarts: Restarts) -> None:
        if self._ended.wait(restarts.pause):
            return
        try:
            self._hub.start_again(name)
        except (LocalError, OSError) as error:
            self._screen.line(str(error))
        finally:
            restarts.under_way = False
