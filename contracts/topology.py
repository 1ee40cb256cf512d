"""The topics, read from `topics/*.yaml` once: who writes, who reads, what travels, how long it stays.

Names are logical; a prefix for several hubs on one cluster is added where the broker is spoken to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import yaml

from contracts.levels import OFFICE_LEVELS, Level

TOPICS_FOLDER: Final = Path(__file__).parent / "topics"
DEAD_SUFFIX: Final = ".dead"
DAY_MS: Final = 24 * 60 * 60 * 1000
DEAD_RETENTION_DAYS: Final = 30

Size = Literal["local", "production"]
Cleanup = Literal["delete", "compact"]

REPLICATION: Final[Mapping[Size, int]] = MappingProxyType({"local": 1, "production": 3})
"""Replicas of each partition where no setting says otherwise; `min.insync.replicas` is one less."""


class TopologyError(ValueError):
    """A topic file that does not say what a topic file must say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic. `retention_days` is None where nothing expires; `dead_letters_of` is the topic a dead one serves."""

    name: str
    purpose_en: str
    purpose_vi: str
    owner: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    messages: tuple[str, ...]
    key: str
    partitions: Mapping[Size, int]
    retention_days: int | None
    cleanup: Cleanup
    max_message_bytes: int
    dead: bool = False
    dead_letters_of: str | None = None

    def config(self, replication: int) -> dict[str, str]:
        """What the broker is told, in its own words, for so many replicas."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(-1 if self.retention_days is None else self.retention_days * DAY_MS),
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "CreateTime",
            "min.insync.replicas": str(max(1, replication - 1)),
        }


def read_topics(folder: Path) -> Mapping[str, Topic]:
    """Every topic by name, dead letter topics included. Raises `TopologyError` naming the file."""
    topics: dict[str, Topic] = {}
    for path in sorted(folder.glob("*.yaml")):
        topic = _topic(path)
        topics[topic.name] = topic
        if topic.dead:
            topics[topic.name + DEAD_SUFFIX] = _dead_letters(topic)
    return MappingProxyType(topics)


def ingest(level: Level) -> str:
    """The topic the office of that level writes to."""
    return _of_level("ingest", level)


def deliver(level: Level) -> str:
    """The topic the office of that level reads from."""
    return _of_level("deliver", level)


def dead(name: str) -> str:
    """The dead letter topic of a topic that has one."""
    if not TOPICS[name].dead:
        raise TopologyError(f"{name} has no dead letter topic")
    return name + DEAD_SUFFIX


def _of_level(kind: str, level: Level) -> str:
    if level not in OFFICE_LEVELS:
        raise TopologyError(f"no office at the {level} level: it is reached over the national axis")
    return TOPICS[f"{kind}.{level}"].name


def _topic(path: Path) -> Topic:
    try:
        fields: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        purpose = fields.pop("purpose")
        for name in ("producers", "consumers", "messages"):
            fields[name] = tuple(fields[name])
        fields["partitions"] = MappingProxyType(dict(fields["partitions"]))
        topic = Topic(purpose_en=purpose["en"], purpose_vi=purpose["vi"], **fields)
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise TopologyError(f"{path.name}: {error}") from error
    if topic.name != path.stem:
        raise TopologyError(f"{path.name}: the file is named otherwise than its topic")
    return topic


def _dead_letters(topic: Topic) -> Topic:
    """Same records without their bodies: the headers as they came, the verdict as value. Rare, so few partitions."""
    return replace(
        topic,
        name=topic.name + DEAD_SUFFIX,
        purpose_en=f"Dead letters of {topic.name}: headers and verdict, no body.",
        purpose_vi=f"Thông điệp hỏng của {topic.name}: tiêu đề và lý do, không có nội dung.",
        producers=topic.consumers,
        consumers=("operators",) if topic.consumers == (topic.owner,) else (topic.owner, "operators"),
        partitions=MappingProxyType({"local": 1, "production": 3}),
        retention_days=DEAD_RETENTION_DAYS,
        dead=False,
        dead_letters_of=topic.name,
    )


TOPICS: Final[Mapping[str, Topic]] = read_topics(TOPICS_FOLDER)
