"""Several real brokers of one cluster on this machine: any one may be killed and nothing acknowledged is lost.

Every node is broker and controller. Each record has as many replicas as there are nodes, but no more than three, and is
acknowledged when all of them but one hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.jars import Report
from deploy.local.jobs import Job, run_jobs
from deploy.local.kafka import JAVA_OPTIONS, START_SECONDS, STOP_SECONDS, Kafka, Member, new_cluster_id
from deploy.local.kafka_metadata import Partition, State, state_of
from deploy.local.ports import free_port
from deploy.local.processes import await_condition

MOST_REPLICAS = 3


def replicas_of(nodes: int) -> int:
    """How many replicas a record has in a cluster of so many."""
    return min(nodes, MOST_REPLICAS)


class KafkaCluster:
    """Nodes are numbered from 1. What is said of no node is meant for all of them."""

    def __init__(
        self,
        home: Path,
        nodes: int = 3,
        *,
        ports: Sequence[int] = (),
        java_options: Sequence[str] = JAVA_OPTIONS,
        report: Report = lambda _: None,
    ) -> None:
        """Takes free ports where `ports` names none for a node."""
        self.home = home.absolute()
        taken = list(ports)
        while len(taken) < 2 * nodes:
            taken.append(free_port(taken))
        brokers, controllers = taken[:nodes], taken[nodes:]
        voters = ",".join(f"{number}@127.0.0.1:{port}" for number, port in enumerate(controllers, 1))
        self.nodes = {
            number: Kafka(
                self.home / str(number),
                port,
                controller,
                java_options=java_options,
                report=report,
                member=Member(number, voters, _settings(nodes)),
            )
            for number, (port, controller) in enumerate(zip(brokers, controllers, strict=True), 1)
        }

    @property
    def bootstrap(self) -> str:
        return ",".join(node.bootstrap for node in self.nodes.values())

    @property
    def alive(self) -> bool:
        """Whether every node runs."""
        return all(node.alive for node in self.nodes.values())

    @property
    def cluster_id(self) -> str | None:
        """As written on the disks; None when there is no data."""
        return next((found for node in self.nodes.values() if (found := node.cluster_id)), None)

    def pid(self, node: int) -> int | None:
        return self.nodes[node].pid

    def start(self) -> None:
        """Returns when every node is a member of the one cluster."""
        chosen = self.cluster_id or new_cluster_id()
        for node in self.nodes.values():
            node.fresh_id = chosen
        run_jobs({f"kafka {number}": Job(node.start) for number, node in self.nodes.items()})
        wanted = frozenset(self.nodes)
        if not await_condition(lambda: self._members_seen_by_all() == wanted, START_SECONDS, every=0.05):
            self.kill()
            raise LocalError("Các broker Kafka không hợp thành một cụm.", "The Kafka brokers did not form one cluster.")

    def start_again(self, node: int) -> None:
        """Returns when it is a member again; its replicas may be behind yet."""
        self.nodes[node].start()

    def stop(self, seconds: float = STOP_SECONDS, *, node: int | None = None) -> None:
        """In good order. All nodes at once: the last of them could not hand over what they lead."""
        run_jobs({f"kafka {each}": Job(partial(self.nodes[each].stop, seconds)) for each in self._meant(node)})

    def kill(self, node: int | None = None) -> None:
        """kill -9."""
        for each in self._meant(node):
            self.nodes[each].kill()

    def freeze(self, node: int | None = None) -> None:
        """SIGSTOP: the connections stay open and nobody answers."""
        for each in self._meant(node):
            self.nodes[each].freeze()

    def thaw(self, node: int | None = None) -> None:
        for each in self._meant(node):
            self.nodes[each].thaw()

    def wipe(self) -> None:
        """The whole cluster loses everything, its id included. Kills it when it runs; does not start it again."""
        for node in self.nodes.values():
            node.wipe()

    def partitions(self) -> tuple[Partition, ...]:
        """As the first node sees them that answers."""
        state = self._state(topics=True)
        return state.partitions if state is not None else ()

    def leader(self, topic: str, partition: int) -> int:
        """The node that leads it, -1 while there is none."""
        found = (each for each in self.partitions() if (each.topic, each.number) == (topic, partition))
        return next((each.leader for each in found), -1)

    def in_sync(self) -> bool:
        """Whether every replica of every partition, Kafka's own included, is where its leader is."""
        state = self._state(topics=True)
        return (
            state is not None
            and state.brokers == frozenset(self.nodes)
            and all(each.leader > 0 and each.in_sync == each.replicas for each in state.partitions)
        )

    def _members_seen_by_all(self) -> frozenset[int]:
        states = [state_of(node.port) for node in self.nodes.values()]
        return frozenset.intersection(*(state.brokers if state is not None else frozenset() for state in states))

    def _state(self, *, topics: bool) -> State | None:
        answers = (state_of(node.port, topics=topics) for node in self.nodes.values() if node.alive)
        return next((state for state in answers if state is not None and state.brokers), None)

    def _meant(self, node: int | None) -> Sequence[int]:
        return [node] if node is not None else list(self.nodes)


def _settings(nodes: int) -> dict[str, str]:
    replicas = str(replicas_of(nodes))
    needed = str(max(1, replicas_of(nodes) - 1))
    return {
        "default.replication.factor": replicas,
        "min.insync.replicas": needed,
        "unclean.leader.election.enable": "false",
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": needed,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": needed,
    }
