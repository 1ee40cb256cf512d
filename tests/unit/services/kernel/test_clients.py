"""What the broker answers about partitions, read without a broker."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.kernel.messaging.clients import at, by_leader, made_in, offsets_in
from services.kernel.messaging.records import BrokerAway


def topic(name: str, leaders: list[int], *, error: int = 0) -> dict[str, Any]:
    partitions = [{"partition": number, "leader": leader} for number, leader in enumerate(leaders)]
    return {"topic": name, "error_code": error, "partitions": partitions}


def test_partitions_are_asked_for_at_the_node_that_leads_them() -> None:
    led = by_leader([topic("a", [1, 2, 1]), topic("gone", [], error=3), topic("b", [2])])
    assert led == {1: {"a": [0, 2]}, 2: {"a": [1], "b": [0]}}
    assert at(led[2], -1) == [("a", [(1, -1)]), ("b", [(0, -1)])]


@pytest.mark.parametrize(("described", "led"), [(topic("a", [1, -1]), {1: {"a": [0]}}), (topic("a", [], error=5), {})])
def test_partitions_without_a_leader_do_not_keep_the_others_from_being_asked_for(
    described: dict[str, Any], led: dict[int, Any]
) -> None:
    assert by_leader([described]) == led


def test_offsets_are_read_by_partition_and_an_error_is_no_offset() -> None:
    answers = [(0, 0, -1, 7), (1, 0, -1, 9, 4), (2, 6, -1, -1)]
    assert offsets_in(SimpleNamespace(topics=[("a", answers)])) == {("a", 0): 7, ("a", 1): 9}


def test_topics_are_told_that_were_made_and_an_error_is_the_brokers() -> None:
    assert made_in(SimpleNamespace(topic_errors=[("a", 0, None), ("b", 36, "exists")])) == ["a"]
    with pytest.raises(BrokerAway):
        made_in(SimpleNamespace(topic_errors=[("a", 0, None), ("b", 41, "not the controller")]))
