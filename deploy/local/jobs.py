"""Runs jobs side by side, each as soon as those it comes after have succeeded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploy.local.errors import LocalError


@dataclass(frozen=True)
class Job:
    act: Callable[[], None]
    after: tuple[str, ...] = ()


def run_jobs(jobs: Mapping[str, Job]) -> None:
    """Returns when all are done; raises the first failure at once, and starts nothing more then. Jobs that run are
    left to themselves: threads do not outlive the process."""
    state = threading.Condition()
    begun: set[str] = set()
    done: set[str] = set()
    failures: list[Exception] = []

    def perform(name: str) -> None:
        # told apart from what nobody foresaw, whose trace the thread itself prints
        failure: Exception | None = LocalError(f"Lỗi bất ngờ ở “{name}”.", f"An unforeseen error in “{name}”.")
        try:
            jobs[name].act()
            failure = None
        except (LocalError, OSError) as error:
            failure = error
        finally:
            with state:
                done.add(name)
                if failure is not None:
                    failures.append(failure)
                state.notify_all()

    with state:
        while len(done) < len(jobs) and not failures:
            for name in [name for name in jobs if name not in begun and done.issuperset(jobs[name].after)]:
                begun.add(name)
                threading.Thread(target=perform, args=(name,), name=name, daemon=True).start()
            state.wait()
    if failures:
        raise failures[0]
