"""Topics: every message travels on one, every topic carries something, dead letters have a place."""

from pathlib import Path

import pytest

from contracts import topology
from contracts.levels import OFFICE_LEVELS, Level
from contracts.registry import MESSAGES, Kind
from contracts.topology import TOPICS, Topic, TopologyError

LIVE = [topic for topic in TOPICS.values() if topic.dead_letters_of is None]
PROGRAMS = {"gateway", "province", "district", "commune"}


def test_the_topics_of_this_release() -> None:
    places = [f"{kind}.{level}" for kind in ("ingest", "deliver") for level in OFFICE_LEVELS]
    others = ["event.dossier", "event.document", "registry.organ", "registry.system", "registry.key"]
    assert set(TOPICS) == {*places, *others, *(f"{place}.dead" for place in places)}


@pytest.mark.parametrize("message_type", MESSAGES)
def test_every_message_is_carried(message_type: str) -> None:
    assert any(message_type in topic.messages for topic in LIVE)


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_every_topic_carries_known_messages_once(topic: Topic) -> None:
    assert topic.messages
    assert set(topic.messages) <= set(MESSAGES)
    assert len(set(topic.messages)) == len(topic.messages)


@pytest.mark.parametrize("topic", LIVE, ids=lambda topic: topic.name)
def test_topic_carries_the_kinds_of_its_place(topic: Topic) -> None:
    kinds = {MESSAGES[message].kind for message in topic.messages}
    if topic.name.startswith(("ingest.", "deliver.")):
        assert kinds == {Kind.FACT, Kind.RECEIPT, Kind.CONTROL}
        assert topic.key == "subject"
    elif topic.name.startswith("event."):
        assert kinds == {Kind.EVENT}
        assert topic.key == "subject"
    else:
        assert kinds == {Kind.REGISTRY}
        assert topic.key == "id"


@pytest.mark.parametrize("topic", LIVE, ids=lambda topic: topic.name)
def test_dead_letters_where_records_can_be_refused(topic: Topic) -> None:
    needed = topic.name.startswith(("ingest.", "deliver."))
    assert topic.dead is needed
    assert (f"{topic.name}.dead" in TOPICS) is needed
    if needed:
        letters = TOPICS[topology.dead(topic.name)]
        assert letters.dead_letters_of == topic.name
        assert letters.producers == topic.consumers
        assert letters.retention_days is not None
        assert topic.retention_days is not None
        assert letters.retention_days > topic.retention_days


def test_facts_go_in_and_come_out_at_every_level() -> None:
    facts = {name for name, message in MESSAGES.items() if message.kind is Kind.FACT}
    for level in OFFICE_LEVELS:
        assert facts <= set(TOPICS[topology.ingest(level)].messages)
        assert facts - {"message.voided"} <= set(TOPICS[topology.deliver(level)].messages)


def test_only_the_office_of_a_level_writes_its_ingest_topic() -> None:
    for level in OFFICE_LEVELS:
        assert TOPICS[topology.ingest(level)].producers == (str(level),)
        assert TOPICS[topology.deliver(level)].consumers == (str(level),)


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_topic_says_all_an_operator_asks(topic: Topic) -> None:
    assert topic.purpose_en
    assert topic.purpose_vi
    assert topic.owner in PROGRAMS
    assert set(topic.producers) <= PROGRAMS
    assert set(topic.consumers) <= PROGRAMS | {"integrators", "operators"}
    assert set(topic.partitions) == {"local", "production"}
    assert topic.max_message_bytes >= 256 * 1024 + 16 * 1024
    assert (topic.retention_days is None) is (topic.cleanup == "compact")


def test_broker_settings_follow_the_size() -> None:
    events = TOPICS["event.dossier"]
    assert events.config(1)["min.insync.replicas"] == "1"
    assert events.config(3)["min.insync.replicas"] == "2"
    assert events.config(1)["retention.ms"] == str(7 * 24 * 3600 * 1000)
    assert TOPICS["registry.organ"].config(3)["retention.ms"] == "-1"
    assert TOPICS["registry.organ"].config(3)["cleanup.policy"] == "compact"


def test_central_level_has_no_topic() -> None:
    with pytest.raises(TopologyError, match="national axis"):
        topology.ingest(Level.CENTRAL)
    with pytest.raises(TopologyError, match="national axis"):
        topology.deliver(Level.CENTRAL)


def test_topic_without_dead_letters_has_none() -> None:
    with pytest.raises(TopologyError, match=r"registry\.key"):
        topology.dead("registry.key")


@pytest.mark.parametrize(
    "text",
    ["", "name: [", "name: other\n", "just text", "name: broken\npurpose: {en: a}\n"],
    ids=["empty", "not-yaml", "fields-missing", "no-mapping", "one-language"],
)
def test_broken_topic_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(TopologyError, match=r"broken\.yaml"):
        topology.read_topics(tmp_path)


def test_file_must_be_named_as_its_topic(tmp_path: Path) -> None:
    source = topology.TOPICS_FOLDER / "registry.key.yaml"
    (tmp_path / "registry.keys.yaml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(TopologyError, match="named otherwise"):
        topology.read_topics(tmp_path)
