"""`make run` as a person meets it: real servers, a supervisor in a process of its own, stand-ins for the programs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.local.ports import DEFAULTS, free_port, setting
from deploy.local.processes import await_condition, start_mark
from deploy.local.programs import KAFKA_SETTING, OWNERS, PROGRAMS, database_setting

PROGRAM = Path(__file__).with_name("program.py")
UP = "import sys; from deploy.local.up import main; main([sys.executable, sys.argv[1]])"
PATIENCE = 60.0
# servers that somebody else runs: `up` starts none, and the stand-ins use none
EXISTING = {
    **{database_setting(owner): f"postgresql+asyncpg://somewhere/{owner}" for owner in OWNERS},
    KAFKA_SETTING: "somewhere:9092",
}


class Person:
    """Starts the hub in a home folder of its own, looks at it from outside and ends what she started."""

    def __init__(self, home: Path, *, number: int = 1) -> None:
        self.home = home
        self.out_file = home.parent / f"out-{number}"
        self.err_file = home.parent / f"err-{number}"
        self.ports: dict[str, int] = {}
        for name in DEFAULTS:
            self.ports[name] = free_port(self.ports.values())
        self.process: subprocess.Popen[str] | None = None

    @property
    def up(self) -> subprocess.Popen[str]:
        assert self.process is not None
        return self.process

    def run(self, **environment: str) -> None:
        settings = {setting(name): str(port) for name, port in self.ports.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_DATABASE")}
        with self.out_file.open("w") as out, self.err_file.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", UP, str(PROGRAM)],
                env={
                    **kept,
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                    "LIENTHONG_HOME": str(self.home),
                    **settings,
                    **environment,
                },
                stdout=out,
                stderr=err,
                text=True,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        return self.out_file.read_text()

    @property
    def err(self) -> str:
        return self.err_file.read_text()

    @property
    def ready(self) -> bool:
        return (self.home / "ready").exists()

    def await_ready(self) -> None:
        assert await_condition(lambda: self.ready or self.up.poll() is not None, PATIENCE)
        assert self.ready, self.err

    def pid(self, name: str) -> int | None:
        try:
            return int(json.loads((self.home / "run" / f"{name}.pid").read_text())["pid"])
        except FileNotFoundError:
            return None

    def marks(self) -> dict[int, str | None]:
        pids = [self.pid(name) for name in (*PROGRAMS, "kafka", "postgres")]
        return {pid: start_mark(pid) for pid in pids if pid is not None}

    def interrupt(self, number: int = signal.SIGINT) -> int:
        self.up.send_signal(number)
        return self.up.wait(30)


def ended(marks: dict[int, str | None]) -> bool:
    return all(start_mark(pid) != mark for pid, mark in marks.items())


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    person = Person(tmp_path / "nhà của hub")
    try:
        yield person
    finally:
        if person.process is not None and person.process.poll() is None:
            try:
                person.interrupt()
            except subprocess.TimeoutExpired:
                person.process.kill()
                person.process.wait()
        for pid_file in (person.home / "run").glob("*.pid"):
            with suppress(ProcessLookupError, ValueError):
                os.kill(int(json.loads(pid_file.read_text())["pid"]), signal.SIGKILL)


def test_is_up_until_interrupted_and_goes_on_from_its_data(person: Person) -> None:
    person.run(CLOCK="2024-06-03T08:00:00+07:00")
    person.await_ready()
    marks = person.marks()
    assert await_condition(lambda: "Ctrl-C" in person.out, PATIENCE)
    assert "sample traffic shown on 2024-06-03 1" in person.out
    assert "\033" not in person.out
    for name in PROGRAMS:
        assert f"http://127.0.0.1:{person.ports[name]}" in person.out
        assert (person.home / "log" / f"{name}.log").exists()
    cluster = (person.home / "kafka" / "data" / "meta.properties").read_text()

    assert person.interrupt() == 0

    assert ended(marks)
    assert not person.ready
    assert not list((person.home / "run").glob("*.pid"))
    assert person.err == ""
    person.run()
    person.await_ready()
    assert (person.home / "kafka" / "data" / "meta.properties").read_text() == cluster
    assert person.interrupt(signal.SIGTERM) == 0


def test_ready_file_follows_the_programs(person: Person) -> None:
    person.run()
    person.await_ready()

    unready = person.home / "district.unready"
    unready.touch()
    assert await_condition(lambda: not person.ready, 10)
    unready.unlink()
    person.await_ready()

    first = person.pid("commune")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert await_condition(lambda: not person.ready, 10)
    person.await_ready()
    assert person.pid("commune") != first
    assert "commune ended by itself" in person.out

    server = person.pid("postgres")
    assert server is not None
    os.kill(server, signal.SIGKILL)
    assert await_condition(lambda: person.pid("postgres") not in (None, server), 20)
    assert await_condition(lambda: "postgres ended by itself" in person.out, 10)

    (person.home / "credentials.json").unlink()
    assert await_condition(lambda: not person.ready, 10)


def test_second_signal_ends_everything_at_once(person: Person) -> None:
    person.run()
    person.await_ready()
    assert await_condition(lambda: "Ctrl-C" in person.out, PATIENCE)
    marks = person.marks()
    kafka = person.pid("kafka")
    assert kafka is not None
    # it cannot end in good order now, so the first signal takes long
    os.kill(kafka, signal.SIGSTOP)
    person.up.send_signal(signal.SIGINT)
    assert await_condition(lambda: not any(person.pid(name) for name in PROGRAMS), 10)
    assert person.pid("kafka") == kafka

    def insists() -> bool:
        person.up.send_signal(signal.SIGINT)
        return person.up.poll() is not None

    assert await_condition(insists, 5, every=0.1)
    assert person.up.returncode == 128 + signal.SIGINT
    assert ended(marks)


def test_cleans_up_after_kill_9_of_itself(person: Person) -> None:
    person.run()
    person.await_ready()
    marks = person.marks()
    person.up.kill()
    person.up.wait()

    person.run()

    assert await_condition(lambda: "Data in" in person.out, PATIENCE)
    assert ended(marks)
    person.await_ready()
    assert person.interrupt() == 0


def test_ends_with_one_sentence_when_a_port_is_taken(person: Person) -> None:
    with socket.create_server(("127.0.0.1", person.ports["district"])):
        person.run()
        assert person.up.wait(PATIENCE) == 1
    assert person.err.count("\n") == 1
    assert f"Port {person.ports['district']} (district) is taken" in person.err
    assert "LIENTHONG_PORT_DISTRICT" in person.err
    assert not (person.home / "run" / "postgres.pid").exists()


def test_ends_with_one_sentence_when_nothing_can_be_written(person: Person) -> None:
    person.home.write_text("a file is in the way")
    person.run()
    assert person.up.wait(PATIENCE) == 1
    assert person.err.count("\n") == 1
    assert "Cannot write to" in person.err


def test_ends_with_one_sentence_when_the_repository_cannot_be_reached(person: Person) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/maven"
    person.run(LIENTHONG_MAVEN_REPOSITORY=nobody, LIENTHONG_CACHE=str(person.home.parent / "cache"))
    assert person.up.wait(PATIENCE) == 1
    assert person.err.count("\n") == 1
    assert f"Cannot fetch Apache Kafka from the Maven repository {nobody}" in person.err
    assert not list((person.home / "run").glob("*.pid"))


def test_uses_servers_that_exist_and_refuses_a_second_hub_in_the_same_home(person: Person) -> None:
    person.run(**EXISTING)
    person.await_ready()
    assert await_condition(lambda: "Ctrl-C" in person.out, PATIENCE)
    marks = person.marks()
    assert len(marks) == len(PROGRAMS)
    assert not (person.home / "postgres").exists()
    assert not (person.home / "kafka").exists()

    other = Person(person.home, number=2)
    other.run(**EXISTING)

    assert other.up.wait(PATIENCE) == 1
    assert "Another hub runs on" in other.err
    assert {pid: start_mark(pid) for pid in marks} == marks
    with urllib.request.urlopen(f"http://127.0.0.1:{person.ports['gateway']}/readyz") as answer:
        assert answer.status == 200
    assert person.interrupt() == 0


def test_ends_when_a_program_never_comes_up(person: Person) -> None:
    person.home.mkdir()
    (person.home / "province.broken").touch()
    person.run(**EXISTING)
    assert person.up.wait(PATIENCE) == 1
    assert "The program province did not become ready" in person.err
    assert "broken on purpose" in person.err
    assert not list((person.home / "run").glob("*.pid"))


def test_ends_when_a_step_fails(person: Person) -> None:
    person.home.mkdir()
    (person.home / "migrate.broken").touch()
    person.run(**EXISTING)
    assert person.up.wait(PATIENCE) == 1
    assert person.err.count("\n") == 1
    assert "The step “migrate” failed" in person.err
    assert not list((person.home / "run").glob("*.pid"))
