"""The topics of contracts/topics as the broker is asked to make them, sized by setting."""

from contracts.topology import REPLICATION, TOPICS, Size
from services.kernel.messaging.kafka import Admin
from services.kernel.messaging.records import TopicSpec
from services.kernel.settings import Settings


def specs(settings: Settings) -> list[TopicSpec]:
    """Every topic; partition counts are fixed for good, because changing them would break the order of keys."""
    size: Size = "local" if settings.local else "production"
    replication = settings.kafka_replication or REPLICATION[size]
    return [
        TopicSpec(topic.name, topic.partitions[size], replication, topic.config(replication))
        for topic in TOPICS.values()
    ]


async def ensure(admin: Admin, settings: Settings) -> list[str]:
    """Makes the topics that are missing; returns their names. May be called any number of times, by several."""
    present = await admin.topics()
    return await admin.create_topics([spec for spec in specs(settings) if spec.name not in present])
