"""One whole hub on this machine: servers, steps and programs in one home folder, each started, killed and started
again by its name. `up` runs it for a person, the end-to-end and chaos tests run it for themselves."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deploy.local.errors import LocalError
from deploy.local.first_run import axis_secret, clock_offset, seed
from deploy.local.jars import Report
from deploy.local.jobs import Job, run_jobs
from deploy.local.kafka import JAVA_OPTIONS, Kafka
from deploy.local.kafka_cluster import KafkaCluster, replicas_of
from deploy.local.ports import DEFAULTS, free_port, setting, url_setting
from deploy.local.postgres import Postgres
from deploy.local.processes import Child, Command, await_condition, end_leftover, log_tail
from deploy.local.programs import (
    COMMAND,
    KAFKA_SETTING,
    OWNERS,
    PROGRAMS,
    REPLICATION_SETTING,
    ROOT,
    STEPS,
    Step,
    database_setting,
    says_ready,
)
from deploy.local.screen import Screen

STEP_SECONDS = 300.0
READY_SECONDS = 120.0
PROGRAM_STOP_SECONDS = 9.0
LEFTOVER_SECONDS = 8.0
# the stand-in takes these for ours: Hòa Bình, and the provinces it was joined with on 1 July 2025
AXIS_PROVINCES = json.dumps(["H28", "H44", "H62"])


class Hub:
    """`home` holds all data, logs and pid files; two hubs never share one. Without `ports` it takes free ones.
    `environment` may point to servers that exist: those are used and not started. Blocking; call it in a thread
    from asyncio. All processes end when this one does. With several `brokers` the topics are held by several of them,
    and `kafka` kills each by its number."""

    def __init__(
        self,
        home: Path,
        *,
        ports: Mapping[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = COMMAND,
        java_options: Sequence[str] = JAVA_OPTIONS,
        screen: Screen | None = None,
        brokers: int = 1,
    ) -> None:
        self.home = home.absolute()
        self.environment = dict(os.environ if environment is None else environment)
        self.ports = dict(ports) if ports is not None else _free_ports()
        self._command = list(command)
        self._screen = screen
        self._children: dict[str, Child] = {}
        self._decided: dict[str, str] | None = None
        self.postgres = self._embedded_postgres()
        self.kafka = self._embedded_kafka(java_options, brokers)

    @property
    def credentials_file(self) -> Path:
        return self.home / "credentials.json"

    def credentials(self) -> dict[str, dict[str, Any]]:
        """The local systems by name."""
        return {entry["name"]: entry for entry in json.loads(self.credentials_file.read_text())}

    def address(self, name: str, *, instance: int = 1) -> str:
        return f"http://127.0.0.1:{self.ports[_key(name, instance)]}"

    def database_url(self, owner: str) -> str:
        if given := self.environment.get(database_setting(owner)):
            return given
        assert self.postgres is not None
        return self.postgres.url(owner)

    @property
    def bootstrap(self) -> str:
        if given := self.environment.get(KAFKA_SETTING):
            return given
        assert self.kafka is not None
        return self.kafka.bootstrap

    def log_file(self, name: str, *, instance: int = 1) -> Path:
        return self.home / "log" / f"{_key(name, instance)}.log"

    # the whole of it ------------------------------------------------------------------------------------------------

    def start(self, programs: Iterable[str] = PROGRAMS) -> None:
        """Servers, steps, programs; returns when all of these programs are ready."""
        wanted = tuple(programs)
        self.prepare()
        for name in wanted:
            self.start_program(name)
        self.await_ready(wanted)

    def prepare(self) -> None:
        """Ends what an earlier hub left in this home, starts the servers side by side, and each step as soon as what
        it needs is there."""
        self.end_leftovers()
        jobs = {"postgres": Job(self._start_postgres), "kafka": Job(self._start_kafka)}
        for step in STEPS:
            jobs[step.name] = Job(partial(self.run_step, step), step.after)
        run_jobs(jobs)

    def stop(self) -> None:
        """Programs and steps together, then Kafka, then PostgreSQL; under 30 s."""
        children = list(self._children.values())
        for child in children:
            child.ask_to_end()
        end = time.monotonic() + PROGRAM_STOP_SECONDS
        for child in children:
            child.await_end(max(0.0, end - time.monotonic()))
        if self.kafka is not None:
            self.kafka.stop(seconds=10)
        if self.postgres is not None:
            self.postgres.stop(seconds=8)

    def kill_all(self) -> None:
        """kill -9 of everything."""
        for child in list(self._children.values()):
            child.kill()
        for server in (self.kafka, self.postgres):
            if server is not None:
                server.kill()
                server.stop()

    def end_leftovers(self) -> None:
        """What a hub killed with -9 left: programs first, PostgreSQL last."""
        files = {file.name: file for file in (self.home / "run").glob("*.pid")}
        last = [*sorted(name for name in files if name.startswith("kafka")), "postgres.pid"]
        for name in [*sorted(files.keys() - set(last)), *(name for name in last if name in files)]:
            end_leftover(files[name], seconds=LEFTOVER_SECONDS)

    # one part of it -------------------------------------------------------------------------------------------------

    def start_program(self, name: str, *, instance: int = 1, arguments: Sequence[str] = ()) -> Child:
        """Further instances of a program get a port of their own. Does not wait until it is ready."""
        key = _key(name, instance)
        if key not in self.ports:
            self.ports[key] = free_port(self.ports.values())
        if (running := self._children.get(key)) is not None and running.alive:
            return running
        # a name of its own in the reading group: whoever comes back after a kill has its partitions at once
        own = {setting(name): str(self.ports[key]), "LIENTHONG_GROUP_INSTANCE_ID": f"{name}-{instance}"}
        # callers know all processes of a program by one address, which tokens and links name
        own |= {url_setting(name): self.environment.get(url_setting(name)) or self.address(name)}
        return self._launch([name, *arguments], log=self.log_file(name, instance=instance), own=own)

    def alive(self, name: str, *, instance: int = 1) -> bool:
        """Whether the program or server runs. A server that is not ours is taken to."""
        if name in ("postgres", "kafka"):
            server = self.postgres if name == "postgres" else self.kafka
            return server is None or server.alive
        child = self._children.get(_key(name, instance))
        return child is not None and child.alive

    def pid(self, name: str, *, instance: int = 1) -> int:
        return self._children[_key(name, instance)].pid

    def kill(self, name: str, *, instance: int = 1) -> None:
        """kill -9 of a program or a server with all its processes."""
        if name == "postgres" and self.postgres is not None:
            self.postgres.kill()
        elif name == "kafka" and self.kafka is not None:
            self.kafka.kill()
        else:
            self._children[_key(name, instance)].kill()

    def freeze(self, name: str, *, instance: int = 1) -> None:
        """SIGSTOP of a program or a server with all its processes; it can still be killed and stopped."""
        self._part(name, instance).freeze()

    def thaw(self, name: str, *, instance: int = 1) -> None:
        """SIGCONT; nothing when it is not frozen."""
        self._part(name, instance).thaw()

    def _part(self, name: str, instance: int) -> Child | Postgres | Kafka | KafkaCluster:
        if name == "postgres" and self.postgres is not None:
            return self.postgres
        if name == "kafka" and self.kafka is not None:
            return self.kafka
        return self._children[_key(name, instance)]

    def stop_program(self, name: str, *, instance: int = 1) -> None:
        """As an operator would: it finishes what it has begun."""
        self._children[_key(name, instance)].stop(PROGRAM_STOP_SECONDS)

    def start_again(self, name: str, *, instance: int = 1) -> None:
        """After a kill or a stop, on the same data and the same port."""
        if name == "postgres" and self.postgres is not None:
            self.postgres.start()
        elif name == "kafka" and self.kafka is not None:
            self.kafka.start()
        else:
            self.start_program(name, instance=instance)

    def is_ready(self, name: str, *, instance: int = 1) -> bool:
        return self.alive(name, instance=instance) and says_ready(
            self.ports[_key(name, instance)], PROGRAMS[name].probe
        )

    def await_ready(self, names: Iterable[str] = OWNERS, *, seconds: float = READY_SECONDS) -> None:
        """Fails as soon as one of them has ended."""
        end = time.monotonic() + seconds
        for name in names:
            await_condition(partial(self._has_settled, name), end - time.monotonic(), every=0.05)
            if not self.is_ready(name):
                raise self.not_ready(name)

    def _has_settled(self, name: str) -> bool:
        return not self.alive(name) or self.is_ready(name)

    def run_step(self, step: Step) -> None:
        """Returns when the step has succeeded."""
        child = self._launch([step.name], log=self.log_file(step.name))
        if not child.ended.wait(STEP_SECONDS) or child.exit_code != 0:
            child.kill()
            tail = log_tail(self.log_file(step.name), 3)
            raise LocalError(
                f"Bước “{step.name}” không xong ({self.log_file(step.name)}): {tail}",
                f"The step “{step.name}” failed ({self.log_file(step.name)}): {tail}",
            )
        self._say(step.vi, step.en)

    def run(self, words: Sequence[str]) -> int:
        """Another word of the same command, on this process's own output; its exit code."""
        child = self._launch(list(words), log=None)
        child.ended.wait()
        return child.exit_code or 0

    def not_ready(self, name: str) -> LocalError:
        tail = log_tail(self.log_file(name), 2)
        return LocalError(
            f"Chương trình {name} chưa sẵn sàng ({self.log_file(name)}): {tail}",
            f"The program {name} did not become ready ({self.log_file(name)}): {tail}",
        )

    def child_environment(self) -> dict[str, str]:
        """What every program and step is told."""
        return {
            **self.environment,
            **self._once(),
            "LIENTHONG_HOME": str(self.home),
            "LIENTHONG_LOCAL": "1",
            KAFKA_SETTING: self.bootstrap,
            **self._replication(),
            **{database_setting(owner): self.database_url(owner) for owner in OWNERS},
            **{setting(name): str(self.ports[name]) for name in PROGRAMS},
            "PYTHONUNBUFFERED": "1",
        }

    def _replication(self) -> dict[str, str]:
        """Several brokers of ours hold every topic on several of them."""
        if not isinstance(self.kafka, KafkaCluster) or REPLICATION_SETTING in self.environment:
            return {}
        return {REPLICATION_SETTING: str(replicas_of(len(self.kafka.nodes)))}

    def _once(self) -> dict[str, str]:
        """Decided at the first start of this home and the same for every child after."""
        if self._decided is None:
            offset = clock_offset(self.home, self.environment.get("CLOCK") or self.environment.get("LIENTHONG_CLOCK"))
            self._decided = {
                "LIENTHONG_SEED": seed(
                    self.home, self.environment.get("SEED") or self.environment.get("LIENTHONG_SEED")
                ),
                "LIENTHONG_AXIS_PROVINCES": self.environment.get("LIENTHONG_AXIS_PROVINCES", AXIS_PROVINCES),
                "LIENTHONG_CLOCK_OFFSET_SECONDS": str(offset),
                "LIENTHONG_AXIS_URL": f"http://127.0.0.1:{self.ports['axis']}/vxp",
                "LIENTHONG_AXIS_SYSTEMID": self.environment.get("LIENTHONG_AXIS_SYSTEMID", "000.00.00.H28"),
                "LIENTHONG_AXIS_SECRET": axis_secret(self.home),
            }
        return self._decided

    def _launch(self, words: list[str], *, log: Path | None, own: Mapping[str, str] | None = None) -> Child:
        key = log.stem if log is not None else words[0]
        child = Child(
            Command(
                argv=[*self._command, *words],
                cwd=ROOT,
                log=log,
                pid_file=self.home / "run" / f"{key}.pid",
                env={**self.child_environment(), **(own or {})},
            )
        )
        self._children[key] = child
        return child

    def _embedded_postgres(self) -> Postgres | None:
        if all(self.environment.get(database_setting(owner)) for owner in OWNERS):
            return None
        server = Postgres(self.home / "postgres")
        server.log = self.log_file("postgres")
        server.pid_file = self.home / "run" / "postgres.pid"
        return server

    def _embedded_kafka(self, java_options: Sequence[str], brokers: int) -> Kafka | KafkaCluster | None:
        if self.environment.get(KAFKA_SETTING):
            return None
        report = self._screen.progress if self._screen is not None else _silent
        if brokers > 1:
            return self._kafka_cluster(java_options, brokers, report)
        controller = free_port(self.ports.values())
        server = Kafka(self.home / "kafka", self.ports["kafka"], controller, java_options=java_options, report=report)
        server.log = self.log_file("kafka")
        server.pid_file = self.home / "run" / "kafka.pid"
        return server

    def _kafka_cluster(self, java_options: Sequence[str], brokers: int, report: Report) -> KafkaCluster:
        for number in range(2, brokers + 1):
            self.ports[_key("kafka", number)] = free_port(self.ports.values())
        ports = [self.ports[_key("kafka", number)] for number in range(1, brokers + 1)]
        for _ in range(brokers):
            ports.append(free_port({*self.ports.values(), *ports}))
        cluster = KafkaCluster(self.home / "kafka", brokers, ports=ports, java_options=java_options, report=report)
        for number, node in cluster.nodes.items():
            node.log = self.log_file("kafka", instance=number)
            node.pid_file = self.home / "run" / f"{_key('kafka', number)}.pid"
        return cluster

    def _start_postgres(self) -> None:
        if self.postgres is None:
            return
        self.postgres.start()
        for owner in OWNERS:
            if not self.environment.get(database_setting(owner)):
                self.postgres.create_database(owner)
        self._say("PostgreSQL đã chạy", "PostgreSQL is up")

    def _start_kafka(self) -> None:
        if self.kafka is not None:
            self.kafka.start()
            self._say(f"Kafka đã chạy ở {self.bootstrap}", f"Kafka is up at {self.bootstrap}")

    def _say(self, vi: str, en: str) -> None:
        if self._screen is not None:
            self._screen.say(vi, en)


def _silent(_: str) -> None:
    return None


def _key(name: str, instance: int) -> str:
    return name if instance == 1 else f"{name}-{instance}"


def _free_ports() -> dict[str, int]:
    ports: dict[str, int] = {}
    for name in DEFAULTS:
        ports[name] = free_port(ports.values())
    return ports
