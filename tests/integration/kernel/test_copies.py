"""Registry copies: complete before ready, newest version wins, and a copy is good while Kafka is away."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from deploy.local.kafka import Kafka
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.copies import RegistryCopies
from services.kernel.messaging.records import Ack, Outgoing, TopicSpec
from tests.integration.kernel.scene import Scene, is_so, until

ORGANS, KEYS = "registry.organ", "registry.key"


class Copying(Scene):
    """A program that copies two registries."""

    def __init__(self, url: str, cluster: Cluster, *, optional: tuple[str, ...] = ()) -> None:
        super().__init__(url, cluster)
        self.seen: list[tuple[str, Mapping[str, bytes]]] = []
        self.specs = [TopicSpec(topic, 2, configs={"cleanup.policy": "compact"}) for topic in (ORGANS, KEYS)]
        self.copies = RegistryCopies(
            cluster,
            [ORGANS, KEYS],
            database=self.database,
            watch=self.watch,
            changed=lambda topic, entries: self.seen.append((topic, entries)),
            optional=optional,
        )
        self.supervisor.add("copies", self.copies.run, critical=True, state=self.copies.part)

    def begin(self) -> None:
        self.start(relay=False)

    async def publish(self, topic: str, *entries: tuple[str, int]) -> None:
        messages = [Outgoing(topic, key, json.dumps({"version": v, "id": key}).encode(), ()) for key, v in entries]
        for result in await self.producer.send(messages):
            assert isinstance(result, Ack), result

    def versions(self, topic: str) -> dict[str, Any]:
        return {key: json.loads(value)["version"] for key, value in self.copies.entries(topic).items()}


async def test_a_copy_is_ready_when_every_registry_was_read_and_keeps_the_newest(
    database_url: str, cluster: Cluster
) -> None:
    scene = Copying(database_url, cluster)
    try:
        await scene.ensure_topics()
        await until(lambda: publishable(scene))
        scene.begin()
        await until(lambda: is_so("waiting for registry.key" in scene.copies.part().detail))
        assert not scene.copies.ready, "an empty registry is not complete"
        assert scene.copies.part().critical
        await scene.publish(KEYS, ("k1", 1))
        await until(lambda: is_so(scene.copies.ready))
        await scene.publish(ORGANS, ("a", 3), ("b", 2), ("a", 2))
        await until(lambda: is_so(scene.versions(ORGANS) == {"a": 3, "b": 2}))
        assert scene.copies.get(ORGANS, "b") is not None
        assert scene.copies.get(ORGANS, "c") is None
        topics = [topic for topic, _ in scene.seen]
        assert topics.count(KEYS) == 1
    finally:
        await scene.aclose()


async def publishable(scene: Copying) -> bool:
    results = await scene.producer.send([Outgoing(ORGANS, "a", b'{"version": 1}', ())])
    return isinstance(results[0], Ack)


async def test_a_complete_copy_serves_while_kafka_is_away_and_survives_a_wipe(
    database_url: str, cluster: Cluster, kafka: Kafka
) -> None:
    first = Copying(database_url, cluster, optional=(KEYS,))
    try:
        await first.ensure_topics()
        await until(lambda: publishable(first))
        first.begin()
        await until(lambda: is_so(first.copies.ready))
    finally:
        await first.aclose()
    await asyncio.to_thread(kafka.wipe)
    second = Copying(database_url, cluster, optional=(KEYS,))
    try:
        await second.copies.prepare()
        assert second.copies.ready, "before the first request, without Kafka"
        second.begin()
        assert second.versions(ORGANS) == {"a": 1}
        assert not second.watch.part().ok
        await asyncio.to_thread(kafka.start)
        await until(lambda: is_so(second.watch.generation == 2), seconds=30)
        await until(lambda: republished(second), seconds=30)
        await until(lambda: is_so(second.versions(ORGANS) == {"a": 1, "b": 1}), seconds=30)
    finally:
        await second.aclose()


async def republished(scene: Copying) -> bool:
    results = await scene.producer.send([Outgoing(ORGANS, "b", b'{"version": 1}', ())])
    return isinstance(results[0], Ack)
